package server

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/store"
	"ordeal/node/wal"
)

// What need not be synced is written at once, and counts as done; the next batch, and the next
// Persist that must be, have it synced.
func TestWhatNeedNotBeSyncedIsWritten(t *testing.T) {
	memory := &wal.MemoryDisk{}
	require.NoError(t, wal.Format(memory, testIdentity))
	log, _, err := wal.Open(memory, testIdentity)
	require.NoError(t, err)
	syncs := 0
	memory.Decide = func(o wal.Operation) wal.Decision {
		if o.Kind == wal.OperationSync {
			syncs++
		}
		return wal.Decision{}
	}
	d := newDisk(log, slog.New(slog.DiscardHandler), newInstruments())
	unsynced := func(round uint64) {
		p := persistOf("a", round)
		p.Unsynced = true
		d.persist(p)
		require.NoError(t, d.flush())
		require.Equal(t, round, d.synced.Load())
	}
	unsynced(1)
	require.Equal(t, 0, syncs)
	unsynced(2)
	require.Equal(t, 1, syncs, "the first")
	d.persist(persistOf("a", 3))
	require.NoError(t, d.flush())
	require.Equal(t, 3, syncs, "the second, and the third")
	unsynced(4)
	memory.CrashMachine(wal.Crash{})

	_, recovered, err := wal.Open(memory, testIdentity)
	require.NoError(t, err)
	stored, err := store.Acceptors(recovered.Records)
	require.NoError(t, err)
	for _, acceptor := range stored {
		require.EqualValues(t, 3, acceptor.Promised.Round)
	}
}

// crashAfterWrite has nodes 1 and 2 choose a value while node 3 is down, and then node 2 crash.
// Nodes 2 and 3 are left running, and node 3 is asked for the value, which must be as wanted.
func crashAfterWrite(t *testing.T, bug string, crash func(*wal.MemoryDisk), want string) {
	t.Helper()
	c := newCluster(t, 3, func(o *Options) { o.RequestTimeout, o.Bug = patience, bug })
	for number := 1; number <= 2; number++ {
		c.start(number)
		c.awaitServing(number)
	}
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(1))
	require.NoError(t, c.stop(2))
	crash(c.node(2).disk)
	for number := 2; number <= 3; number++ {
		c.start(number)
		c.awaitServing(number)
	}
	c.expect(3, "GET", "/v1/registers/k", "", want)
}

// With the bug forget-accepted the crash of a machine undoes a write that was acknowledged; the end
// of a process does not.
func TestForgetAcceptedNeedsTheCrashOfAMachine(t *testing.T) {
	machine := func(disk *wal.MemoryDisk) { disk.CrashMachine(wal.Crash{}) }
	crashAfterWrite(t, "", machine, `{"value":"a"}`)
	crashAfterWrite(t, "forget-accepted", (*wal.MemoryDisk).CrashProcess, `{"value":"a"}`)
	crashAfterWrite(t, "forget-accepted", machine, `{"value":null}`)
}
