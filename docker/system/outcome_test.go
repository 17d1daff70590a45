package system

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// patience bounds what ends by itself; nothing takes nearly as long unless it is broken.
const patience = 30 * time.Second

var (
	aRead  = history.Operation{Kind: history.Read, Key: "k"}
	aWrite = history.Operation{Kind: history.Write, Key: "k", Value: history.NewValue("x")}
	aSwap  = history.Operation{
		Kind: history.CompareAndSet, Key: "k",
		Expected: history.NewValue("w"), Value: history.NewValue("x"),
	}
	aProposal = history.Operation{Kind: history.Propose, Key: "d", Value: history.NewValue("x")}
	aLearn    = history.Operation{Kind: history.Learn, Key: "d"}
	everyKind = []history.Operation{aRead, aWrite, aSwap, aProposal, aLearn}
)

func dial(t *testing.T, address string) Client {
	t.Helper()
	client := PaxosRegister("").Dial(Endpoint{Node: "n1", Address: address})
	t.Cleanup(client.Close)
	return client
}

func do(t *testing.T, client Client, op history.Operation) history.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return client.Do(ctx, op)
}

// An answerTest is an answer to an operation and what its client makes of it. The error is a part
// of the real one.
type answerTest struct {
	op     history.Operation
	status int
	body   string
	want   history.Result
}

func TestAnswersThatMakeSense(t *testing.T) {
	value := history.NewValue
	ok := func(returned history.Value) history.Result {
		return history.Result{Outcome: history.OK, Returned: returned}
	}
	nothing := history.Value{}
	for _, test := range []answerTest{
		{aRead, 200, `{"value":"v"}`, ok(value("v"))},
		{aRead, 200, `{"value":""}`, ok(value(""))},
		{aRead, 200, `{"value":null}`, ok(nothing)},
		{aWrite, 200, `{"value":"x"}`, ok(nothing)},
		{
			aSwap, 200, `{"applied":true,"value":"x"}`,
			history.Result{Outcome: history.OK, Applied: true},
		},
		{aSwap, 200, `{"applied":false,"value":"v"}`, ok(value("v"))},
		{aSwap, 200, `{"applied":false,"value":null}`, ok(nothing)},
		// This cannot be right, and is passed on as it is: judging it is the checker's business.
		{aSwap, 200, `{"applied":false,"value":"w"}`, ok(value("w"))},
		{aProposal, 200, `{"chosen":"y"}`, ok(value("y"))},
		{aLearn, 200, `{"learned":"y"}`, ok(value("y"))},
		{aLearn, 200, `{"learned":null}`, ok(nothing)},
	} {
		test.run(t)
	}
}

func TestAnswersWithoutSenseAreUnknown(t *testing.T) {
	without := func(text string) history.Result {
		return history.Result{Outcome: history.Info, Error: text}
	}
	for _, test := range []answerTest{
		{aRead, 200, ``, without("without sense")},
		{aRead, 200, `{}`, without(`"value" is missing`)},
		{aRead, 200, `{"value":1}`, without(`"value"`)},
		{aRead, 200, `{"value":"v"`, without("without sense")},
		{aWrite, 200, `<html>`, without("without sense")},
		{aWrite, 200, `{}`, without(`"value" is missing`)},
		{aWrite, 200, `{"value":"y"}`, without(`holds "y"`)},
		{aSwap, 200, `{"value":"x"}`, without(`"applied" is missing`)},
		{aSwap, 200, `{"applied":false}`, without(`"value" is missing`)},
		{aSwap, 200, `{"applied":true,"value":"y"}`, without(`holds "y"`)},
		{aProposal, 200, `{"chosen":null}`, without("is null")},
		{aProposal, 200, `{"learned":"x"}`, without("is missing")},
		{aLearn, 200, `{"chosen":"x"}`, without("is missing")},
		{aRead, 200, `{"value":"` + strings.Repeat("v", answerMax) + `"}`, without("more than")},
	} {
		test.run(t)
	}
}

