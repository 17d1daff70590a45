package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTruncationAtEveryByte: a log that was cut anywhere comes back as what was appended up to the
// cut, and says how much it threw away; a cut in what was synced at once, the header and the
// snapshot, is refused.
func TestTruncationAtEveryByte(t *testing.T) {
	disk, ends, states := sample(t)
	whole := contentsOf(t, disk)
	for length := range int64(len(whole)) + 1 {
		_, recovered, err := Open(diskWith(whole[:length]), ours)
		if length < ends[0] {
			requireDamage(t, err, length)
			continue
		}
		require.NoError(t, err, length)
		last := len(ends) - 1
		for ends[last] > length {
			last--
		}
		require.Equal(t, states[last], merged(nil, recovered.Records), length)
		require.Equal(t, length-ends[last], recovered.TornBytes, length)
		require.Equal(t, last, recovered.Batches, length)
	}
}

// TestFlipEveryBit: a flipped bit in the last batch looks as if a crash had torn it, and the batch
// is cut as FORMAT.md says; anywhere else it is refused, with the place.
func TestFlipEveryBit(t *testing.T) {
	disk, ends, states := sample(t)
	whole := contentsOf(t, disk)
	lastBatch := ends[len(ends)-2]
	for offset := range int64(len(whole)) {
		for bit := range 8 {
			flipped := bytes.Clone(whole)
			flipped[offset] ^= 1 << bit
			_, recovered, err := Open(diskWith(flipped), ours)
			if offset < lastBatch {
				damage := requireDamage(t, err, offset)
				require.LessOrEqual(t, damage.Offset, offset)
				continue
			}
			require.NoError(t, err, offset)
			require.Equal(t, states[len(states)-2], merged(nil, recovered.Records), offset)
			require.Equal(t, int64(len(whole))-lastBatch, recovered.TornBytes, offset)
		}
	}
}

// TestRefusalChangesNothing: a damaged disk is left as it is, to be looked at.
func TestRefusalChangesNothing(t *testing.T) {
	whole, ends, _ := sample(t)
	data := contentsOf(t, whole)
	data[ends[0]+3] ^= 1
	disk := diskWith(data)
	for range 3 {
		_, _, err := Open(disk, ours)
		require.Equal(t, ends[0], requireDamage(t, err).Offset)
		require.Equal(t, data, contentsOf(t, disk))
	}
}

// TestDamageBeforeTornBatch: a torn batch proves that the one before it had been synced, so damage
// in that one is not taken for the end, even if only one byte follows it.
func TestDamageBeforeTornBatch(t *testing.T) {
	disk, ends, states := sample(t)
	whole := contentsOf(t, disk)
	previous, last := ends[len(ends)-3], ends[len(ends)-2]
	for length := last; length < int64(len(whole)); length++ {
		torn := bytes.Clone(whole[:length])
		torn[last-1] ^= 1
		_, recovered, err := Open(diskWith(torn), ours)
		if length == last {
			require.NoError(t, err)
			require.Equal(t, states[len(states)-3], merged(nil, recovered.Records))
			continue
		}
		require.Equal(t, previous, requireDamage(t, err, length).Offset)
	}
}

