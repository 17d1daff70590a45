package wal

import (
	"errors"
	"maps"

	"github.com/stretchr/testify/require"
)

var ours = Identity{Cluster: "c1", Node: "n1"}

// formatted returns a disk that is formatted for ours, from outside.
func formatted(t require.TestingT) *MemoryDisk {
	files, err := FormatFiles(ours)
	require.NoError(t, err)
	disk := &MemoryDisk{}
	for name, data := range files {
		disk.Put(name, data)
	}
	return disk
}

// batchOf makes a batch of key, value, key, value…
func batchOf(pairs ...string) []Record {
	var batch []Record
	for i := 0; i < len(pairs); i += 2 {
		batch = append(batch, Record{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])})
	}
	return batch
}

// merged returns base with the records of batch laid over it, as a map of texts.
func merged(base map[string]string, batch []Record) map[string]string {
	result := maps.Clone(base)
	if result == nil {
		result = map[string]string{}
	}
	for _, record := range batch {
		result[string(record.Key)] = string(record.Value)
	}
	return result
}

// mustOpen opens a log that must be there.
func mustOpen(t require.TestingT, disk FileSystem) (*Log, Recovered) {
	log, recovered, err := Open(disk, ours)
	require.NoError(t, err)
	return log, recovered
}

// commit appends a batch and syncs it.
func commit(t require.TestingT, log *Log, batch []Record) {
	require.NoError(t, log.Append(batch))
	require.NoError(t, log.Sync())
}

// sample returns a disk with a snapshot and three synced batches after it, the offsets at which
// the batches end, the first being that of the snapshot, and what was known at each of them.
func sample(t require.TestingT) (disk *MemoryDisk, ends []int64, states []map[string]string) {
	disk = formatted(t)
	log, _ := mustOpen(t, disk)
	commit(t, log, batchOf("a", "promised 1", "b", "accepted 1"))
	require.NoError(t, log.Snapshot())
	state := merged(nil, batchOf("a", "promised 1", "b", "accepted 1"))
	ends, states = append(ends, log.at.offset), append(states, state)
	for _, batch := range [][]Record{
		batchOf("a", "promised 2"),
		batchOf("b", "accepted 2", "c", ""),
		batchOf("a", "promised 3", "a", "promised 4", "d", "x"),
	} {
		commit(t, log, batch)
		state = merged(state, batch)
		ends, states = append(ends, log.at.offset), append(states, state)
	}
	require.NoError(t, log.Close())
	return disk, ends, states
}

// contentsOf returns the bytes of a disk's log.
func contentsOf(t require.TestingT, disk *MemoryDisk) []byte {
	data, ok := disk.Contents(logName)
	require.True(t, ok)
	return data
}

// diskWith returns a disk whose log is data.
func diskWith(data []byte) *MemoryDisk {
	disk := &MemoryDisk{}
	disk.Put(logName, data)
	return disk
}

// requireDamage asserts that err is a DamageError and returns it.
func requireDamage(t require.TestingT, err error, about ...any) *DamageError {
	damage, ok := errors.AsType[*DamageError](err)
	require.True(t, ok, "%v (about %v)", err, about)
	return damage
}