func TestOtherStatuses(t *testing.T) {
	fail := func(text string) history.Result {
		return history.Result{Outcome: history.Fail, Error: text}
	}
	info := func(text string) history.Result {
		return history.Result{Outcome: history.Info, Error: text}
	}
	for _, test := range []answerTest{
		{aWrite, 503, `{"outcome":"not applied","reason":"busy"}`, fail("not applied: busy")},
		{aWrite, 503, `{"outcome":"unknown"}`, info("503")},
		{aWrite, 503, `try later`, info("try later")},
		{aWrite, 504, `{"outcome":"unknown","reason":"late"}`, info("cannot tell: late")},
		{aWrite, 504, `{"outcome":"not applied"}`, info("cannot tell")},
		{aWrite, 500, ``, info("500")},
		{aWrite, 502, ``, info("502")},
		{aWrite, 204, ``, info("204")},
		{aWrite, 307, ``, info("307")},
		{aRead, 301, ``, info("301")},
		{aWrite, 400, `{"error":"wrong"}`, fail("400 wrong")},
		{aWrite, 404, `{"error":"wrong"}`, fail("404 wrong")},
		{aWrite, 413, `{"error":"long"}`, fail("413 long")},
	} {
		test.run(t)
	}
}

func (test answerTest) run(t *testing.T) {
	name := fmt.Sprintf("%s %d %.40s", test.op.Kind, test.status, test.body)
	t.Run(name, func(t *testing.T) {
		node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(test.body))
		}))
		defer node.Close()
		got := do(t, dial(t, node.Listener.Addr().String()), test.op)
		require.Contains(t, got.Error, test.want.Error)
		require.Equal(t, test.want.Outcome == history.OK, got.Error == "")
		got.Error = test.want.Error
		require.Equal(t, test.want, got)
	})
}

