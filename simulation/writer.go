package simulation

import (
	"fmt"
	"syscall"
	"time"

	"ordeal/node/replica"
	"ordeal/node/store"
	"ordeal/node/wal"
)

// A writer makes durable what a node's process has queued, as the disk goroutine of node/server
// does: all that has queued as one batch with one sync, one batch at a time.
type writer struct {
	node *node
	log  *wal.Log
	// encoder makes its batches.
	encoder store.Encoder
	queued  []replica.Persist
	// origins are the clients' operations that these serve, one each.
	origins []uint64
	// syncing tells that a batch is written and its sync under way, lazy that it is none that has to
	// be synced before it is answered; done counts what may be answered.
	syncing, lazy bool
	done          uint64
	// slow is how much longer a sync takes, while faults say so; broken that none succeeds, and full
	// that there is no room.
	slow         int64
	broken, full bool
	// interrupted is set while the process works at the disk and is to end in the middle of that.
	interrupted *interruption
}

// open begins a process's life.
func (d *writer) open(log *wal.Log) {
	d.log, d.queued, d.origins, d.syncing, d.done = log, nil, nil, false, 0
}

// close ends it.
func (d *writer) close() {
	d.log, d.queued, d.origins, d.syncing = nil, nil, nil, false
}

func (d *writer) failing() bool { return d.broken || d.full }

func (d *writer) queue(p replica.Persist, origin uint64) {
	d.queued, d.origins = append(d.queued, p), append(d.origins, origin)
}

// write begins the next batch, if there is something to write and nothing is being written.
func (d *writer) write() {
	if d.syncing || len(d.queued) == 0 {
		return
	}
	written, ok := d.append()
	if !ok {
		return
	}
	n := d.node
	w := n.world
	w.tellWrite(n, d.queued[:written])
	place, origin := uint64(n.index)|syncPlaces, d.origins[0]
	// What is left moves to the front, so that the room is used again.
	d.queued = d.queued[:copy(d.queued, d.queued[written:])]
	d.origins = d.origins[:copy(d.origins, d.origins[written:])]
	d.syncing = true
	random := w.roll(decideSync, place, origin, w.queue.occurrences.next(mix(place, origin)))
	took := spread(w.table, int64(w.conditions.Sync), random) + d.slow
	e := w.queue.push(w.now + took)
	e.kind, e.node, e.life, e.number = happensSync, int32(n.index), n.life, uint64(written)
	if n.doom != nil && n.doom.writing {
		random := w.roll(decideDoom, uint64(n.index), n.doom.fault, 1)
		e := w.queue.push(w.now + int64(below(random, uint64(took))))
		e.kind, e.node, e.life = happensDoom, int32(n.index), n.life
	}
}

// append writes the next batch, and returns how many of those that have queued it holds, and false
// if that ended the process.
func (d *writer) append() (written int, ok bool) {
	defer d.node.caught()
	// A batch that need not be synced before it is answered is synced before the next is written.
	if err := d.log.Sync(); err != nil {
		d.fail(err)
		return 0, false
	}
	batch := d.encoder.NextBatch(d.queued)
	if err := d.log.Append(batch); err != nil {
		d.fail(err)
		return 0, false
	}
	d.lazy = !store.MustSync(d.queued[:len(batch)])
	return len(batch), true
}

// synced ends a batch: what waited for it is sent.
func (d *writer) synced(count uint64) {
	n := d.node
	w := n.world
	detail := ""
	if d.lazy {
		detail = "written, not synced"
	}
	w.note(happensSync, n, count, detail)
	if !d.settle(count) {
		return
	}
	if n.doomed() {
		// Between the sync and the first of the sends that waited for it is a boundary, too.
		n.end(n.doom.why)
		return
	}
	for n.leave() {
		w.network.send(n, &n.leaving.Message, n.leaving.Request)
	}
	if n.state == running {
		d.write()
	}
}

// settle makes a batch durable and lets go what waited for it. It returns false if that ended the
// process.
func (d *writer) settle(count uint64) (ok bool) {
	defer d.node.caught()
	if !d.lazy {
		if err := d.log.Sync(); err != nil {
			d.fail(err)
			return false
		}
	}
	if store.SnapshotDue(d.log, d.node.world.snapshotBytes) && !d.snapshot() {
		return false
	}
	d.syncing = false
	d.done += count
	d.node.gate.Synced(d.done)
	return true
}

