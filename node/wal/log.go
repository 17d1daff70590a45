package wal

import (
	"bytes"
	"fmt"
)

// A Log is an open log. It holds the latest record of every key in memory, so that a snapshot
// cannot miss one. It is for one goroutine at a time: a server has one that owns the disk, gathers
// what has queued into a batch, appends and syncs it, and then lets the answers go.
type Log struct {
	disk   FileSystem
	file   File
	header header
	latest latest
	// at is the end of the file, where the next batch goes; snapshotEnd is that of its snapshot.
	at          position
	snapshotEnd int64
	unsynced    bool
	buffer      []byte
	// failed is the first failure, after which nothing is tried again.
	failed error
}

// Recovered is what Open found.
type Recovered struct {
	// Boot is the number of this life of the node: 1 for the first, higher than that of every life
	// before, and durable.
	Boot uint64
	// Records holds the latest record of each key, sorted by key. They are the caller's.
	Records []Record
	// Batches is the number of whole batches that had been appended since the last snapshot.
	Batches int
	// SnapshotBytes and LogBytes are the lengths of the snapshot and of those batches.
	SnapshotBytes, LogBytes int64
	// TornBytes is the length of an unfinished batch that was cut off the end, 0 for none. It was
	// not synced, so nobody was told of it; unless damage is not refused: see RefuseDamage.
	TornBytes int64
}

// Open replays the log of a disk and begins a new life on it: it writes what it recovered to a new
// file with the next boot number, and returns once that is durable in the old one's place. Nothing
// that is returned depends on what an earlier process left unsynced.
//
// The error is or wraps ErrUnformatted, an IdentityError, a DamageError, or what the disk returned.
// The log on the disk is whole after any of them as far as it was before, and Open may be called
// again.
func Open(disk FileSystem, want Identity, options ...Option) (*Log, Recovered, error) {
	r, err := replayLog(disk, want, options...)
	if err != nil {
		return nil, Recovered{}, err
	}
	l := &Log{disk: disk, header: r.header, latest: r.latest}
	l.header.boot++
	if err := l.rewrite(); err != nil {
		return nil, Recovered{}, fmt.Errorf("wal: open: %w", err)
	}
	records := l.sorted()
	for i := range records {
		records[i].Value = bytes.Clone(records[i].Value)
	}
	return l, Recovered{
		Boot:          l.header.boot,
		Records:       records,
		Batches:       r.batches,
		SnapshotBytes: int64(r.header.snapshotBytes),
		LogBytes:      r.at.offset - int64(r.snapshotEnd),
		TornBytes:     r.torn,
	}, nil
}

// Append writes a batch in one write; of two records of a key the later one counts. It copies what
// it keeps. The batch is not durable before Sync. An empty batch writes nothing.
//
// ErrTooLarge and ErrUnsynced mean that nothing was written and the log goes on; any other error
// poisons it.
func (l *Log) Append(batch []Record) error {
	if err := l.usable(); err != nil {
		return err
	}
	if l.unsynced {
		return ErrUnsynced
	}
	if len(batch) == 0 {
		return nil
	}
	if err := checkSizes(batch); err != nil {
		return err
	}
	next := l.at
	l.buffer = next.appendBatch(l.buffer[:0], batch)
	if err := writeAll(l.file, l.buffer); err != nil {
		return l.poison("append", err)
	}
	l.at = next
	l.unsynced = true
	for _, record := range batch {
		l.latest.remember(record)
	}
	return nil
}

// checkSizes returns ErrTooLarge if a record or the batch is.
func checkSizes(batch []Record) error {
	total := 0
	for _, record := range batch {
		if size := len(record.Key) + len(record.Value); size > RecordMaxBytes {
			return fmt.Errorf("%w: a record of %d bytes, at most %d", ErrTooLarge, size,
				RecordMaxBytes)
		}
		total += record.Size()
	}
	if total > BatchMaxBytes {
		return fmt.Errorf("%w: a batch of %d bytes, at most %d", ErrTooLarge, total, BatchMaxBytes)
	}
	return nil
}

// Sync makes the batch that was appended durable. It is never tried again after it failed: the
// operating system may have dropped what it could not write and report the next sync as a success
// (Rebello et al., Can Applications Recover from fsync Failures?, USENIX ATC 2020).
func (l *Log) Sync() error {
	if err := l.usable(); err != nil {
		return err
	}
	if !l.unsynced {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return l.poison("sync", err)
	}
	l.unsynced = false
	return nil
}

// Size is the length in bytes of the batches since the last snapshot. A caller that takes a
// snapshot when Size has outgrown SnapshotSize, and some floor, writes each byte about twice in
// all.
func (l *Log) Size() int64 { return l.at.offset - l.snapshotEnd }

// SnapshotSize is the length in bytes of the last snapshot.
func (l *Log) SnapshotSize() int64 { return int64(l.header.snapshotBytes) }

// Close ends the use of the log. It makes nothing durable: a batch that was not synced was not
// answered.
func (l *Log) Close() error {
	if l.file == nil {
		return ErrClosed
	}
	err := l.file.Close()
	l.file = nil
	if l.failed == nil {
		l.failed = ErrClosed
	}
	if err != nil {
		return fmt.Errorf("wal: close: %w", err)
	}
	return nil
}

// usable returns why the log can no longer be used, nil if it can.
func (l *Log) usable() error {
	if l.failed == nil || l.failed == ErrClosed {
		return l.failed
	}
	return fmt.Errorf("%w: %w", ErrPoisoned, l.failed)
}

// poison ends the use of the log after a failure that leaves in doubt what is on the disk.
func (l *Log) poison(operation string, err error) error {
	l.failed = fmt.Errorf("wal: %s: %w", operation, err)
	return l.failed
}
