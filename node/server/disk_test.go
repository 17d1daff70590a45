package server

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/node/store"
	"ordeal/node/wal"
)

// A gatedDisk is a disk in memory whose syncs wait until they are let through, once it is closed.
type gatedDisk struct {
	wal.MemoryDisk
	// arrived takes a token for each sync that begins; each waits for a token of passed.
	arrived, passed chan struct{}
}

var testIdentity = wal.Identity{Cluster: "c", Node: "n1"}

// openGated returns an open log whose syncs are gated from now on.
func openGated(t *testing.T) (*gatedDisk, *wal.Log) {
	t.Helper()
	gated := &gatedDisk{arrived: make(chan struct{}, 1000), passed: make(chan struct{}, 1000)}
	require.NoError(t, wal.Format(&gated.MemoryDisk, testIdentity))
	log, _, err := wal.Open(&gated.MemoryDisk, testIdentity)
	require.NoError(t, err)
	gated.Decide = func(o wal.Operation) wal.Decision {
		if o.Kind == wal.OperationSync {
			gated.arrived <- struct{}{}
			<-gated.passed
		}
		return wal.Decision{}
	}
	return gated, log
}

func persistOf(name string, round uint64) replica.Persist {
	return replica.Persist{
		Key:      paxos.Key{Name: name},
		Acceptor: paxos.Acceptor{Promised: paxos.Ballot{Round: round, Node: 1, Boot: 1}},
	}
}

// runDisk runs the disk of a log, and returns where its failure goes.
func runDisk(t *testing.T, log *wal.Log) (*disk, chan error) {
	t.Helper()
	d := newDisk(log, slog.New(slog.DiscardHandler), newInstruments())
	fatal := make(chan error, 1)
	go d.run(fatal)
	return d, fatal
}

// While one sync is under way everything that comes waits for the next one, which is one for all.
func TestGroupCommit(t *testing.T) {
	gated, log := openGated(t)
	d, fatal := runDisk(t, log)
	d.persist(persistOf("first", 1))
	<-gated.arrived
	for round := range uint64(100) {
		d.persist(persistOf("k", round+1))
	}
	require.Zero(t, d.synced.Load(), "nothing is synced while the sync lasts")
	gated.passed <- struct{}{}
	<-gated.arrived
	require.EqualValues(t, 1, d.synced.Load())
	gated.passed <- struct{}{}
	require.NoError(t, d.stop(patience))
	require.EqualValues(t, 101, d.synced.Load())
	require.Empty(t, gated.arrived, "two syncs were enough")
	require.Empty(t, fatal)
}

// What has queued is synced before the disk stops, and there after the next start.
func TestFinalSync(t *testing.T) {
	memory := &wal.MemoryDisk{}
	require.NoError(t, wal.Format(memory, testIdentity))
	log, _, err := wal.Open(memory, testIdentity)
	require.NoError(t, err)
	d := newDisk(log, slog.New(slog.DiscardHandler), newInstruments())
	d.persist(persistOf("a", 1))
	d.persist(persistOf("b", 2))
	d.persist(persistOf("a", 3))
	go d.run(make(chan error, 1))
	require.NoError(t, d.stop(patience))
	memory.CrashMachine(wal.Crash{})

	_, recovered, err := wal.Open(memory, testIdentity)
	require.NoError(t, err)
	stored, err := store.Acceptors(recovered.Records)
	require.NoError(t, err)
	promised := make(map[string]uint64)
	for key, acceptor := range stored {
		promised[key.Name] = acceptor.Promised.Round
	}
	require.Equal(t, map[string]uint64{"a": 3, "b": 2}, promised)
}

func TestStuckDiskDoesNotHoldTheStopForEver(t *testing.T) {
	gated, log := openGated(t)
	d, _ := runDisk(t, log)
	d.persist(persistOf("k", 1))
	<-gated.arrived
	require.ErrorIs(t, d.stop(0), ErrDisk)
	gated.passed <- struct{}{}
	<-d.done
}

func TestFailedSyncIsNeverRetried(t *testing.T) {
	memory := &wal.MemoryDisk{}
	require.NoError(t, wal.Format(memory, testIdentity))
	log, _, err := wal.Open(memory, testIdentity)
	require.NoError(t, err)
	syncs := 0
	memory.Decide = func(o wal.Operation) wal.Decision {
		if o.Kind == wal.OperationSync {
			syncs++
			return wal.Decision{Err: bytes.ErrTooLarge}
		}
		return wal.Decision{}
	}
	d, fatal := runDisk(t, log)
	d.persist(persistOf("k", 1))
	err = <-fatal
	require.ErrorIs(t, err, ErrDisk)
	require.ErrorIs(t, err, bytes.ErrTooLarge)
	require.Equal(t, ExitDisk, ExitCode(err))
	d.persist(persistOf("k", 2))
	require.NoError(t, d.stop(patience))
	require.Equal(t, 1, syncs)
	require.Zero(t, d.synced.Load())
}

// When the log has outgrown its limit it is replaced by a snapshot, and nothing is lost.
func TestSnapshot(t *testing.T) {
	memory := &wal.MemoryDisk{}
	require.NoError(t, wal.Format(memory, testIdentity))
	log, _, err := wal.Open(memory, testIdentity)
	require.NoError(t, err)
	var lines lockedBuffer
	d := newDisk(log, slog.New(slog.NewTextHandler(&lines, nil)), newInstruments())
	large := persistOf("k", 1)
	large.Acceptor.Accepted.State.Content = make([]byte, paxos.ContentMax)
	const enough = store.SnapshotLogBytes/paxos.ContentMax + 1
	for round := range uint64(enough) {
		large.Acceptor.Promised.Round = round + 1
		d.persist(large)
	}
	require.NoError(t, d.flush())
	require.Contains(t, lines.String(), "snapshot taken")
	require.Less(t, log.Size(), int64(store.SnapshotLogBytes))
	require.EqualValues(t, enough, d.synced.Load())
	require.NoError(t, log.Close())

	_, recovered, err := wal.Open(memory, testIdentity)
	require.NoError(t, err)
	require.Len(t, recovered.Records, 1)
	acceptor, err := paxos.DecodeAcceptor(recovered.Records[0].Value)
	require.NoError(t, err)
	require.EqualValues(t, enough, acceptor.Promised.Round)
}
