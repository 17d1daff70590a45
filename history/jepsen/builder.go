package jepsen

import (
	"fmt"
	"math"
	"time"

	"ordeal/history"
)

// A builder makes a history of what a file says happened. What is in the file is an event each, so
// that the index of an event counts them as the file does; only initial values come on top.
type builder struct {
	name   string
	events []history.Event
	// open are the operations in flight, by the process that the file names.
	open map[int64]call
	// processes maps those that the file names to those of the history.
	processes map[int64]int
	used      int
	lastID    int64
	now       time.Duration

	// initial is written to every key before anything else; started are the keys that have it.
	initial history.Value
	started map[string]struct{}

	nilReads, others int
}

// A call is an operation in flight.
type call struct {
	// event is the index of its invocation.
	event int
	line  int
	// text is the whole value as it was called.
	text string
}

func newBuilder(name string, initial history.Value) *builder {
	return &builder{
		name: name, initial: initial, open: map[int64]call{}, processes: map[int64]int{},
		started: map[string]struct{}{},
	}
}

func (b *builder) fail(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: "+format, append([]any{b.name, line}, args...)...)
}

// at moves the time on. Times are for people: the order of the file is the order, and where the
// times of several threads contradict it by a little, the time stands still.
func (b *builder) at(nanoseconds int64) { b.now = max(b.now, time.Duration(nanoseconds)) }

func (b *builder) add(e history.Event) {
	e.Index, e.Time = int64(len(b.events)), b.now
	b.events = append(b.events, e)
}

// idle refuses a call of a process that has one in flight.
func (b *builder) idle(line int, process int64) error {
	if before, busy := b.open[process]; busy {
		return b.fail(line, "process %d calls an operation while that of line %d is in flight "+
			"(accepted: one at a time)", process, before.line)
	}
	return nil
}

// invoke adds a call of op by a process that is idle. Its client is the process that the file
// names.
func (b *builder) invoke(line int, process int64, op history.Operation, text string) error {
	if process < 0 || process > math.MaxInt {
		return b.fail(line, "the process is %d (accepted: from 0 on)", process)
	}
	b.begin(op.Key)
	number, known := b.processes[process]
	if !known {
		number = b.process()
		b.processes[process] = number
	}
	b.open[process] = call{event: len(b.events), line: line, text: text}
	op.Process, op.Client = number, int(process)
	b.called(op)
	return nil
}

// process returns a number that no process has.
func (b *builder) process() int {
	b.used++
	return b.used - 1
}

func (b *builder) called(op history.Operation) {
	b.lastID++
	op.ID, op.Call, op.CallTime, op.Return = b.lastID, int64(len(b.events)), b.now, history.NoReturn
	b.add(history.Event{Type: history.TypeInvoke, Operation: &op})
}

// initialClient is the client that writes the initial values. No process of a file is negative.
const initialClient = -1

// begin writes the initial value of a key at its first operation. That this write is over before
// anything else of the key is called makes it the first in every legal order, so that what follows
// is judged exactly as if the key had held the value from the start. What happens to the other keys
// meanwhile does not matter, because linearizability is local: each key is judged for itself.
func (b *builder) begin(key string) {
	if !b.initial.IsSet() {
		return
	}
	if _, done := b.started[key]; done {
		return
	}
	b.started[key] = struct{}{}
	event := len(b.events)
	b.called(history.Operation{
		Process: b.process(), Client: initialClient, Kind: history.Write, Key: key, Value: b.initial,
	})
	b.returned(event, history.Result{Outcome: history.OK})
}

// inFlight returns the operation of a process that completes.
func (b *builder) inFlight(line int, process int64, kind history.Kind) (call, error) {
	c, busy := b.open[process]
	if !busy {
		return call{}, b.fail(line, "process %d completes an operation without having called one",
			process)
	}
	if called := b.events[c.event].Operation.Kind; called != kind {
		return call{}, b.fail(line, "process %d completes a %s, and called a %s in line %d",
			process, kind, called, c.line)
	}
	return c, nil
}

// complete ends the operation of a process. After one of unknown outcome the process goes on under
// another number, if it goes on.
func (b *builder) complete(process int64, r history.Result) {
	c := b.open[process]
	delete(b.open, process)
	if r.Outcome == history.Info {
		delete(b.processes, process)
	}
	b.returned(c.event, r)
}

// returned adds the completion of the operation that an event called.
func (b *builder) returned(event int, r history.Result) {
	op := *b.events[event].Operation
	op.Result, op.Return, op.ReturnTime = r, int64(len(b.events)), b.now
	if r.Outcome == history.Info {
		op.Return = history.NoReturn
	}
	b.add(history.Event{Type: history.Type(r.Outcome), Operation: &op})
}

// The names of the marks that stand in the place of what is no operation of a register.
const (
	markNilRead = "read-of-nil"
	markOther   = "other-process"
)

// leaveOut makes marks of the read of a process that was told nil, so that nothing is judged by it.
func (b *builder) leaveOut(process int64) {
	c := b.open[process]
	delete(b.open, process)
	b.nilReads++
	detail := fmt.Sprintf("process %d", process)
	e := &b.events[c.event]
	e.Type, e.Operation = history.TypeMark, nil
	e.Mark = &history.Mark{Name: markNilRead, Detail: detail}
	b.add(history.Event{
		Type: history.TypeMark, Mark: &history.Mark{Name: markNilRead, Detail: detail},
	})
}

// other adds a mark for what a process did that is no client.
func (b *builder) other(detail string) {
	b.others++
	b.add(history.Event{
		Type: history.TypeMark, Mark: &history.Mark{Name: markOther, Detail: detail},
	})
}

// history returns what was built, which a cut ended if it is not "".
func (b *builder) history(cut string) history.History {
	return history.History{
		Header: history.Header{
			Format: history.Format, Version: history.Version, Model: "register",
		},
		Events: b.events, Cut: cut,
	}
}
