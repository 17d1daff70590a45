package wal

import (
	"errors"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

var errBroken = errors.New("the disk is broken")

// failing makes the first operation of a kind fail, from now on.
func failing(disk *MemoryDisk, kind OperationKind, written int) {
	done := false
	disk.Decide = func(operation Operation) Decision {
		if done || operation.Kind != kind {
			return Decision{}
		}
		done = true
		return Decision{Err: errBroken, Written: written}
	}
}

// requirePoisoned asserts that no call does anything any more, and says why.
func requirePoisoned(t *testing.T, disk *MemoryDisk, log *Log) {
	operations := disk.Operations()
	for _, err := range []error{
		log.Append(batchOf("a", "later")), log.Sync(), log.Snapshot(), log.Append(nil),
	} {
		require.ErrorIs(t, err, ErrPoisoned)
		require.ErrorIs(t, err, errBroken, "the first failure is named")
	}
	require.Equal(t, operations, disk.Operations(), "nothing is tried")
	require.NoError(t, log.Close())
	require.ErrorIs(t, log.Close(), ErrClosed)
}

func TestFailedSyncPoisons(t *testing.T) {
	disk := formatted(t)
	log, _ := mustOpen(t, disk)
	commit(t, log, batchOf("a", "1"))
	require.NoError(t, log.Append(batchOf("a", "2")))
	failing(disk, OperationSync, 0)
	err := log.Sync()
	require.ErrorIs(t, err, errBroken)
	require.NotErrorIs(t, err, ErrPoisoned)
	requirePoisoned(t, disk, log)

	disk.CrashMachine(Crash{})
	_, recovered := mustOpen(t, disk)
	require.Equal(t, batchOf("a", "1"), recovered.Records)
}

// TestFailedSyncThenOnlyTheProcessEnds: the operating system shows data that it dropped until the
// machine crashes, and syncs of that file report success. Open does not rest on them.
func TestFailedSyncThenOnlyTheProcessEnds(t *testing.T) {
	disk := formatted(t)
	log, _ := mustOpen(t, disk)
	require.NoError(t, log.Append(batchOf("a", "1")))
	failing(disk, OperationSync, 0)
	require.Error(t, log.Sync())
	disk.CrashProcess()
	_, recovered := mustOpen(t, disk)
	require.Equal(t, batchOf("a", "1"), recovered.Records)
	disk.CrashMachine(Crash{})
	_, recovered = mustOpen(t, disk)
	require.Equal(t, batchOf("a", "1"), recovered.Records, "what Open told must stay")
}

func TestFailedWritePoisons(t *testing.T) {
	for written := range 60 {
		disk := formatted(t)
		log, _ := mustOpen(t, disk)
		commit(t, log, batchOf("a", "1"))
		failing(disk, OperationWrite, written)
		require.ErrorIs(t, log.Append(batchOf("a", "2")), errBroken)
		requirePoisoned(t, disk, log)
		_, recovered := mustOpen(t, disk)
		require.Subset(t, []string{"1", "2"}, []string{string(recovered.Records[0].Value)})
	}
}

func TestFailedSnapshotPoisons(t *testing.T) {
	for _, kind := range []OperationKind{
		OperationCreate, OperationWrite, OperationSync, OperationRename, OperationSyncDirectory,
	} {
		disk := formatted(t)
		log, _ := mustOpen(t, disk)
		commit(t, log, batchOf("a", "1"))
		failing(disk, kind, 11)
		require.ErrorIs(t, log.Snapshot(), errBroken)
		requirePoisoned(t, disk, log)
		disk.CrashMachine(Crash{})
		_, recovered := mustOpen(t, disk)
		require.Equal(t, batchOf("a", "1"), recovered.Records)
	}
}

// shortFile writes less than it was given and calls that a success.
type shortFile struct{ File }

func (f shortFile) Write(p []byte) (int, error) { return f.File.Write(p[:len(p)-1]) }

func TestShortWriteIsAFailure(t *testing.T) {
	disk := formatted(t)
	log, _ := mustOpen(t, disk)
	log.file = shortFile{log.file}
	require.ErrorContains(t, log.Append(batchOf("a", "1")), "short write")
	require.ErrorIs(t, log.Sync(), ErrPoisoned)
	_, recovered := mustOpen(t, disk)
	require.Empty(t, recovered.Records)
	require.Positive(t, recovered.TornBytes)
}

// TestDiskFull: a full disk ends the log, at whatever byte, and once there is room everything that
// was synced is back.
func TestDiskFull(t *testing.T) {
	whole, _, states := sample(t)
	size := len(contentsOf(t, whole))
	for capacity := size; capacity < 3*size+100; capacity++ {
		disk := diskWith(contentsOf(t, whole))
		disk.CapacityBytes = capacity
		synced := states[len(states)-1]
		fill := func() error {
			log, _, err := Open(disk, ours)
			for i := byte(0); err == nil; i++ {
				batch := batchOf("a", string(rune('a'+i%26)))
				if err = log.Append(batch); err == nil {
					require.NoError(t, log.Sync())
					synced = merged(synced, batch)
				}
			}
			return err
		}
		require.ErrorIs(t, fill(), syscall.ENOSPC)
		disk.CrashProcess()
		disk.CapacityBytes = 0
		log, recovered := mustOpen(t, disk)
		require.Equal(t, synced, merged(nil, recovered.Records), capacity)
		commit(t, log, batchOf("b", "on"))
	}
}

func TestMisuse(t *testing.T) {
	disk := formatted(t)
	log, _ := mustOpen(t, disk)
	operations := disk.Operations()
	require.NoError(t, log.Append(nil), "an empty batch is none")
	require.NoError(t, log.Sync(), "nothing to sync")
	tooLong := make([]byte, RecordMaxBytes)
	require.ErrorIs(t, log.Append([]Record{{Key: []byte("k"), Value: tooLong}}), ErrTooLarge)
	most := Record{Value: tooLong}
	tooMany := make([]Record, BatchMaxBytes/most.Size()+1)
	for i := range tooMany {
		tooMany[i] = most
	}
	require.ErrorIs(t, log.Append(tooMany), ErrTooLarge)
	require.Equal(t, operations, disk.Operations(), "nothing was written")

	require.NoError(t, log.Append(tooMany[1:]), "a mistake of the caller's does not poison")
	require.ErrorIs(t, log.Append(batchOf("a", "1")), ErrUnsynced)
	require.NoError(t, log.Sync())
	require.NoError(t, log.Append(batchOf("a", "1")))
	require.NoError(t, log.Snapshot())
	require.NoError(t, log.Append(batchOf("a", "2")), "a snapshot makes durable what was not synced")

	require.NoError(t, log.Close())
	for _, err := range []error{
		log.Append(batchOf("a", "3")), log.Sync(), log.Snapshot(), log.Close(),
	} {
		require.ErrorIs(t, err, ErrClosed)
		require.NotErrorIs(t, err, ErrPoisoned)
	}
}
