package server

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// dial opens a connection to node 1 as its clients do.
func (c *cluster) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", c.node(1).options.Listen)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	return conn.(*net.TCPConn)
}

// answerOf reads what the node answers on a connection: its status, and its error if that is JSON.
func answerOf(t *testing.T, conn net.Conn) (status int, text string) {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	data, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	var document struct {
		Error string `json:"error"`
	}
	if answer.Header.Get("Content-Type") == "application/json" {
		require.NoError(t, json.Unmarshal(data, &document))
		require.NotEmpty(t, document.Error)
	}
	return answer.StatusCode, document.Error
}

const putHead = "PUT " + registerPath + " HTTP/1.1\r\nHost: n1\r\n"

// Requests that no HTTP library would send. What breaks HTTP itself is answered by the library, in
// plain text; the rest like any other mistake.
func TestBrokenRequests(t *testing.T) {
	c := startCluster(t, 1)
	for name, test := range map[string]struct {
		sent   string
		status int
		text   string
	}{
		"not HTTP":           {"hello\r\n\r\n", 400, ""},
		"no host":            {"GET /healthz HTTP/1.1\r\n\r\n", 400, ""},
		"path's escape":      {"GET /v1/registers/%zz HTTP/1.1\r\nHost: n1\r\n\r\n", 400, ""},
		"two lengths":        {putHead + "Content-Length: 2\r\nContent-Length: 13\r\n\r\n", 400, ""},
		"negative length":    {putHead + "Content-Length: -1\r\n\r\n", 400, ""},
		"unknown encoding":   {putHead + "Transfer-Encoding: x\r\n\r\n", 501, ""},
		"head too long":      {putHead + "X: " + strings.Repeat("x", 2*headerMax), 431, ""},
		"a server's options": {"OPTIONS * HTTP/1.1\r\nHost: n1\r\n\r\n", 404, "no such path: *"},
		"a tunnel":           {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 404, "no such path"},
		"body cut short": {
			putHead + "Content-Length: 30\r\n\r\n" + `{"value":"x"}`, 400, "unexpected EOF",
		},
		"chunk cut short": {
			putHead + "Transfer-Encoding: chunked\r\n\r\nd\r\n" + `{"value":"x"}`, 400,
			"unexpected EOF",
		},
		"chunk of no length": {
			putHead + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400, "invalid byte in chunk",
		},
		// Nothing of it is waited for.
		"announced too long": {
			putHead + "Content-Length: 1000000000000\r\n\r\n", 413, "more than 16384 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := c.dial(t)
			_, err := conn.Write([]byte(test.sent))
			require.NoError(t, err)
			if test.status == 400 {
				require.NoError(t, conn.CloseWrite())
			}
			status, text := answerOf(t, conn)
			require.Equal(t, test.status, status)
			require.Contains(t, text, test.text)
			require.Equal(t, test.text == "", text == "")
			c.requireOperations(t, 0)
		})
	}
}

func impatient(o *Options) { o.ReadTimeout = 500 * time.Millisecond }

// A client that stops amid its request does not keep its connection, and nothing is done.
func TestStalledClients(t *testing.T) {
	c := startCluster(t, 1, impatient)
	nothing, head, body := c.dial(t), c.dial(t), c.dial(t)
	_, err := head.Write([]byte(putHead + "Content-Le"))
	require.NoError(t, err)
	_, err = body.Write([]byte(putHead + "Content-Length: 13\r\n\r\n" + `{"value":"x`))
	require.NoError(t, err)
	status, text := answerOf(t, body)
	require.Equal(t, http.StatusRequestTimeout, status)
	require.Equal(t, "the body did not arrive in time", text)
	for _, conn := range []net.Conn{nothing, head, body} {
		_, err := io.Copy(io.Discard, conn)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the node hangs up")
	}
	c.requireOperations(t, 0)
	c.expect(1, "PUT", registerPath, `{"value":"y"}`, `{"value":"y"}`)
}

// Nor does one that dribbles: the bound is on the whole request, not on each byte of it.
func TestDribblingClients(t *testing.T) {
	c := startCluster(t, 1, impatient)
	for _, start := range []string{putHead + "X: ", putHead + "Content-Length: 16000\r\n\r\n"} {
		conn := c.dial(t)
		_, err := conn.Write([]byte(start))
		require.NoError(t, err)
		require.True(t, dribble(conn), "the node listened to 10,000 bytes of %q", start)
		c.requireOperations(t, 0)
	}
}

// dribble sends a byte every few milliseconds and tells whether the other end hung up.
func dribble(conn net.Conn) bool {
	answer := make([]byte, 1024)
	for range 10_000 {
		if _, err := conn.Write([]byte(" ")); err != nil {
			return true
		}
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
		_, err := conn.Read(answer)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
	}
	return false
}
