package wal

import (
	"maps"
	"slices"
)

// Snapshot replaces the log by one that begins with the latest record of every key and nothing
// after it. When it returns nil everything that was appended is durable, synced before or not; the
// old log is there until the new one, its directory entry and every record in it are. Any error
// poisons the log; the disk then holds the one or the other.
func (l *Log) Snapshot() error {
	if err := l.usable(); err != nil {
		return err
	}
	old := l.file
	if err := l.rewrite(); err != nil {
		return l.poison("snapshot", err)
	}
	// The old file has no name any more: whatever closing it says concerns nobody.
	_ = old.Close()
	l.unsynced = false
	return nil
}

// rewrite puts a new file with everything that the log remembers in the place of the old one.
func (l *Log) rewrite() error {
	batches := split(l.sorted())
	next := l.header
	next.generation++
	next.snapshotBytes = 0
	for _, batch := range batches {
		next.snapshotBytes += batchHeaderBytes
		for _, record := range batch {
			next.snapshotBytes += uint64(record.Size())
		}
	}
	at := next.start()
	file, err := replaceLog(l.disk, func(file File) error {
		if err := writeAll(file, next.encode()); err != nil {
			return err
		}
		for _, batch := range batches {
			l.buffer = at.appendBatch(l.buffer[:0], batch)
			if err := writeAll(file, l.buffer); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.file, l.header, l.at, l.snapshotEnd = file, next, at, at.offset
	return nil
}

// sorted returns the latest record of every key, by key: a log's bytes depend on what was appended
// and on nothing else. The values alias the log's memory.
func (l *Log) sorted() []Record {
	records := make([]Record, 0, len(l.latest))
	for _, key := range slices.Sorted(maps.Keys(l.latest)) {
		records = append(records, Record{Key: []byte(key), Value: *l.latest[key]})
	}
	return records
}

// split cuts records into batches of at most BatchMaxBytes.
func split(records []Record) [][]Record {
	var batches [][]Record
	start, size := 0, 0
	for i, record := range records {
		if size+record.Size() > BatchMaxBytes {
			batches = append(batches, records[start:i])
			start, size = i, 0
		}
		size += record.Size()
	}
	if start < len(records) {
		batches = append(batches, records[start:])
	}
	return batches
}
