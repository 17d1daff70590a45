package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	// RecordMaxBytes bounds a record's key and value together.
	RecordMaxBytes = 64 << 10
	// BatchMaxBytes bounds a batch: the sum of its records' sizes.
	BatchMaxBytes = 1 << 20

	batchMagic        = 0x48435442 // "BTCH" in the file
	batchHeaderBytes  = 28
	recordHeaderBytes = 12
)

// A Record says what a key's value is from now on.
type Record struct {
	Key, Value []byte
}

// Size is how many of a batch's BatchMaxBytes the record takes.
func (r Record) Size() int { return recordHeaderBytes + len(r.Key) + len(r.Value) }

// A position is a place in a file where a batch can stand, and what a batch must carry to be taken
// for one that was written there: the checksum of the file's header, the running checksum of
// everything before, and the offset. So a batch from another file, from elsewhere in this one, or
// with one missing before it does not pass.
type position struct {
	seed    uint32
	offset  int64
	running uint32
}

// A batchHeader is what stands before a batch's records.
type batchHeader struct {
	count, length uint32
	// previous is the running checksum that the batch before ended with.
	previous uint32
	// offset is where the batch was written.
	offset uint64
	// checksum is that of the fields above, continued from the file's own.
	checksum uint32
}

// appendBatch appends records, encoded as a batch at p, to buffer, and moves p to the batch's end.
func (p *position) appendBatch(buffer []byte, records []Record) []byte {
	start := len(buffer)
	length := 0
	for _, record := range records {
		length += record.Size()
	}
	buffer = binary.LittleEndian.AppendUint32(buffer, batchMagic)
	buffer = binary.LittleEndian.AppendUint32(buffer, uint32(len(records)))
	buffer = binary.LittleEndian.AppendUint32(buffer, uint32(length))
	buffer = binary.LittleEndian.AppendUint32(buffer, p.running)
	buffer = binary.LittleEndian.AppendUint64(buffer, uint64(p.offset))
	running := crc32.Update(p.seed, castagnoli, buffer[start:])
	buffer = binary.LittleEndian.AppendUint32(buffer, running)
	for _, record := range records {
		lengths := len(buffer)
		buffer = binary.LittleEndian.AppendUint32(buffer, uint32(len(record.Key)))
		buffer = binary.LittleEndian.AppendUint32(buffer, uint32(len(record.Value)))
		running = record.sum(running, buffer[lengths:])
		buffer = binary.LittleEndian.AppendUint32(buffer, running)
		buffer = append(buffer, record.Key...)
		buffer = append(buffer, record.Value...)
	}
	p.offset += int64(len(buffer) - start)
	p.running = running
	return buffer
}

// sum continues the running checksum over the record's lengths, key and value.
func (r Record) sum(running uint32, lengths []byte) uint32 {
	running = crc32.Update(running, castagnoli, lengths)
	running = crc32.Update(running, castagnoli, r.Key)
	return crc32.Update(running, castagnoli, r.Value)
}

// decodeBatchHeader decodes what may be a batch's header; ok tells whether it is one that was
// written to the file with this seed, wherever in it.
func decodeBatchHeader(seed uint32, data []byte) (h batchHeader, ok bool) {
	if len(data) < batchHeaderBytes || binary.LittleEndian.Uint32(data) != batchMagic {
		return batchHeader{}, false
	}
	h = batchHeader{
		count:    binary.LittleEndian.Uint32(data[4:]),
		length:   binary.LittleEndian.Uint32(data[8:]),
		previous: binary.LittleEndian.Uint32(data[12:]),
		offset:   binary.LittleEndian.Uint64(data[16:]),
		checksum: binary.LittleEndian.Uint32(data[24:]),
	}
	fields := data[:batchHeaderBytes-checksumBytes]
	return h, h.checksum == crc32.Update(seed, castagnoli, fields)
}

// impossible says why a header whose checksum holds cannot stand at p, "" if it can. A crash does
// not make such a header.
func (h batchHeader) impossible(p position) string {
	if h.offset != uint64(p.offset) {
		return fmt.Sprintf("the batch here was written at offset %d", h.offset)
	}
	if h.previous != p.running {
		return "the chain is broken: the batch here follows another than the one before it"
	}
	if h.length > BatchMaxBytes || h.count == 0 ||
		int64(h.count)*recordHeaderBytes > int64(h.length) {
		return fmt.Sprintf("a batch of %d records in %d bytes cannot be", h.count, h.length)
	}
	return ""
}

// decodeRecords decodes the records of a batch, whose header's checksum is where the running one
// starts. It returns where that ends and, if the records are not all there as they were written, a
// problem. The records alias data.
func (h batchHeader) decodeRecords(data []byte) (records []Record, running uint32, problem string) {
	if len(data) < int(h.length) {
		return nil, 0, fmt.Sprintf("%d of the %d bytes of its records are there",
			len(data), h.length)
	}
	records = make([]Record, 0, h.count)
	running = h.checksum
	for i := range h.count {
		if len(data) < recordHeaderBytes {
			return nil, 0, fmt.Sprintf("record %d lies outside its batch", i)
		}
		lengths, checksum := data[:8], binary.LittleEndian.Uint32(data[8:])
		key := int64(binary.LittleEndian.Uint32(lengths))
		value := int64(binary.LittleEndian.Uint32(lengths[4:]))
		data = data[recordHeaderBytes:]
		if key+value > RecordMaxBytes || key+value > int64(len(data)) {
			return nil, 0, fmt.Sprintf("record %d has a key of %d and a value of %d bytes",
				i, key, value)
		}
		record := Record{Key: data[:key:key], Value: data[key : key+value : key+value]}
		if running = record.sum(running, lengths); running != checksum {
			return nil, 0, fmt.Sprintf("the checksum of record %d does not hold", i)
		}
		records = append(records, record)
		data = data[key+value:]
	}
	if len(data) > 0 {
		return nil, 0, fmt.Sprintf("%d bytes follow its last record", len(data))
	}
	return records, running, ""
}