// TestBatchesFromElsewhere: a batch that is whole in itself is taken only where it was written.
func TestBatchesFromElsewhere(t *testing.T) {
	disk, ends, _ := sample(t)
	whole := contentsOf(t, disk)
	first, second, third := whole[ends[0]:ends[1]], whole[ends[1]:ends[2]], whole[ends[2]:ends[3]]
	require.Len(t, third, len(whole)-int(ends[2]))
	join := func(parts ...[]byte) []byte {
		return bytes.Join(append([][]byte{whole[:ends[0]]}, parts...), nil)
	}

	refused := func(t *testing.T, reason string, parts ...[]byte) {
		_, err := openAndClose(join(parts...))
		require.Contains(t, requireDamage(t, err).Reason, reason)
	}
	t.Run("a batch is missing in the middle", func(t *testing.T) {
		refused(t, fmt.Sprintf("was written at offset %d", ends[2]), first, third)
		refused(t, fmt.Sprintf("was written at offset %d", ends[1]), second, third)
	})
	t.Run("a batch became zeros", func(t *testing.T) {
		refused(t, "not the last", first, make([]byte, len(second)), third)
	})
	t.Run("part of a batch is missing", func(t *testing.T) {
		refused(t, "not the last", first, second[:5], third)
		refused(t, "not the last", first, second[5:], third)
		refused(t, "not the last", first, second[:len(second)-5], third)
	})
	t.Run("batches changed places", func(t *testing.T) {
		refused(t, "was written at offset", second, first, third)
	})
	t.Run("a batch stands there twice", func(t *testing.T) {
		refused(t, "was written at offset", first, second, third, third)
	})
	t.Run("the same place in a copy of the disk that went another way", func(t *testing.T) {
		log, err := replayLog(diskWith(join(first)), ours)
		require.NoError(t, err)
		log.at.running++
		stranger := log.at.appendBatch(nil, batchOf("b", "of the other"))
		_, err = openAndClose(join(first, stranger))
		require.Contains(t, requireDamage(t, err).Reason, "the chain is broken")
	})
	t.Run("the same place in another file of the disk", func(t *testing.T) {
		disk := formatted(t)
		log, _ := mustOpen(t, disk)
		var files [2][]byte
		var start int64
		for i := range files {
			require.NoError(t, log.Append(batchOf("a", "1")))
			require.NoError(t, log.Snapshot())
			start = log.at.offset
			commit(t, log, batchOf("a", "2"))
			files[i] = contentsOf(t, disk)
		}
		require.Len(t, files[1], len(files[0]), "files that differ in their generation alone")
		recovered, err := openAndClose(append(files[0][:start:start], files[1][start:]...))
		require.NoError(t, err, "it is nothing to this file, as if torn")
		require.Equal(t, batchOf("a", "1"), recovered.Records)
	})
}

func openAndClose(data []byte) (Recovered, error) {
	log, recovered, err := Open(diskWith(data), ours)
	if err != nil {
		return recovered, err
	}
	return recovered, log.Close()
}

// TestTornIsNoLongerThanABatch: more than one batch's worth of nonsense is no torn batch.
func TestTornIsNoLongerThanABatch(t *testing.T) {
	disk, _, states := sample(t)
	whole := contentsOf(t, disk)
	most := batchHeaderBytes + BatchMaxBytes
	recovered, err := openAndClose(append(bytes.Clone(whole), make([]byte, most)...))
	require.NoError(t, err)
	require.Equal(t, int64(most), recovered.TornBytes)
	require.Equal(t, states[len(states)-1], merged(nil, recovered.Records))

	_, err = openAndClose(append(bytes.Clone(whole), make([]byte, most+1)...))
	require.Contains(t, requireDamage(t, err).Reason, "more follows")
}

// TestValuesThatQuoteBatches: batches of this very file in a client's value are not taken for ones
// that follow a torn batch.
func TestValuesThatQuoteBatches(t *testing.T) {
	disk := formatted(t)
	log, _ := mustOpen(t, disk)
	start := log.at.offset
	commit(t, log, batchOf("a", "before"))
	commit(t, log, batchOf("b", "before"))
	safe := log.at.offset
	commit(t, log, batchOf("quote", string(contentsOf(t, disk)[start:])))
	torn := contentsOf(t, disk)
	torn[safe] ^= 1
	recovered, err := openAndClose(torn)
	require.NoError(t, err)
	require.Equal(t, int64(len(torn))-safe, recovered.TornBytes)
}

