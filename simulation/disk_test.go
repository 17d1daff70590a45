package simulation

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
	"ordeal/node/paxos"
	"ordeal/node/store"
)

// A node whose disk is full ends in the middle of a write, and serves again when there is room.
func TestAFullDiskEndsANode(t *testing.T) {
	w := aWorld(t)
	serve(t, w)
	full := on(nemesis.FullDisk, "f1")
	n := w.nodes[0]
	request(w)
	require.True(t, inject(t, w, full).Shown)
	require.Equal(t, dead, n.state)
	log := strings.Join(n.log, "")
	require.Contains(t, log, "dead: the disk failed: ")
	require.Contains(t, log, "no space left on device")

	require.True(t, heal(t, w, full).Shows("after"))
	require.Equal(t, running, n.state)
	require.NotContains(t, n.log[len(n.log)-1], " 0 bytes cut off as torn", "what fitted is torn")
	serve(t, w)
}

// holdings are what the node's process remembers.
func (n *node) holdings() map[paxos.Key]paxos.Acceptor {
	return maps.Collect(n.replica.Acceptors())
}

// requireHeld requires that the node has forgotten nothing of what it held.
func requireHeld(t *testing.T, held map[paxos.Key]paxos.Acceptor, n *node) {
	t.Helper()
	require.NotEmpty(t, held)
	now := n.holdings()
	for key, before := range held {
		require.Contains(t, now, key)
		require.False(t, now[key].Promised.Less(before.Promised))
		require.False(t, now[key].Accepted.Ballot.Less(before.Accepted.Ballot))
	}
}

// Every fourth start after a kill or a crash ends while the node recovers, at any operation of its
// disk; then it starts anew, and holds what it held.
func TestStartsAreInterrupted(t *testing.T) {
	const faults = 200
	w := aWorld(t)
	n := w.nodes[0]
	interrupted := 0
	for i := range faults {
		serve(t, w)
		kind := []nemesis.Kind{nemesis.Kill, nemesis.Crash}[i%2]
		fault := on(kind, fmt.Sprintf("f%d", i))
		held := n.holdings()
		inject(t, w, fault)
		require.True(t, heal(t, w, fault).Shows("after"))
		require.Equal(t, running, n.state)
		requireHeld(t, held, n)
	}
	for _, line := range n.log {
		if strings.Contains(line, "ended while it recovered") {
			interrupted++
		}
	}
	require.InDelta(t, faults/4, interrupted, faults/10)
}

// A log that has grown to the length that the conditions name is replaced by a snapshot.
func TestLogsAreReplacedBySnapshots(t *testing.T) {
	w := aWorld(t)
	for range 20 {
		serve(t, w)
	}
	n := w.nodes[0]
	require.Greater(t, n.writer.log.Size(), int64(2048))
	c := w.conditions
	c.Snapshot = 512
	w.endure(c)
	serve(t, w)
	require.LessOrEqual(t, n.writer.log.Size(), int64(512))
	fault := on(nemesis.Crash, "f1")
	inject(t, w, fault)
	heal(t, w, fault)
	require.Equal(t, running, n.state)
	serve(t, w)

	w.endure(nemesis.DefaultConditions())
	require.Equal(t, int64(store.SnapshotLogBytes), w.snapshotBytes)
}

// A process may end in the middle of a snapshot; the log is whole afterwards.
func TestSnapshotsAreInterrupted(t *testing.T) {
	w := aWorld(t)
	n := w.nodes[0]
	cut := 0
	for i := range 100 {
		serve(t, w)
		n.doom = &doom{why: "crash", fault: uint64(i), over: func() {
			n.damage(nemesis.Crash, uint64(i))
			cut++
		}}
		held := n.holdings()
		if n.writer.snapshot() {
			n.doom = nil
			continue
		}
		require.Equal(t, dead, n.state)
		n.boot()
		require.Equal(t, running, n.state)
		requireHeld(t, held, n)
	}
	require.Greater(t, cut, 50)
	require.Less(t, cut, 100)
}
