package wal

import "bytes"

// A Span is where a batch stands in the file of a log, in bytes.
type Span struct {
	Offset, Bytes int64
}

// Spans returns where the whole batches of a log's file stand, those of its snapshot first, for
// those who want to damage one. The error is that of a file which does not begin like a log.
func Spans(file []byte) ([]Span, error) {
	h, err := readHeader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	var spans []Span
	for at := h.start(); ; {
		header, ok := decodeBatchHeader(at.seed, file[at.offset:])
		if !ok || header.impossible(at) != "" {
			return spans, nil
		}
		_, running, problem := header.decodeRecords(fullBatch(file[at.offset:], header))
		if problem != "" {
			return spans, nil
		}
		size := int64(batchHeaderBytes) + int64(header.length)
		spans = append(spans, Span{Offset: at.offset, Bytes: size})
		at.offset += size
		at.running = running
	}
}

// fullBatch returns the records of a batch, or what is there of them.
func fullBatch(data []byte, h batchHeader) []byte {
	return data[batchHeaderBytes:min(len(data), batchHeaderBytes+int(h.length))]
}
