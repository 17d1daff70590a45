package history

import (
	"fmt"
	"slices"
	"time"
)

// A sequence holds the rules that make a list of events a history. Writer and Reader apply the
// same ones, so that nothing is written that could not be read:
//
//   - indices count from 0 without gaps, and times never go back;
//   - operations are numbered in the order of their invocations;
//   - an operation is invoked once and completed at most once, by the process that invoked it;
//   - a process calls one operation at a time, and none after one of unknown outcome.
//
// Its memory is the operations in flight and the processes that ended.
type sequence struct {
	next    int64
	last    time.Duration
	lastOp  int64
	open    map[int64]*Operation
	busy    map[int]int64
	retired map[int]struct{}
}

func newSequence() *sequence {
	return &sequence{
		open: map[int64]*Operation{}, busy: map[int]int64{}, retired: map[int]struct{}{},
	}
}

// add checks e as the next event. For an operation it fills in Call, Return and their times, and
// for a completion everything that only the invocation says. After an error nothing has changed.
func (s *sequence) add(e *Event) error {
	if e.Index != s.next {
		return fmt.Errorf("the index is %d, want %d", e.Index, s.next)
	}
	if e.Time < s.last {
		return fmt.Errorf("the time goes back from %v to %v", s.last, e.Time)
	}
	var err error
	switch e.Type {
	case TypeInvoke:
		err = s.invoke(e)
	case TypeOK, TypeFail, TypeInfo:
		err = s.complete(e)
	case TypeFault:
		err = checkFault(e.Fault)
	case TypeMark:
		err = checkMark(e.Mark)
	default:
		err = fmt.Errorf("the type of event %q is not known", e.Type)
	}
	if err != nil {
		return err
	}
	s.next++
	s.last = e.Time
	return nil
}

func (s *sequence) invoke(e *Event) error {
	op := e.Operation
	switch {
	case op == nil:
		return fmt.Errorf("an invocation needs an operation")
	case !slices.Contains([]Kind{Read, Write, CompareAndSet, Propose, Learn}, op.Kind):
		return fmt.Errorf("the kind of operation %q is not known", op.Kind)
	case op.Key == "":
		return fmt.Errorf("operation %d has no key", op.ID)
	case op.ID <= s.lastOp:
		return fmt.Errorf("operation %d comes after operation %d, but the numbers must rise",
			op.ID, s.lastOp)
	}
	if open, busy := s.busy[op.Process]; busy {
		return fmt.Errorf("process %d calls operation %d while its operation %d is in flight",
			op.Process, op.ID, open)
	}
	if _, retired := s.retired[op.Process]; retired {
		return fmt.Errorf("process %d calls operation %d after one of unknown outcome",
			op.Process, op.ID)
	}
	op.Call, op.CallTime = e.Index, e.Time
	op.Return, op.ReturnTime = NoReturn, 0
	kept := *op
	s.open[op.ID] = &kept
	s.busy[op.Process] = op.ID
	s.lastOp = op.ID
	return nil
}

func (s *sequence) complete(e *Event) error {
	if e.Operation == nil {
		return fmt.Errorf("a completion needs an operation")
	}
	said := e.Operation
	invoked, ok := s.open[said.ID]
	switch {
	case !ok:
		return fmt.Errorf("operation %d is not in flight", said.ID)
	case said.Process != invoked.Process || said.Node != invoked.Node ||
		said.Kind != invoked.Kind || said.Key != invoked.Key:
		return fmt.Errorf("operation %d was invoked with another process, node, kind or key",
			said.ID)
	case said.Outcome != Outcome(e.Type):
		return fmt.Errorf("operation %d ended %q, but the type of the event is %q",
			said.ID, said.Outcome, e.Type)
	}
	whole := *invoked
	whole.complete(said.Result, e.Index, e.Time)
	e.Operation = &whole
	delete(s.open, whole.ID)
	delete(s.busy, whole.Process)
	if whole.Outcome == Info {
		s.retired[whole.Process] = struct{}{}
	}
	return nil
}

// complete says how op ended, and when.
func (op *Operation) complete(r Result, index int64, now time.Duration) {
	op.Result, op.ReturnTime = r, now
	op.Return = index
	if r.Outcome == Info {
		op.Return = NoReturn
	}
}

func checkFault(f *Fault) error {
	if f == nil || f.ID == "" {
		return fmt.Errorf("a fault needs an id")
	}
	phases := []Phase{Invoked, Injected, Skipped, Healing, Healed, Indeterminate}
	if !slices.Contains(phases, f.Phase) {
		return fmt.Errorf("the phase %q of fault %s is not known", f.Phase, f.ID)
	}
	return nil
}

func checkMark(m *Mark) error {
	if m == nil || m.Name == "" {
		return fmt.Errorf("a mark needs a name")
	}
	return nil
}
