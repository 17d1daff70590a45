package system

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/node/paxos"
	"ordeal/node/server"
)

var (
	members = []Member{
		{Name: "n1", Number: 1, Address: "10.0.0.2"}, {Name: "n2", Number: 2, Address: "10.0.0.3"},
	}
	testCluster = Cluster{ID: "run-7", Members: members}
)

func TestCommand(t *testing.T) {
	want := []string{
		"/ordeal", "node", "--name", "n2", "--number", "2", "--cluster", "run-7",
		"--peers", "1=10.0.0.2:7000,2=10.0.0.3:7000",
		"--listen", ":8080", "--peer-listen", ":7000", "--data", "/data",
	}
	require.Equal(t, want, PaxosRegister("").Command(testCluster, members[1]))
	require.Equal(t, append(want, "--bug", "small-quorum"),
		PaxosRegister("small-quorum").Command(testCluster, members[1]))
}

// A disk that fails is not the register's mistake; a damaged log is.
func TestMachineExits(t *testing.T) {
	machine := PaxosRegister("").MachineExits
	require.Contains(t, machine, server.ExitDisk)
	require.NotContains(t, machine, server.ExitDamage)
	require.NotContains(t, machine, 2, "a panic")
}

func TestFilesOfEachMemberDiffer(t *testing.T) {
	one, err := PaxosRegister("").Files(testCluster, members[0])
	require.NoError(t, err)
	two, err := PaxosRegister("").Files(testCluster, members[1])
	require.NoError(t, err)
	require.NotEmpty(t, one)
	require.NotEqual(t, one, two)
	_, err = PaxosRegister("").Files(Cluster{}, members[0])
	require.ErrorContains(t, err, "format the disk of n1")
}

func TestRequests(t *testing.T) {
	var got string
	node := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + r.URL.EscapedPath() + " " + string(body)
	}))
	defer node.Close()
	client := dial(t, node.Listener.Addr().String())
	create := aSwap
	create.Expected = history.Value{}
	reading := func(key string) history.Operation {
		return history.Operation{Kind: history.Read, Key: key}
	}
	for want, op := range map[string]history.Operation{
		`GET /v1/registers/k `:                                               aRead,
		`PUT /v1/registers/k {"value":"x"}`:                                  aWrite,
		`POST /v1/registers/k/compare-and-set {"expected":"w","value":"x"}`:  aSwap,
		`POST /v1/registers/k/compare-and-set {"expected":null,"value":"x"}`: create,
		`POST /v1/decrees/d {"value":"x"}`:                                   aProposal,
		`GET /v1/decrees/d `:                                                 aLearn,
		`GET /v1/registers/a%2Fb%20c `:                                       reading("a/b c"),
		`GET /v1/registers/%2E%2E `:                                          reading(".."),
	} {
		do(t, client, op)
		require.Equal(t, want, got)
	}
	got = ""
	result := do(t, client, history.Operation{Kind: "append", Key: "k"})
	require.Equal(t, history.Fail, result.Outcome)
	require.Contains(t, result.Error, `"append"`)
	require.Empty(t, got, "nothing is sent")
}

func TestReady(t *testing.T) {
	status, body := http.StatusOK, `{"ready":true}`
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	client := dial(t, node.Listener.Addr().String())
	require.NoError(t, client.Ready(t.Context()))
	status, body = http.StatusServiceUnavailable, `{"ready":false,"reason":"disk is not formatted"}`
	require.EqualError(t, client.Ready(t.Context()), "n1 is not ready: disk is not formatted")
	require.NotErrorIs(t, client.Ready(t.Context()), ErrLost, "only the node can know that")
	body = `{"ready":false,"lost":true,"reason":"disk is not formatted"}`
	require.EqualError(t, client.Ready(t.Context()), "n1 stays out: disk is not formatted")
	require.ErrorIs(t, client.Ready(t.Context()), ErrLost)
	node.Close()
	require.ErrorContains(t, client.Ready(t.Context()), "n1 does not answer")
}

