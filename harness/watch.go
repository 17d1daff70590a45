package harness

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"ordeal/history"
)

const (
	// dueAfter is how long a small key may wait after an operation on it, and how long nothing was
	// called on a large one that counts as retired. A workload may come back to a key at any time;
	// then it counts as live again.
	dueAfter = time.Second
	// recheckFrom is how many operations make a key a large one. While it is live it is judged when
	// it has so many, and then whenever it has twice as many: all these checks together judge each
	// operation twice.
	recheckFrom = 1000
	// batchMax is how many operations a batch has, unless its first key alone has more.
	batchMax = 1 << 14
	// heldMax is how many operations a watch holds: some 60 to 120 MB, as blocks are filled.
	heldMax = 1 << 18
	// restTimes is how many times as long as for a batch the judge rests after it: so it takes a
	// tenth of one processor at the most.
	restTimes = 9
)

// A watch judges keys while the run goes on, on a goroutine of its own, so that a violation is
// known soon after it happened. It decides nothing: all keys are judged at the end, whatever was
// found.
//
// A key is due when it has retired, which is when none of its operations is in flight and none was
// called for a while. While it is small it is also due about once a second, if something ended on
// it: a workload may use it for ever. Those that are due come first, the longest waiting before the
// others. A large live key is judged when its number of operations has doubled, as far as none is
// due. One batch is judged at a time, and the loop never waits for it: keys that are due meanwhile
// wait, once each, and are judged with what they have by then. What waits when the load ends is
// judged with the rest.
//
// The operations of a key are held from the first on. They are let go when the key has retired and
// was judged with all of them, and where heldMax are held in all, those of the key that has waited
// longest. Of a key that was let go nothing is judged before the end any more, also if a workload
// comes back to it: a part of a key that does not begin with its first operation tells nothing.
//
// After the first violation nothing more is judged or held: the run's verdict is known.
//
// All methods belong to the loop.
type watch struct {
	log     *slog.Logger
	pending func() []history.Operation
	// illegal returns the keys of a batch that violate.
	illegal func(context.Context, batch) ([]string, error)
	// inline lets batches be judged by the loop itself.
	inline bool
	holdings

	// busy tells that a batch is being judged; there is none before restUntil. What is to be spared
	// is the processor, so that this is a time of the wall clock, also where the run's is virtual.
	busy      bool
	restUntil time.Time
	// over tells that nothing more is to be judged.
	over bool

	// Each channel holds one, so that neither side ever waits for the other to take it.
	batches  chan batch
	outcomes chan outcome
	finished chan struct{}
	ctx      context.Context
	cancel   context.CancelFunc
}

// An outcome is what came of a batch.
type outcome struct {
	illegal   []string
	err       error
	restUntil time.Time
}