// TestImpossibleHeaders: a header whose checksum holds and that says what no log writes is damage,
// or a mistake of ours, and certainly not torn.
func TestImpossibleHeaders(t *testing.T) {
	disk, ends, _ := sample(t)
	whole := contentsOf(t, disk)
	at := func() position {
		r, err := replayLog(diskWith(whole), ours)
		require.NoError(t, err)
		return r.at
	}()
	for name, h := range map[string]batchHeader{
		"empty":          {count: 0, length: 0},
		"too long":       {count: 1, length: BatchMaxBytes + 1},
		"very long":      {count: 1, length: 1<<32 - 1},
		"too many":       {count: 3, length: 2*recordHeaderBytes + 1},
		"very many":      {count: 1<<32 - 1, length: BatchMaxBytes},
		"another before": {count: 1, length: 12, previous: at.running + 1},
		"another place":  {count: 1, length: 12, offset: uint64(at.offset) + 1},
	} {
		if h.previous == 0 {
			h.previous = at.running
		}
		if h.offset == 0 {
			h.offset = uint64(at.offset)
		}
		_, err := openAndClose(append(bytes.Clone(whole), encodeHeader(at, h)...))
		require.Equal(t, int64(len(whole)), requireDamage(t, err, name).Offset, name)
	}
	// A snapshot that ends within a batch.
	h := header{identity: ours, boot: 1, generation: 2, snapshotBytes: uint64(ends[0]) + 5}
	start := h.start()
	data := append(h.encode(), start.appendBatch(nil, batchOf("a", string(make([]byte, 500))))...)
	_, err := openAndClose(data)
	require.Contains(t, requireDamage(t, err).Reason, "reaches out of the snapshot")
	// A snapshot of an absurd length.
	_, err = openAndClose(header{identity: ours, snapshotBytes: 1<<64 - 1}.encode())
	require.Contains(t, requireDamage(t, err).Reason, "its snapshot has")
}

// TestImpossibleRecords: what is in a batch is looked at before it is used, checksums or not.
func TestImpossibleRecords(t *testing.T) {
	record := Record{Key: make([]byte, RecordMaxBytes), Value: []byte("v")}
	at := position{}
	whole := at.appendBatch(nil, []Record{record})
	_, _, problem := decodeAll(t, whole, 1)
	require.Equal(t, "record 0 has a key of 65536 and a value of 1 bytes", problem)

	at = position{}
	whole = at.appendBatch(nil, batchOf("a", "1", "b", "2"))
	records, running, problem := decodeAll(t, whole, 2)
	require.Empty(t, problem)
	require.Equal(t, batchOf("a", "1", "b", "2"), records)
	require.Equal(t, at.running, running)
	_, _, problem = decodeAll(t, whole, 1)
	require.Equal(t, "14 bytes follow its last record", problem)
	_, _, problem = decodeAll(t, whole, 3)
	require.Equal(t, "record 2 lies outside its batch", problem)
	_, _, problem = decodeAll(t, whole[:len(whole)-1], 2)
	require.Equal(t, "27 of the 28 bytes of its records are there", problem)
}

// decodeAll decodes a batch as if its header spoke of count records.
func decodeAll(t *testing.T, batch []byte, count uint32) ([]Record, uint32, string) {
	h, ok := decodeBatchHeader(0, batch)
	require.True(t, ok)
	h.count = count
	return h.decodeRecords(batch[batchHeaderBytes:])
}

// encodeHeader writes a batch's header as given, with a checksum that holds.
func encodeHeader(p position, h batchHeader) []byte {
	data := binary.LittleEndian.AppendUint32(nil, batchMagic)
	data = binary.LittleEndian.AppendUint32(data, h.count)
	data = binary.LittleEndian.AppendUint32(data, h.length)
	data = binary.LittleEndian.AppendUint32(data, h.previous)
	data = binary.LittleEndian.AppendUint64(data, h.offset)
	return binary.LittleEndian.AppendUint32(data, crc32.Update(p.seed, castagnoli, data))
}

// TestUnreadable: a disk that cannot be read is neither damaged nor at its end.
func TestUnreadable(t *testing.T) {
	broken := errors.New("input/output error")
	for _, kind := range []OperationKind{OperationOpen, OperationRead} {
		disk, _, states := sample(t)
		disk.Decide = func(operation Operation) Decision {
			if operation.Kind == kind {
				return Decision{Err: broken}
			}
			return Decision{}
		}
		_, _, err := Open(disk, ours)
		require.ErrorIs(t, err, broken)
		disk.Decide = nil
		_, recovered := mustOpen(t, disk)
		require.Equal(t, states[len(states)-1], merged(nil, recovered.Records))
	}
}
