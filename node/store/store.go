package store

import (
	"fmt"
	"iter"
	"slices"

	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/node/wal"
)

// An Encoder makes batches of a log. It uses its memory again and again; the zero value is ready.
type Encoder struct {
	batch []wal.Record
	text  []byte
}

// NextBatch encodes as many Persists from the front of the queue as fit one batch of a log, one
// record each and in their order: at least one, unless the queue is empty. The length of the batch
// is how many were taken. What is returned shares no memory with the queue, and is valid until the
// next call.
func (e *Encoder) NextBatch(queue []replica.Persist) []wal.Record {
	e.batch, e.text = e.batch[:0], e.text[:0]
	size := 0
	for i := range queue {
		p := &queue[i]
		// Where the text gets new memory, what was encoded before stays where it is.
		key := len(e.text)
		e.text = paxos.AppendKey(e.text, p.Key)
		value := len(e.text)
		e.text = paxos.AppendAcceptor(e.text, p.Acceptor)
		record := wal.Record{Key: e.text[key:value:value], Value: e.text[value:]}
		size += record.Size()
		if size > wal.BatchMaxBytes && len(e.batch) > 0 {
			break
		}
		e.batch = append(e.batch, record)
	}
	return e.batch
}

// SnapshotLogBytes is the length of the log at which a snapshot is taken, unless the snapshot
// before was longer: then at that length, so that each byte is written about twice in all.
const SnapshotLogBytes = 8 << 20

// SnapshotDue tells whether a snapshot of the log is to be taken now, with least as
// SnapshotLogBytes.
func SnapshotDue(log *wal.Log, least int64) bool {
	return log.Size() > max(least, log.SnapshotSize())
}

// MustSync tells whether the batch of these Persists must be synced before the Sends behind them
// may go: always, by the correct rules. If not, the batch is appended without a sync, and the
// caller syncs the log before it appends the next, since a batch that another follows is taken for
// synced.
func MustSync(persists []replica.Persist) bool {
	return slices.ContainsFunc(persists, func(p replica.Persist) bool { return !p.Unsynced })
}

// Acceptors decodes the records that a log held, for replica.New, in their order. All of them are
// decoded before any is used: the error, which wraps paxos.ErrMalformed and names the record, means
// that none may be.
func Acceptors(records []wal.Record) (iter.Seq2[paxos.Key, paxos.Acceptor], error) {
	keys := make([]paxos.Key, len(records))
	stored := make([]paxos.Acceptor, len(records))
	for i, record := range records {
		var err error
		if keys[i], err = paxos.DecodeKey(record.Key); err != nil {
			return nil, fmt.Errorf("the key of record %d: %w", i, err)
		}
		if stored[i], err = paxos.DecodeAcceptor(record.Value); err != nil {
			return nil, fmt.Errorf("the acceptor of key %s: %w", keys[i], err)
		}
	}
	return func(yield func(paxos.Key, paxos.Acceptor) bool) {
		for i, key := range keys {
			if !yield(key, stored[i]) {
				return
			}
		}
	}, nil
}
