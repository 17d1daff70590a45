package harness

import (
	"container/heap"
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
)

// A fake is an environment in virtual time with one correct copy of the data, whose failings a test
// turns on one by one. It exists to test the loop, and nothing but the loop.
type fake struct {
	now    time.Duration
	events eventHeap
	order  int
	values map[string]history.Value
	nodes  []string
	onExit func(node, detail string, byItself bool)
	// onFailure tells the loop of the environment's end.
	onFailure func(error)
	// unable holds why a kind of fault cannot be injected.
	unable map[nemesis.Kind]error
	steps  int
	closed bool

	// latency is how long an operation takes, faultLatency how long a fault does.
	latency, faultLatency time.Duration
	// refuse tells which operations are refused, before they have any effect.
	refuse func(op history.Operation) bool
	// hangs tells whether an operation that is called now is never answered.
	hangs func() bool
	// answer may change how an operation ends.
	answer func(op history.Operation, r history.Result) history.Result
	// evidence and healed are what faults come to.
	inject, heal func(f nemesis.Fault) (history.Evidence, error)
	probe        func(node string) error
	closeError   error
	// interrupt is called at its time.
	interruptAt time.Duration
	interrupt   context.CancelFunc
}

var shown = history.Evidence{Shown: true, Measurements: []history.Measurement{{
	Subject: "n1", What: "state", When: "during", Value: "dead", Shows: true,
}}}

func newFake() *fake {
	well := func(nemesis.Fault) (history.Evidence, error) { return shown, nil }
	return &fake{
		values: make(map[string]history.Value), nodes: []string{"n1", "n2", "n3"},
		latency: 2 * time.Millisecond, faultLatency: time.Millisecond, inject: well, heal: well,
		refuse: func(history.Operation) bool { return false },
		hangs:  func() bool { return false },
		probe:  func(string) error { return nil },
		answer: func(_ history.Operation, r history.Result) history.Result { return r },
	}
}

type event struct {
	at    time.Duration
	order int
	run   func()
}

type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(*event)) }
func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

func (f *fake) Describe() map[string]string { return map[string]string{"name": "fake"} }
func (f *fake) Nodes() []string             { return f.nodes }
func (f *fake) Now() time.Duration          { return f.now }

func (f *fake) After(d time.Duration, run func()) func() {
	f.order++
	e := &event{at: f.now + max(d, 0), order: f.order, run: run}
	heap.Push(&f.events, e)
	return func() { e.run = nil }
}

func (f *fake) Step(ctx context.Context) error {
	if f.interrupt != nil && f.now >= f.interruptAt {
		f.interrupt()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.steps++; f.steps > 5_000_000 || len(f.events) == 0 {
		return errors.New("the loop does not end")
	}
	e := heap.Pop(&f.events).(*event)
	f.now = e.at
	if e.run != nil {
		e.run()
	}
	return nil
}

func (f *fake) Invoke(
	op history.Operation, timeout time.Duration, done func(history.Result),
) {
	if f.hangs() {
		f.After(timeout, func() {
			done(history.Result{Outcome: history.Info, Error: "timed out"})
		})
		return
	}
	f.After(f.latency, func() {
		result := history.Result{Outcome: history.Fail, Error: "connection refused"}
		if !f.refuse(op) {
			result = f.apply(op)
		}
		f.After(f.latency, func() { done(f.answer(op, result)) })
	})
}

func (f *fake) apply(op history.Operation) history.Result {
	held := f.values[op.Key]
	result := history.Result{Outcome: history.OK}
	switch op.Kind {
	case history.Write:
		f.values[op.Key] = op.Value
	case history.CompareAndSet:
		if result.Applied = held == op.Expected; result.Applied {
			f.values[op.Key] = op.Value
		} else {
			result.Returned = held
		}
	case history.Propose:
		if !held.IsSet() {
			f.values[op.Key] = op.Value
		}
		result.Returned = f.values[op.Key]
	default:
		result.Returned = held
	}
	return result
}

func (f *fake) Inject(fault nemesis.Fault, done func(history.Evidence, error)) {
	f.After(f.faultLatency, func() { done(f.inject(fault)) })
}

func (f *fake) Heal(fault nemesis.Fault, done func(history.Evidence, error)) {
	f.After(f.faultLatency, func() { done(f.heal(fault)) })
}

func (f *fake) Probe(node string, done func(error)) {
	f.After(time.Millisecond, func() { done(f.probe(node)) })
}

func (f *fake) OnExit(call func(node, detail string, byItself bool)) { f.onExit = call }

func (f *fake) OnFailure(call func(error)) { f.onFailure = call }

func (f *fake) Unable(kind nemesis.Kind) error { return f.unable[kind] }

func (f *fake) CollectLogs(_ context.Context, dir string) error {
	return os.WriteFile(filepath.Join(dir, "n1.log"), []byte("started\n"), 0o644)
}

func (f *fake) Close(context.Context) error {
	f.closed = true
	return f.closeError
}
