package server

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

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
	for _, escaped := range []string{
		"a%2Fb", "%2E%2E", "%20", "%C3%A4", "a%00b", "a+b", "a%2F%2F..%2Fb",
	} {
		body := `{"value":"` + strings.ReplaceAll(escaped, "%", "-") + `"}`
		c.expect(1, "PUT", "/v1/registers/"+escaped, body, body)
	}
	require.EqualValues(t, 7, c.do(1, "GET", "/v1/status", "").body["keys"])
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
