package wal

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A place is a disk on which the tests of this file run, and how to look at its files.
type place struct {
	disk FileSystem
	put  func(name string, data []byte)
}

// onEachDisk runs a test on the disk in memory and on the operating system's.
func onEachDisk(t *testing.T, test func(t *testing.T, p place)) {
	t.Run("memory", func(t *testing.T) {
		disk := &MemoryDisk{}
		test(t, place{disk: disk, put: disk.Put})
	})
	t.Run("directory", func(t *testing.T) {
		path := t.TempDir()
		disk, err := OpenDirectory(path)
		require.NoError(t, err)
		defer func() { require.NoError(t, disk.Close()) }()
		test(t, place{disk: disk, put: func(name string, data []byte) {
			require.NoError(t, os.WriteFile(filepath.Join(path, name), data, 0o600))
		}})
	})
}

// fileOf reads a file by way of the interface.
func fileOf(t *testing.T, disk FileSystem, name string) []byte {
	file, err := disk.Open(name)
	require.NoError(t, err)
	data, err := io.ReadAll(file)
	require.NoError(t, err)
	require.NoError(t, file.Close())
	return data
}

func TestLives(t *testing.T) {
	onEachDisk(t, func(t *testing.T, p place) {
		require.NoError(t, Format(p.disk, ours))
		log, recovered := mustOpen(t, p.disk)
		require.Equal(t, Recovered{Boot: 1, Records: []Record{}}, recovered)
		commit(t, log, batchOf("b", "1", "a", "2"))
		commit(t, log, batchOf("b", "3"))
		require.NoError(t, log.Close())

		log, recovered = mustOpen(t, p.disk)
		require.Equal(t, uint64(2), recovered.Boot)
		require.Equal(t, batchOf("a", "2", "b", "3"), recovered.Records)
		require.Equal(t, 2, recovered.Batches)
		require.Zero(t, recovered.SnapshotBytes)
		require.NoError(t, log.Close())

		_, recovered = mustOpen(t, p.disk)
		require.Equal(t, uint64(3), recovered.Boot)
		require.Equal(t, batchOf("a", "2", "b", "3"), recovered.Records)
		require.Zero(t, recovered.Batches, "the life before began with a snapshot of all")
		require.Equal(t, log.SnapshotSize(), recovered.SnapshotBytes)
	})
}

func TestBootGrowsWithEachOpen(t *testing.T) {
	onEachDisk(t, func(t *testing.T, p place) {
		require.NoError(t, Format(p.disk, ours))
		for boot := range uint64(30) {
			log, recovered := mustOpen(t, p.disk)
			require.Equal(t, boot+1, recovered.Boot)
			require.NoError(t, log.Close())
		}
	})
}

func TestRefusedDisks(t *testing.T) {
	onEachDisk(t, func(t *testing.T, p place) {
		_, _, err := Open(p.disk, ours)
		require.ErrorIs(t, err, ErrUnformatted)
		_, err = p.disk.Open(logName)
		require.ErrorIs(t, err, os.ErrNotExist, "a refused disk stays as it is")

		require.NoError(t, Format(p.disk, ours))
		require.ErrorIs(t, Format(p.disk, ours), ErrFormatted)
		for _, other := range []Identity{
			{Cluster: "c2", Node: "n1"}, {Cluster: "c1", Node: "n2"}, {Cluster: "c1n", Node: "1"}, {},
		} {
			_, _, err = Open(p.disk, other)
			require.Equal(t, &IdentityError{Want: other, Found: ours}, err)
		}
		_, recovered := mustOpen(t, p.disk)
		require.Equal(t, uint64(1), recovered.Boot, "refusals are no boots")

		p.put(logName, nil)
		_, _, err = Open(p.disk, ours)
		requireDamage(t, err)
		require.ErrorIs(t, Format(p.disk, ours), ErrFormatted, "a damaged log is a log")
	})
}

