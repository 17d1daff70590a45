package server

import (
	"bytes"
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

// harmAfterWrite has nodes 1 and 2 choose a value while node 3 is down, stops both, harms the disk
// of node 2, and starts nodes 2 and 3.
func harmAfterWrite(t *testing.T, bug string, harm func(*wal.MemoryDisk)) *cluster {
	t.Helper()
	c := newCluster(t, 3, func(o *Options) { o.RequestTimeout, o.Bug = patience, bug })
	for number := 1; number <= 2; number++ {
		c.start(number)
		c.awaitServing(number)
	}
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(1))
	require.NoError(t, c.stop(2))
	harm(c.node(2).disk)
	c.start(2)
	c.start(3)
	c.awaitServing(3)
	return c
}

// With the bug forget-accepted the crash of a machine undoes a write that was acknowledged; the end
// of a process does not.
func TestForgetAcceptedNeedsTheCrashOfAMachine(t *testing.T) {
	machine := func(disk *wal.MemoryDisk) { disk.CrashMachine(wal.Crash{}) }
	for _, test := range []struct {
		bug   string
		crash func(*wal.MemoryDisk)
		want  string
	}{
		{"", machine, `{"value":"a"}`},
		{"forget-accepted", (*wal.MemoryDisk).CrashProcess, `{"value":"a"}`},
		{"forget-accepted", machine, `{"value":null}`},
	} {
		c := harmAfterWrite(t, test.bug, test.crash)
		c.expect(3, "GET", "/v1/registers/k", "", test.want)
	}
}

// rot flips a bit in the first batch of a log, which others follow.
func rot(t *testing.T, disk *wal.MemoryDisk) {
	t.Helper()
	data, ok := disk.Contents("log")
	require.True(t, ok)
	magic := []byte("BTCH")
	require.GreaterOrEqual(t, bytes.Count(data, magic), 2, "its promise, and its acceptance")
	data[bytes.Index(data, magic)+len(magic)] ^= 1
	disk.Put("log", data)
}

// A node whose log is damaged where no crash can have torn it ends. With the bug damage-is-end it
// is an acceptor that forgot: with node 3, which never heard of the write, it is a majority.
func TestDamageIsEndLetsANodeForget(t *testing.T) {
	harm := func(disk *wal.MemoryDisk) { rot(t, disk) }
	correct := harmAfterWrite(t, "", harm)
	err := <-correct.node(2).ended
	correct.node(2).stop()
	correct.node(2).stop = nil
	require.ErrorAs(t, err, new(*wal.DamageError))
	require.Equal(t, ExitDamage, ExitCode(err))
	correct.start(1)
	correct.awaitServing(1)
	correct.expect(3, "GET", "/v1/registers/k", "", `{"value":"a"}`)

	buggy := harmAfterWrite(t, "damage-is-end", harm)
	buggy.awaitServing(2)
	buggy.expect(3, "GET", "/v1/registers/k", "", `{"value":null}`)
	recovery := buggy.do(2, "GET", "/v1/status", "").body["recovery"].(map[string]any)
	require.NotZero(t, recovery["tornBytes"], "it takes what it lost for torn")
}
