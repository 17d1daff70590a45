package history

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A sequence holds the rules that make a list of events a history. Writer and Reader apply the
// same ones, so that nothing is written that could not be read:
//
//   - indices count from 0 without gaps, and times never go back;
//   - operations are numbered in the order of their invocations;
//   - an operation is invoked once and completed at most once, by the process that invoked it;
//   - a process calls one operation at a time, and none after one of unknown outcome.
//
// Its memory is the operations in flight, the processes that ended, and which numbers of operations
// were used, in stretches.
type sequence struct {
	next    int64
	last    time.Duration
	lastOp  int64
	invoked numbers
	open    map[int64]*Operation
	busy    map[int]int64
	retired map[int]struct{}
}

// What may stand in a history.
var (
	types  = []Type{TypeInvoke, TypeOK, TypeFail, TypeInfo, TypeFault, TypeMark}
	kinds  = []Kind{Read, Write, CompareAndSet, Propose, Learn}
	phases = []Phase{Invoked, Injected, Skipped, Healing, Healed, Indeterminate}
)

func newSequence() *sequence {
	return &sequence{
		open: map[int64]*Operation{}, busy: map[int]int64{}, retired: map[int]struct{}{},
	}
}

// add checks e as the next event. For an operation it fills in Call, Return and their times, and
// for a completion everything that only the invocation says. After an error nothing has changed.
func (s *sequence) add(e *Event) error {
	if e.Index != s.next {
		return fmt.Errorf("the index is %d (accepted: %d, as indices count from 0 without gaps)",
			e.Index, s.next)
	}
	if e.Time < s.last {
		return fmt.Errorf("the time goes back from %v to %v (accepted: times that never do)",
			s.last, e.Time)
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
		err = unknownType(e.Type)
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
	case !slices.Contains(kinds, op.Kind):
		return fmt.Errorf("the kind of operation %q is not known (accepted: %s)",
			op.Kind, list(kinds))
	case op.Key == "":
		return fmt.Errorf("operation %d has no key", op.ID)
	case !utf8.ValidString(op.Key):
		return fmt.Errorf("the key %q of operation %d is not UTF-8", op.Key, op.ID)
	case op.ID < 1:
		return fmt.Errorf("the number of an operation is %d (accepted: from 1 on)", op.ID)
	case s.invoked.has(op.ID):
		return fmt.Errorf("operation %d is invoked a second time", op.ID)
	case op.ID < s.lastOp:
		return fmt.Errorf("operation %d is invoked after operation %d "+
			"(accepted: numbers that rise)", op.ID, s.lastOp)
	}
	if open, busy := s.busy[op.Process]; busy {
		return fmt.Errorf("process %d calls operation %d while its operation %d is in flight "+
			"(accepted: one at a time)", op.Process, op.ID, open)
	}
	if _, retired := s.retired[op.Process]; retired {
		return fmt.Errorf("process %d calls operation %d after one of unknown outcome "+
			"(accepted: a new process)", op.Process, op.ID)
	}
	op.Call, op.CallTime = e.Index, e.Time
	op.Return, op.ReturnTime = NoReturn, 0
	kept := *op
	s.open[op.ID] = &kept
	s.busy[op.Process] = op.ID
	s.lastOp = op.ID
	s.invoked.add(op.ID)
	return nil
}

func (s *sequence) complete(e *Event) error {
	if e.Operation == nil {
		return fmt.Errorf("a completion needs an operation")
	}
	said := e.Operation
	invoked, ok := s.open[said.ID]
	switch {
	case !ok && s.invoked.has(said.ID):
		return fmt.Errorf("operation %d completes a second time", said.ID)
	case !ok:
		return fmt.Errorf("operation %d completes without having been invoked", said.ID)
	case said.Process != invoked.Process:
		return fmt.Errorf("operation %d completes for process %d (accepted: %d, which invoked it)",
			said.ID, said.Process, invoked.Process)
	case said.Node != invoked.Node || said.Kind != invoked.Kind || said.Key != invoked.Key:
		return fmt.Errorf("operation %d completes as %s of %q at %q "+
			"(accepted: as invoked, %s of %q at %q)", said.ID, said.Kind, said.Key, said.Node,
			invoked.Kind, invoked.Key, invoked.Node)
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
	if !slices.Contains(phases, f.Phase) {
		return fmt.Errorf("the phase %q of fault %s is not known (accepted: %s)",
			f.Phase, f.ID, list(phases))
	}
	return nil
}

func checkMark(m *Mark) error {
	if m == nil || m.Name == "" {
		return fmt.Errorf("a mark needs a name")
	}
	return nil
}

func unknownType(t Type) error {
	return fmt.Errorf("the type of event %q is not known (accepted: %s)", t, list(types))
}

// list names what is accepted.
func list[T ~string](all []T) string {
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = string(one)
	}
	return strings.Join(names, ", ")
}
