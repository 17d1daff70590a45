package server

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ordeal/node/replica"
	"ordeal/node/store"
	"ordeal/node/wal"
)

// ErrDisk is wrapped by the error of a write or sync that failed. Nothing was tried again.
var ErrDisk = errors.New("the disk failed")

// A disk is the goroutine that owns the log. It gathers what has queued into one batch with one
// sync: the slower the disk, the larger the batches.
type disk struct {
	log     *wal.Log
	encoder store.Encoder
	logger  *slog.Logger
	count   *instruments

	mutex sync.Mutex
	queue []replica.Persist

	// wake and progress hold one token at most: there is something to write; more is synced.
	wake, progress chan struct{}
	// synced is how many of the Persists, in the order of their queueing, are durable, or written,
	// where they ask for no more.
	synced atomic.Uint64
	// logBytes is the log's length, for the metrics.
	logBytes atomic.Int64
	stopping chan struct{}
	done     chan struct{}
}

func newDisk(log *wal.Log, logger *slog.Logger, count *instruments) *disk {
	return &disk{
		log:      log,
		logger:   logger,
		count:    count,
		wake:     make(chan struct{}, 1),
		progress: make(chan struct{}, 1),
		stopping: make(chan struct{}),
		done:     make(chan struct{}),
	}
}

// persist queues what must be written. It never blocks.
func (d *disk) persist(p replica.Persist) {
	d.mutex.Lock()
	d.queue = append(d.queue, p)
	d.mutex.Unlock()
	notify(d.wake)
}

// run writes until stop is called, and then what has queued by then, and closes the log. Its first
// failure goes to fatal, and nothing is tried after it.
func (d *disk) run(fatal chan<- error) {
	defer close(d.done)
	// Closing makes nothing durable, so that its error says nothing.
	defer func() { _ = d.log.Close() }()
	for {
		stopping := false
		select {
		case <-d.wake:
		case <-d.stopping:
			stopping = true
		}
		if err := d.flush(); err != nil {
			fatal <- fmt.Errorf("%w: %w", ErrDisk, err)
			return
		}
		if stopping {
			return
		}
	}
}

// stop ends run once everything that has queued is on disk as it asked to be, and waits for that at
// most so long.
func (d *disk) stop(wait time.Duration) error {
	close(d.stopping)
	select {
	case <-d.done:
		return nil
	case <-time.After(wait):
		return fmt.Errorf("%w: the last sync did not end within %s", ErrDisk, wait)
	}
}

// flush makes what has queued durable, as far as it asks to be.
func (d *disk) flush() error {
	d.mutex.Lock()
	queue := d.queue
	d.queue = nil
	d.mutex.Unlock()
	for len(queue) > 0 {
		batch := d.encoder.NextBatch(queue)
		taken := queue[:len(batch)]
		queue = queue[len(batch):]
		if err := d.write(batch, store.MustSync(taken)); err != nil {
			return err
		}
		d.synced.Add(uint64(len(batch)))
		notify(d.progress)
	}
	d.logBytes.Store(d.log.Size())
	if size := d.log.Size(); store.SnapshotDue(d.log, store.SnapshotLogBytes) {
		start := time.Now()
		if err := d.log.Snapshot(); err != nil {
			return err
		}
		d.logger.Info("snapshot taken", "log_bytes", size,
			"snapshot_bytes", d.log.SnapshotSize(), "took", time.Since(start))
	}
	return nil
}

// write appends a batch, and syncs it if it must be.
func (d *disk) write(batch []wal.Record, sync bool) error {
	start := time.Now()
	// The batch before may have been left unsynced; mostly this does nothing.
	if err := d.log.Sync(); err != nil {
		return err
	}
	if err := d.log.Append(batch); err != nil {
		return err
	}
	d.count.batches.Observe(float64(len(batch)))
	if !sync {
		return nil
	}
	if err := d.log.Sync(); err != nil {
		return err
	}
	d.count.syncs.Observe(time.Since(start).Seconds())
	return nil
}

// notify leaves a token, unless one is there already.
func notify(token chan<- struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}