// optionsOf reads a command as the program does, with the member's ports moved to free ones.
func optionsOf(t *testing.T, command []string) server.Options {
	t.Helper()
	require.Equal(t, []string{"/ordeal", "node"}, command[:2])
	var o server.Options
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	flags.StringVar(&o.Name, "name", "", "")
	number := flags.Uint("number", 0, "")
	flags.StringVar(&o.Cluster, "cluster", "", "")
	peers := flags.String("peers", "", "")
	flags.StringVar(&o.Listen, "listen", "", "")
	flags.StringVar(&o.PeerListen, "peer-listen", "", "")
	flags.StringVar(&o.DataDir, "data", "", "")
	flags.StringVar(&o.Bug, "bug", "", "")
	require.NoError(t, flags.Parse(command[2:]))
	require.Empty(t, flags.Args())
	o.Number = paxos.NodeID(*number)
	var err error
	o.Peers, err = server.ParsePeers(*peers)
	require.NoError(t, err)
	return o
}

// The definition's pieces fit together: a node with this command, on a volume with these files,
// does what this client asks.
func TestClientAndNode(t *testing.T) {
	only := Member{Name: "n1", Number: 1, Address: "127.0.0.1"}
	c := Cluster{ID: "run-8", Members: []Member{only}}
	definition := PaxosRegister("")
	o := optionsOf(t, definition.Command(c, only))
	o.DataDir = t.TempDir()
	files, err := definition.Files(c, only)
	require.NoError(t, err)
	for _, file := range files {
		require.NoError(t, os.WriteFile(filepath.Join(o.DataDir, file.Path), file.Data, 0o600))
	}
	o.Listen, o.PeerListen = refusing(t), "127.0.0.1:0"
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, o, slog.New(slog.DiscardHandler)) }()
	_, port, err := net.SplitHostPort(o.Listen)
	require.NoError(t, err)
	client := dial(t, net.JoinHostPort(only.Address, port))
	require.Eventually(t, func() bool {
		return client.Ready(ctx) == nil
	}, patience, time.Millisecond)

	value := history.NewValue
	ok := func(returned history.Value, applied bool) history.Result {
		return history.Result{Outcome: history.OK, Returned: returned, Applied: applied}
	}
	none := history.Value{}
	require.Equal(t, ok(none, false), do(t, client, aRead))
	require.Equal(t, ok(none, false), do(t, client, aSwap), "it expects w and sees nothing")
	require.Equal(t, ok(none, false), do(t, client, aWrite))
	require.Equal(t, ok(value("x"), false), do(t, client, aRead))
	require.Equal(t, ok(value("x"), false), do(t, client, aSwap), "it expects w and sees x")
	swap := history.Operation{
		Kind: history.CompareAndSet, Key: "k",
		Expected: value("x"), Value: value("y"),
	}
	require.Equal(t, ok(none, true), do(t, client, swap))
	require.Equal(t, ok(none, false), do(t, client, aLearn))
	require.Equal(t, ok(value("x"), false), do(t, client, aProposal))
	require.Equal(t, ok(value("x"), false), do(t, client, aLearn))
	stop()
	require.NoError(t, <-ended)
	client.Close() // a connection that is still thought to live would make the outcome unknown
	require.Equal(t, history.Fail, do(t, client, aWrite).Outcome, "nobody listens any more")
}

// A node whose disk was emptied says so to its client.
func TestNodeWithoutItsFilesIsLost(t *testing.T) {
	only := Member{Name: "n1", Number: 1, Address: "127.0.0.1"}
	definition := PaxosRegister("")
	o := optionsOf(t, definition.Command(Cluster{ID: "run-9", Members: []Member{only}}, only))
	o.DataDir = t.TempDir()
	o.Listen, o.PeerListen = refusing(t), "127.0.0.1:0"
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, o, slog.New(slog.DiscardHandler)) }()
	client := dial(t, o.Listen)
	require.Eventually(t, func() bool {
		return errors.Is(client.Ready(ctx), ErrLost)
	}, patience, time.Millisecond)
	stop()
	require.NoError(t, <-ended)
}