func TestTornBatchIsCut(t *testing.T) {
	onEachDisk(t, func(t *testing.T, p place) {
		require.NoError(t, Format(p.disk, ours))
		log, _ := mustOpen(t, p.disk)
		commit(t, log, batchOf("a", "1"))
		safe := log.Size()
		commit(t, log, batchOf("a", "2"))
		require.NoError(t, log.Close())
		data := fileOf(t, p.disk, logName)
		p.put(logName, data[:len(data)-1])

		log, recovered := mustOpen(t, p.disk)
		require.Equal(t, batchOf("a", "1"), recovered.Records)
		require.Equal(t, log.at.offset, int64(len(fileOf(t, p.disk, logName))), "the rest is gone")
		require.Equal(t, safe, recovered.LogBytes)
		require.Equal(t, int64(len(data)-1)-safe-log.header.bytes(), recovered.TornBytes)

		data = fileOf(t, p.disk, logName)
		data[len(data)-1] ^= 1
		p.put(logName, data)
		_, _, err := Open(p.disk, ours)
		requireDamage(t, err)
	})
}

func TestSnapshot(t *testing.T) {
	onEachDisk(t, func(t *testing.T, p place) {
		require.NoError(t, Format(p.disk, ours))
		p.put(temporaryName, []byte("what an interrupted snapshot left"))
		log, _ := mustOpen(t, p.disk)
		for i := range 100 {
			commit(t, log, batchOf("a", strings.Repeat("x", i), "b", "1"))
		}
		grown := log.Size()
		require.NoError(t, log.Snapshot())
		require.Zero(t, log.Size())
		require.Less(t, log.SnapshotSize(), grown/10)
		commit(t, log, batchOf("c", "2"))
		require.Positive(t, log.Size())
		require.NoError(t, log.Close())
		_, err := p.disk.Open(temporaryName)
		require.ErrorIs(t, err, os.ErrNotExist)

		_, recovered := mustOpen(t, p.disk)
		require.Equal(t, batchOf("a", strings.Repeat("x", 99), "b", "1", "c", "2"), recovered.Records)
		require.Equal(t, 1, recovered.Batches)
	})
}

// TestSnapshotOfManyBatches: what does not fit into one batch is cut into several.
func TestSnapshotOfManyBatches(t *testing.T) {
	onEachDisk(t, func(t *testing.T, p place) {
		require.NoError(t, Format(p.disk, ours))
		log, _ := mustOpen(t, p.disk)
		var want []Record
		for i := range 40 {
			record := Record{Key: []byte{byte(i)}, Value: bytes.Repeat([]byte{byte(i)}, 60_000)}
			want = append(want, record)
			commit(t, log, []Record{record})
		}
		require.NoError(t, log.Snapshot())
		require.Equal(t, int64(40*(recordHeaderBytes+60_001)+3*batchHeaderBytes), log.SnapshotSize())
		_, recovered := mustOpen(t, p.disk)
		require.Equal(t, want, recovered.Records)
	})
}

// TestSameBytes: both disks, and every run, make the same file of the same calls.
func TestSameBytes(t *testing.T) {
	var files [][]byte
	for range 2 {
		onEachDisk(t, func(t *testing.T, p place) {
			require.NoError(t, Format(p.disk, ours))
			log, _ := mustOpen(t, p.disk)
			for key := range 50 {
				commit(t, log, []Record{{Key: []byte{byte(key * 37)}, Value: []byte{1}}})
			}
			require.NoError(t, log.Snapshot())
			commit(t, log, batchOf("a", "1"))
			require.NoError(t, log.Close())
			files = append(files, fileOf(t, p.disk, logName))
		})
	}
	for _, file := range files[1:] {
		require.Equal(t, files[0], file)
	}
}

// TestOwnership: a log keeps nothing of the caller's and gives nothing of its own away.
func TestOwnership(t *testing.T) {
	disk := formatted(t)
	log, _ := mustOpen(t, disk)
	batch := batchOf("a", "1")
	commit(t, log, batch)
	batch[0].Key[0], batch[0].Value[0] = 'z', '9'
	require.NoError(t, log.Snapshot())

	log, recovered := mustOpen(t, disk)
	require.Equal(t, batchOf("a", "1"), recovered.Records)
	recovered.Records[0].Value[0] = '9'
	require.NoError(t, log.Snapshot())
	log, recovered = mustOpen(t, disk)
	require.Equal(t, batchOf("a", "1"), recovered.Records)
	commit(t, log, batchOf("a", "2"))
	require.Equal(t, batchOf("a", "1"), recovered.Records)
}