// snapshot replaces the log by a snapshot. It returns false if that ended the process: one that is
// to end at the boundary of two effects ends at that of two operations of its disk.
func (d *writer) snapshot() (ok bool) {
	n := d.node
	if n.doomed() {
		d.interrupted = newInterruption(
			n.world.roll(decideInterruption, uint64(n.index), n.doom.fault, 1), snapshotOperations)
		defer func() { d.interrupted = nil }()
	}
	err := d.log.Snapshot()
	switch {
	case err != nil && d.interrupted != nil && d.interrupted.happened:
		n.end(n.doom.why)
	case err != nil:
		d.fail(err)
	}
	return err == nil
}

// leave takes the next datagram that waits for nothing any more, if there is one.
func (n *node) leave() (ok bool) {
	defer n.caught()
	n.leaving, ok = n.gate.Next()
	return ok
}

// syncPlaces tells the places of disks from those of links and nodes where occurrences are counted.
const syncPlaces = 1 << 62

// fail ends the process, as a node ends whose disk failed. That is news unless a fault did it.
func (d *writer) fail(err error) {
	n := d.node
	detail := fmt.Sprintf("the disk failed: %v", err)
	expected := d.failing()
	n.end(detail)
	if !expected {
		n.world.onExit(n.name, detail, true)
	}
}

// decide is asked by the disk about each of its operations.
func (d *writer) decide(operation wal.Operation) wal.Decision {
	if d.interrupted != nil && d.interrupted.now() {
		written := below(d.interrupted.random, uint64(operation.Bytes)+1)
		return wal.Decision{Err: errInterrupted, Written: int(written)}
	}
	switch operation.Kind {
	case wal.OperationWrite:
		if d.full {
			return wal.Decision{Err: syscall.ENOSPC, Written: operation.Bytes / 2}
		}
	case wal.OperationSync, wal.OperationSyncDirectory, wal.OperationCreate:
	default:
		return wal.Decision{}
	}
	if d.broken {
		return wal.Decision{Err: syscall.EIO}
	}
	return wal.Decision{}
}

// crash forgets what a crash of the machine loses: names that were changed and not synced, and of
// what was written since the last sync a random part. A torn write keeps its beginning, keeps
// nothing, or keeps its length with zero bytes from some point on. It returns how many bytes were
// not synced.
func (n *node) crash(fault uint64) (unsyncedBytes int) {
	w := n.world
	asked := uint64(0)
	next := func(limit uint64) uint64 {
		asked++
		return below(w.roll(decideTear, uint64(n.index), fault, asked), limit)
	}
	n.files.CrashMachine(wal.Crash{
		Tail: func(_ string, unsynced []byte) []byte {
			unsyncedBytes += len(unsynced)
			kept := next(uint64(len(unsynced)) + 1)
			switch next(3) {
			case 0:
				return nil
			case 1:
				return unsynced[:kept]
			default:
				clear(unsynced[kept:])
				return unsynced
			}
		},
		Keep: func(string) bool { return next(2) == 0 },
	})
	return unsyncedBytes
}

// rotLog flips a bit of the log, in a batch that another batch follows, so that it cannot pass for
// the torn end of the log. It returns the place, and false if there is none.
func (n *node) rotLog(random uint64) (place string, ok bool) {
	const name = "log"
	data, ok := n.files.Contents(name)
	if !ok {
		return "", false
	}
	spans, err := wal.Spans(data)
	if err != nil || len(spans) < 2 {
		return "", false
	}
	span := spans[below(random, uint64(len(spans)-1))]
	bit := below(mix(random, 1), uint64(span.Bytes)*8)
	at := uint64(span.Offset) + bit/8
	data[at] ^= 1 << (bit % 8)
	n.files.Put(name, data)
	return fmt.Sprintf("bit %d of byte %d of %d", bit%8, at, len(data)), true
}

// milliseconds writes a virtual time for people.
func milliseconds(ns int64) string {
	return time.Duration(ns).Round(10 * time.Microsecond).String()
}