// newWatch returns a watch over operations, of which pending returns those in flight. It has to be
// closed. With inline the loop judges by itself, and waits meanwhile: then what is found, and when,
// depends on nothing but the operations.
func newWatch(
	ctx context.Context, illegal func(context.Context, batch) ([]string, error),
	pending func() []history.Operation, log *slog.Logger, inline bool,
) *watch {
	w := &watch{
		log: log, pending: pending, illegal: illegal, inline: inline, holdings: newHoldings(heldMax),
		batches: make(chan batch, 1), outcomes: make(chan outcome, 1),
		finished: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(ctx)
	go w.work()
	return w
}

// close ends the goroutine, and what it is judging, and waits for that.
func (w *watch) close() {
	w.cancel()
	close(w.batches)
	<-w.finished
	if w.pushedOut > 0 {
		w.log.Info("keys were left to the end, since more waited to be judged than were held",
			"keys", w.pushedOut)
	}
	w.end()
}

// end lets go of everything: nothing more is judged.
func (w *watch) end() {
	w.over = true
	w.holdings = newHoldings(heldMax)
}

// work judges one batch after the other. It is the goroutine.
func (w *watch) work() {
	defer close(w.finished)
	for b := range w.batches {
		began := time.Now()
		o := w.judge(b)
		ended := time.Now()
		o.restUntil = ended.Add(restTimes * ended.Sub(began))
		w.outcomes <- o
	}
}

// judge judges a batch. That it fails must not end the run, which is judged again anyway.
func (w *watch) judge(b batch) (o outcome) {
	defer func() {
		if reason := recover(); reason != nil {
			o.err = fmt.Errorf("panic: %v", reason)
		}
	}()
	o.illegal, o.err = w.illegal(w.ctx, b)
	return o
}

// called notes that an operation is called on a key, and returns the key for when it ends.
func (w *watch) called(name string, now time.Duration) *watched {
	if w.over {
		return w.gone
	}
	k := w.keys[name]
	if k == nil {
		k = &watched{name: name, recheck: recheckFrom}
		w.keys[name] = k
	}
	k.inFlight++
	k.lastCall = now
	return k
}

// ended notes that an operation of a key ended.
func (w *watch) ended(k *watched, op *history.Operation, now time.Duration) {
	k.inFlight--
	if w.over || k.gone {
		return
	}
	before := w.pushedOut
	w.hold(k, op, now)
	if before == 0 && w.pushedOut > 0 {
		w.log.Warn("keys are left to the end: more operations wait to be judged than are held",
			"at most", w.most)
	}
}

// look returns a key that was found to violate, and has the next batch judged if none is. It never
// waits, unless the watch is inline.
func (w *watch) look(now time.Duration) (key string, found bool) {
	key, found = w.hear()
	if w.over || w.busy || !w.inline && time.Now().Before(w.restUntil) {
		return key, found
	}
	b := w.next(now)
	if len(b.keys) == 0 {
		return key, found
	}
	w.busy = true
	if !w.inline {
		w.batches <- b
		return key, found
	}
	w.outcomes <- w.judge(b)
	return w.hear()
}

// hear takes what came of a batch, if that is there.
func (w *watch) hear() (key string, found bool) {
	select {
	case o := <-w.outcomes:
		w.busy, w.restUntil = false, o.restUntil
		w.wasJudged()
		if o.err != nil && w.ctx.Err() == nil {
			w.log.Warn("no keys are judged any more before the end", "error", o.err)
			w.end()
		}
		if len(o.illegal) > 0 {
			w.end()
			return o.illegal[0], true
		}
	default:
	}
	return "", false
}

// next returns the batch that is to be judged now.
func (w *watch) next(now time.Duration) batch {
	w.letGoOfRetired(now)
	w.findDue(now)
	b, size := batch{}, 0
	for len(w.due) > 0 && (size == 0 || size+w.due[0].ops.count <= batchMax) {
		k := w.due[0]
		w.due = w.due[1:]
		k.listed = false
		size += w.add(&b, k)
	}
	if len(w.due) == 0 {
		for _, k := range w.open {
			if k.ops.count >= k.recheck && (size == 0 || size+k.ops.count <= batchMax) {
				size += w.add(&b, k)
			}
		}
	}
	w.addPending(&b)
	return b
}

// add puts a key into a batch, and returns how many operations it has there.
func (w *watch) add(b *batch, k *watched) int {
	size := k.ops.count
	for k.recheck <= size {
		k.recheck *= 2
	}
	switch {
	case k.gone:
		return 0
	case size == k.judged:
		w.judged = append(w.judged, k)
		return 0
	}
	w.judging = append(w.judging, k)
	k.judged = size
	b.keys = append(b.keys, batchKey{name: k.name, ops: k.ops.copy()})
	return size
}

// addPending puts what is in flight on the keys of a batch into it.
func (w *watch) addPending(b *batch) {
	inFlight := make(map[string]bool)
	for _, key := range b.keys {
		if w.keys[key.name].inFlight > 0 {
			inFlight[key.name] = true
		}
	}
	if len(inFlight) == 0 {
		return
	}
	for _, op := range w.pending() {
		if inFlight[op.Key] {
			b.pending = append(b.pending, op)
		}
	}
}
