package wal

import (
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzOpen: whatever a disk holds, recovery ends with a log or with a reason, in memory that is in
// proportion to what it read; and a log that it made is one that it reads back.
func FuzzOpen(f *testing.F) {
	disk, ends, _ := sample(f)
	whole := contentsOf(f, disk)
	f.Add([]byte{})
	f.Add(whole)
	f.Add(whole[:ends[1]+9])
	f.Add(append(whole[:ends[1]:ends[1]], whole[ends[2]:]...))
	files, err := FormatFiles(ours)
	require.NoError(f, err)
	f.Add(files[logName])
	f.Fuzz(recoverFrom)
}

// FuzzSealed: the same behind checksums that hold, which mutations of bytes rarely get past.
func FuzzSealed(f *testing.F) {
	f.Add(uint64(1), uint64(1), uint64(0), uint32(1), uint32(15), []byte{1, 0, 0, 0, 2, 0, 0, 0})
	f.Add(uint64(1), uint64(2), uint64(40), uint32(1<<32-1), uint32(1<<32-1), []byte{})
	f.Add(uint64(1<<64-1), uint64(1<<64-1), uint64(1<<64-1), uint32(0), uint32(0), []byte{})
	f.Add(uint64(0), uint64(0), uint64(0), uint32(87_000), uint32(BatchMaxBytes), make([]byte, 99))
	f.Fuzz(func(t *testing.T, boot, generation, snapshot uint64, count, length uint32, body []byte) {
		h := header{identity: ours, boot: boot, generation: generation, snapshotBytes: snapshot}
		at := h.start()
		batch := batchHeader{
			count: count, length: length, previous: at.running, offset: uint64(at.offset),
		}
		data := append(h.encode(), encodeHeader(at, batch)...)
		sealRecord(binary.LittleEndian.Uint32(data[len(data)-checksumBytes:]), body)
		recoverFrom(t, append(data, body...))
	})
}

// sealRecord makes the checksum of the first record in body hold, if there is room for one.
func sealRecord(running uint32, body []byte) {
	if len(body) < recordHeaderBytes {
		return
	}
	end := recordHeaderBytes + int64(binary.LittleEndian.Uint32(body)) +
		int64(binary.LittleEndian.Uint32(body[4:]))
	if end <= int64(len(body)) {
		record := Record{Key: body[recordHeaderBytes:end]}
		binary.LittleEndian.PutUint32(body[8:], record.sum(running, body[:8]))
	}
}

// recoverFrom opens a disk whose log is data and looks at what comes of it.
func recoverFrom(t *testing.T, data []byte) {
	disk := diskWith(data)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	log, recovered, err := Open(disk, ours)
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	require.Less(t, allocated, uint64(1<<20+64*len(data)), "memory for %d bytes", len(data))
	if err != nil {
		require.Nil(t, log)
		_, damaged := errors.AsType[*DamageError](err)
		_, foreign := errors.AsType[*IdentityError](err)
		require.True(t, damaged || foreign, "%v", err)
		require.Equal(t, len(data), len(contentsOf(t, disk)), "a refused disk stays as it is")
		if log, recovered, err = Open(disk, ours, RefuseDamage(false)); err != nil {
			require.Nil(t, log)
			return
		}
		require.Positive(t, recovered.TornBytes, "what was refused is cut")
	}
	require.LessOrEqual(t, recovered.TornBytes, int64(len(data)))
	disk.CrashMachine(Crash{})
	_, again := mustOpen(t, disk)
	require.Equal(t, recovered.Boot+1, again.Boot)
	require.Equal(t, recovered.Records, again.Records)
	require.Zero(t, again.TornBytes)
}