// refusing returns an address that nobody listens on.
func refusing(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestRefusedConnectionIsDefinite(t *testing.T) {
	client := dial(t, refusing(t))
	for _, op := range everyKind {
		got := do(t, client, op)
		require.Equal(t, history.Fail, got.Outcome)
		require.Contains(t, got.Error, "refused")
	}
}

func TestRefusalOfAForwarderIsNot(t *testing.T) {
	client := PaxosRegister("").Dial(
		Endpoint{Node: "n1", Address: refusing(t), Forwarded: true})
	defer client.Close()
	for _, op := range everyKind {
		require.Equal(t, history.Info, do(t, client, op).Outcome)
	}
}

func TestNoTimeToConnectIsDefinite(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	got := dial(t, refusing(t)).Do(ctx, aWrite)
	require.Equal(t, history.Fail, got.Outcome)
	require.Contains(t, got.Error, "timed out")
}

// serve runs a TCP server that does what handle does with each connection, and returns its
// address.
func serve(t *testing.T, handle func(net.Listener, *net.TCPConn, *bufio.Reader)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			handle(listener, conn.(*net.TCPConn), bufio.NewReader(conn))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func readRequest(in *bufio.Reader) {
	request, err := http.ReadRequest(in)
	if err == nil {
		_ = request.Write(discard{})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestBrokenConnectionsAreUnknown(t *testing.T) {
	for name, handle := range map[string]func(net.Listener, *net.TCPConn, *bufio.Reader){
		"dropped after the request was read": func(
			_ net.Listener, _ *net.TCPConn, in *bufio.Reader,
		) {
			readRequest(in)
		},
		"reset after the request was read": func(
			_ net.Listener, conn *net.TCPConn, in *bufio.Reader,
		) {
			readRequest(in)
			_ = conn.SetLinger(0)
		},
		"accepted and closed, as a forwarder does for a dead node": func(
			net.Listener, *net.TCPConn, *bufio.Reader,
		) {
		},
		"answered by half": func(_ net.Listener, conn *net.TCPConn, in *bufio.Reader) {
			readRequest(in)
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"value\":"))
		},
		"answered with garbage": func(_ net.Listener, conn *net.TCPConn, in *bufio.Reader) {
			readRequest(in)
			_, _ = conn.Write([]byte("what?\r\n\r\n"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, serve(t, handle))
			for _, op := range everyKind {
				got := do(t, client, op)
				require.Equal(t, history.Info, got.Outcome, op.Kind)
				require.NotEmpty(t, got.Error)
			}
		})
	}
}

// A reset may come so early that there never was a connection: of a forwarder, that says nothing.
func TestForwarderThatResetsIsUnknown(t *testing.T) {
	address := serve(t, func(_ net.Listener, conn *net.TCPConn, _ *bufio.Reader) {
		_ = conn.SetLinger(0)
	})
	client := PaxosRegister("").Dial(Endpoint{Node: "n1", Address: address, Forwarded: true})
	defer client.Close()
	for _, op := range everyKind {
		require.Equal(t, history.Info, do(t, client, op).Outcome, op.Kind)
	}
}

// Go's client sends a GET again, silently, when a kept connection turns out to be closed. If
// nobody listens by then its error is "connection refused", and yet the first one was sent.
func TestRefusalAfterASilentRetryIsUnknown(t *testing.T) {
	for _, op := range []history.Operation{aRead, aLearn} {
		client := dial(t, serve(t, answerOnceThenDie))
		first := do(t, client, aRead)
		require.Equal(t, history.OK, first.Outcome, first.Error)
		got := do(t, client, op)
		require.Contains(t, got.Error, "refused", "the retry that this test is about")
		require.Equal(t, history.Info, got.Outcome)
	}
}

func TestKeptConnectionThatBreaksIsUnknown(t *testing.T) {
	for _, op := range []history.Operation{aWrite, aSwap, aProposal} {
		client := dial(t, serve(t, answerOnceThenDie))
		require.Equal(t, history.OK, do(t, client, aRead).Outcome)
		require.Equal(t, history.Info, do(t, client, op).Outcome)
	}
}

var answerOfNothing = []byte("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"value\":null}")

// answerOnceThenDie answers one request, reads a second one, and is gone.
func answerOnceThenDie(listener net.Listener, conn *net.TCPConn, in *bufio.Reader) {
	readRequest(in)
	_, _ = conn.Write(answerOfNothing)
	readRequest(in)
	_ = listener.Close()
}

// A write is sent once, whatever becomes of its connection, and without the header that would
// change that.
func TestWritesAreSentOnce(t *testing.T) {
	var sent, marked atomic.Int64
	client := dial(t, serve(t, func(_ net.Listener, conn *net.TCPConn, in *bufio.Reader) {
		for range 2 {
			request, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_ = request.Write(discard{})
			if _, ok := request.Header["Idempotency-Key"]; ok {
				marked.Add(1)
			}
			if request.Method != http.MethodGet {
				sent.Add(1)
				return
			}
			_, _ = conn.Write(answerOfNothing)
		}
	}))
	for i, op := range []history.Operation{aWrite, aSwap, aProposal} {
		require.Equal(t, history.OK, do(t, client, aRead).Outcome)
		require.Equal(t, history.Info, do(t, client, op).Outcome)
		require.EqualValues(t, i+1, sent.Load())
	}
	require.Zero(t, marked.Load())
}

func TestSlowAnswerIsUnknown(t *testing.T) {
	release := make(chan struct{})
	node := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			<-release
		}
	}))
	defer node.Close()
	defer close(release)
	client := dial(t, node.Listener.Addr().String())
	for _, op := range everyKind {
		// The time is for the answer alone: there is a connection already.
		require.NoError(t, client.Ready(t.Context()))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		got := client.Do(ctx, op)
		cancel()
		require.Contains(t, got.Error, "timed out")
		require.Equal(t, history.Info, got.Outcome)
	}
}

func TestGivingUpIsUnknown(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	node := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer node.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	got := dial(t, node.Listener.Addr().String()).Do(ctx, aWrite)
	require.Equal(t, history.Info, got.Outcome)
	require.Contains(t, got.Error, "given up")
}
