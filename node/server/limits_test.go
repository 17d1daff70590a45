package server

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMistakesInRequests(t *testing.T) {
	c := startCluster(t, 1)
	long, huge := strings.Repeat("k", 129), strings.Repeat("v", 1001)
	const swap = "/v1/registers/k/compare-and-set"
	for _, test := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"GET", "/v1/registers/" + long, "", 413, "the key has 129 bytes"},
		{"PUT", "/v1/registers/" + long, `{"value":"x"}`, 413, "the key has 129 bytes"},
		{"POST", "/v1/decrees/" + long, `{"value":"x"}`, 413, "the key has 129 bytes"},
		{"PUT", "/v1/registers/k", `{"value":"` + huge + `"}`, 413, `"value" has 1001 bytes`},
		{"POST", "/v1/decrees/k", `{"value":"` + huge + `"}`, 413, `"value" has 1001 bytes`},
		{"POST", swap, `{"expected":"` + huge + `","value":"x"}`, 413, `"expected" has 1001 bytes`},
		{"PUT", "/v1/registers/k", `{"value":"` + strings.Repeat("v", bodyMax) + `"}`, 413, "body"},
		{"PUT", "/v1/registers/k", ``, 400, "body"},
		{"PUT", "/v1/registers/k", `{}`, 400, `"value" is missing`},
		{"PUT", "/v1/registers/k", `{"value":null}`, 400, `"value" is null`},
		{"PUT", "/v1/registers/k", `{"value":1}`, 400, "number"},
		{"PUT", "/v1/registers/k", `{"value":"x","other":1}`, 400, "other"},
		{"PUT", "/v1/registers/k", `{"value":"x"} {}`, 400, "follows"},
		{"PUT", "/v1/registers/k", "{\"value\":\"\xff\"}", 400, "UTF-8"},
		{"POST", swap, `{"value":"x"}`, 400, `"expected" is missing`},
		{"POST", swap, `{"expected":null}`, 400, `"value" is missing`},
		{"GET", "/v1/registers/%ff", "", 400, "UTF-8"},
		{"GET", "/v1/registers/k?consistency=eventual", "", 400, "eventual"},
		{"GET", "/v1/registers/k?stale=yes", "", 400, "stale"},
		{"GET", "/v1/nowhere", "", 404, "/v1/nowhere"},
		{"GET", "/", "", 404, "no such path"},
		{"DELETE", "/v1/registers/k", "", 405, "GET, PUT"},
		{"GET", swap, "", 405, "POST"},
		{"POST", "/v1/status", "", 405, "GET"},
	} {
		name := fmt.Sprintf("%s %.40s %.30s", test.method, test.path, test.body)
		t.Run(name, func(t *testing.T) {
			r := c.do(1, test.method, test.path, test.body)
			require.Equal(t, test.status, r.status, "%v", r.body)
			require.Contains(t, r.body["error"], test.text)
			require.Equal(t, "application/json", r.header.Get("Content-Type"))
			require.NotContains(t, r.body["error"], "\n")
			if test.status == http.StatusMethodNotAllowed {
				require.NotEmpty(t, r.header.Get("Allow"))
			}
		})
	}
	c.expect(1, "GET", "/v1/registers/k", "", `{"value":null}`)
}

func TestLargestKeyAndValueFit(t *testing.T) {
	c := startCluster(t, 3)
	key, value := strings.Repeat("k", 128), strings.Repeat("v", 1000)
	for number := 1; number <= 3; number++ {
		c.expect(number, "PUT", "/v1/registers/"+key, `{"value":"`+value+`"}`,
			`{"value":"`+value+`"}`)
	}
	escaped := strings.Repeat(`\u0001`, 1000)
	body := `{"expected":"` + value + `","value":"` + escaped + `"}`
	c.expect(1, "POST", "/v1/registers/"+key+"/compare-and-set", body,
		`{"applied":true,"value":"`+escaped+`"}`)
	c.expect(2, "GET", "/v1/registers/"+key, "", `{"value":"`+escaped+`"}`)
}

func TestKeysAreTakenAsTheyAre(t *testing.T) {
	c := startCluster(t, 1)
	for _, escaped := range []string{"a%2Fb", "%2E%2E", "%20", "%C3%A4", "a%00b", "a+b"} {
		body := `{"value":"` + strings.ReplaceAll(escaped, "%", "-") + `"}`
		c.expect(1, "PUT", "/v1/registers/"+escaped, body, body)
	}
	require.EqualValues(t, 6, c.do(1, "GET", "/v1/status", "").body["keys"])
}

func TestConnectionsAreLimited(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	limited := newLimitListener(inner, 1)
	accepted := make(chan net.Conn, 2)
	ended := make(chan error, 1)
	go func() {
		for {
			conn, err := limited.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- conn
		}
	}()
	for range 2 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
	}
	first := <-accepted
	require.Len(t, limited.places, 1)
	require.Empty(t, accepted)
	require.NoError(t, first.Close())
	_ = first.Close() // gives its place back once
	second := <-accepted
	require.Len(t, limited.places, 1)
	require.NoError(t, limited.Close())
	require.ErrorIs(t, <-ended, net.ErrClosed)
	require.NoError(t, second.Close())
}
