package wal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpansAreTheBatchesOfALog(t *testing.T) {
	disk, id := &MemoryDisk{}, Identity{Cluster: "c", Node: "n"}
	require.NoError(t, Format(disk, id))
	log, _, err := Open(disk, id)
	require.NoError(t, err)
	for i := range 3 {
		record := Record{Key: []byte{byte(i)}, Value: make([]byte, 10*i)}
		require.NoError(t, log.Append([]Record{record}))
		require.NoError(t, log.Sync())
	}
	file, ok := disk.Contents(logName)
	require.True(t, ok)
	spans, err := Spans(file)
	require.NoError(t, err)
	require.Len(t, spans, 3)
	end := log.header.bytes()
	for i, span := range spans {
		require.Equal(t, end, span.Offset)
		require.EqualValues(t, batchHeaderBytes+recordHeaderBytes+1+10*i, span.Bytes)
		end += span.Bytes
	}
	require.EqualValues(t, len(file), end)

	torn, err := Spans(file[:len(file)-1])
	require.NoError(t, err)
	require.Equal(t, spans[:2], torn)
	_, err = Spans([]byte("no log"))
	require.Error(t, err)
	none, err := Spans(file[:log.header.bytes()])
	require.NoError(t, err)
	require.Empty(t, none)

	// A bit that flips in a batch that another follows is never taken for a torn end.
	for _, span := range spans[:2] {
		damaged := append([]byte(nil), file...)
		damaged[span.Offset+span.Bytes-1] ^= 4
		other := &MemoryDisk{}
		other.Put(logName, damaged)
		_, _, err := Open(other, id)
		var damage *DamageError
		require.ErrorAs(t, err, &damage)
	}
}
