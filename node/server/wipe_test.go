package server

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/node/wal"
)

// wipeAfterWrite has nodes 1 and 2 choose a value while node 3 is down, and then loses the disk of
// node 2. Nodes 2 and 3, neither of which remembers the value, are left running.
func wipeAfterWrite(t *testing.T, change func(*Options)) *cluster {
	t.Helper()
	patient := func(o *Options) { o.RequestTimeout = patience }
	c := newCluster(t, 3, patient, change)
	for number := 1; number <= 2; number++ {
		c.start(number)
		c.awaitServing(number)
	}
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(1))
	require.NoError(t, c.stop(2))
	*c.node(2).disk = wal.MemoryDisk{}
	for number := 2; number <= 3; number++ {
		c.start(number)
		c.awaitServing(number)
	}
	return c
}

// A node whose disk was wiped takes no part, in this life and all that follow. What was chosen is
// there again as soon as those that remember it are a majority with the others.
func TestWipedNodeStaysOut(t *testing.T) {
	c := wipeAfterWrite(t, func(o *Options) {
		if o.Number == 3 {
			quick(o)
		}
	})
	for range 2 {
		r := c.do(3, "GET", "/v1/registers/k", "")
		require.Equal(t, http.StatusServiceUnavailable, r.status, "%v", r.body)
		require.Equal(t, "not applied", r.body["outcome"])
		health := c.do(2, "GET", "/healthz", "")
		require.Equal(t, http.StatusServiceUnavailable, health.status)
		require.Equal(t, true, health.body["lost"])
		require.Equal(t, false, health.body["ready"])
		require.NoError(t, c.stop(2))
		c.start(2)
		c.awaitServing(2)
	}
	status := c.do(2, "GET", "/v1/status", "").body
	require.Equal(t, false, status["formatted"])
	require.NotContains(t, status, "boot")
	require.Contains(t, c.node(2).log.String(), "node stays out")
	_, formatted := c.node(2).disk.Contents("log")
	require.False(t, formatted)

	c.start(1)
	c.awaitServing(1)
	c.expect(1, "GET", "/v1/registers/k", "", `{"value":"a"}`)
}

// With the bug the node comes back as an empty acceptor, and with another one that never heard of
// the value it is a majority: the write that was acknowledged is gone.
func TestAmnesiaLetsAWipedNodeRejoin(t *testing.T) {
	c := wipeAfterWrite(t, func(o *Options) { o.Bug = "amnesia" })
	require.Equal(t, map[string]any{"ready": true}, c.do(2, "GET", "/healthz", "").body)
	status := c.do(2, "GET", "/v1/status", "").body
	require.Equal(t, true, status["formatted"])
	require.EqualValues(t, 1, status["boot"], "its second life, by the count of the first disk")
	require.Contains(t, c.node(2).log.String(), "node formatted its own disk")
	c.expect(3, "GET", "/v1/registers/k", "", `{"value":null}`)

	// From then on it is a node like any other: its new disk is kept.
	c.expect(2, "PUT", "/v1/registers/k", `{"value":"b"}`, `{"value":"b"}`)
	require.NoError(t, c.stop(2))
	c.start(2)
	c.awaitServing(2)
	require.EqualValues(t, 2, c.do(2, "GET", "/v1/status", "").body["boot"])
	c.expect(3, "GET", "/v1/registers/k", "", `{"value":"b"}`)
}

// A disk that fails while the node with the bug formats it ends the node, as it does at any time.
func TestAmnesiaCannotFormatABrokenDisk(t *testing.T) {
	c := newCluster(t, 1, func(o *Options) { o.Bug = "amnesia" })
	m := c.node(1)
	*m.disk = wal.MemoryDisk{CapacityBytes: 10}
	c.start(1)
	select {
	case err := <-m.ended:
		m.stop()
		m.stop = nil
		require.ErrorContains(t, err, "open the log")
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.Equal(t, 1, ExitCode(err))
	case <-time.After(patience):
		require.Fail(t, "the node goes on")
	}
}
