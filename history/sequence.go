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
// Its memory is the operations in flight, and which processes ended and which numbers of operations
// were used, in stretches.
type sequence struct {
	next    int64
	last    time.Duration
	lastOp  int64
	invoked numbers
	// calls counts the invocations.
	calls int
	// processes has what each busy process has in flight; ended are those that call no more.
	processes map[int]*flight
	ended     numbers
	// landed are flights that can be used again.
	landed []*flight
}

// A flight is an operation between its invocation and its completion.
type flight struct {
	op Operation
	// place is the operation's among all that were invoked, from 0.
	place int
}

// What may stand in a history.
var (
	types  = []Type{TypeInvoke, TypeOK, TypeFail, TypeInfo, TypeFault, TypeMark}
	kinds  = []Kind{Read, Write, CompareAndSet, Propose, Learn}
	phases = []Phase{Invoked, Injected, Skipped, Healing, Healed, Indeterminate}
)

func newSequence() *sequence {
	return &sequence{processes: map[int]*flight{}}
}

// add checks e as the next event. For an operation it fills in Call, Return and their times, and
// for a completion everything that only the invocation says; and it returns the place of the
// operation among all that were invoked, from 0. After an error nothing has changed.
func (s *sequence) add(e *Event) (place int, err error) {
	if e.Index != s.next {
		return 0, fmt.Errorf("the index is %d (accepted: %d, as indices count from 0 without gaps)",
			e.Index, s.next)
	}
	if e.Time < s.last {
		return 0, fmt.Errorf("the time goes back from %v to %v (accepted: times that never do)",
			s.last, e.Time)
	}
	switch e.Type {
	case TypeInvoke:
		place, err = s.invoke(e)
	case TypeOK, TypeFail, TypeInfo:
		place, err = s.complete(e)
	case TypeFault:
		err = checkFault(e.Fault)
	case TypeMark:
		err = checkMark(e.Mark)
	default:
		err = unknownType(e.Type)
	}
	if err != nil {
		return 0, err
	}
	s.next++
	s.last = e.Time
	return place, nil
}

func (s *sequence) invoke(e *Event) (place int, err error) {
	op := e.Operation
	if err := s.checkCall(op); err != nil {
		return 0, err
	}
	op.Call, op.CallTime = e.Index, e.Time
	op.Return, op.ReturnTime = NoReturn, 0
	s.processes[op.Process] = s.takeOff(op)
	s.lastOp = op.ID
	s.invoked.add(op.ID)
	s.calls++
	return s.calls - 1, nil
}

// checkCall checks that op may be invoked now.
func (s *sequence) checkCall(op *Operation) error {
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
	current, busy := s.processes[op.Process]
	switch {
	case !busy && !s.ended.has(int64(op.Process)):
		return nil
	case !busy:
		return fmt.Errorf("process %d calls operation %d after one of unknown outcome "+
			"(accepted: a new process)", op.Process, op.ID)
	}
	return fmt.Errorf("process %d calls operation %d while its operation %d is in flight "+
		"(accepted: one at a time)", op.Process, op.ID, current.op.ID)
}

// takeOff returns a flight of op, which was invoked after all others.
func (s *sequence) takeOff(op *Operation) *flight {
	var f *flight
	if last := len(s.landed) - 1; last >= 0 {
		f, s.landed = s.landed[last], s.landed[:last]
	} else {
		f = new(flight)
	}
	f.op, f.place = *op, s.calls
	return f
}

func (s *sequence) complete(e *Event) (place int, err error) {
	said := e.Operation
	if said == nil {
		return 0, fmt.Errorf("a completion needs an operation")
	}
	f := s.processes[said.Process]
	if f == nil || f.op.ID != said.ID {
		return 0, s.notInFlight(said)
	}
	invoked := &f.op
	switch {
	case said.Node != invoked.Node || said.Kind != invoked.Kind || said.Key != invoked.Key:
		return 0, fmt.Errorf("operation %d completes as %s of %q at %q "+
			"(accepted: as invoked, %s of %q at %q)", said.ID, said.Kind, said.Key, said.Node,
			invoked.Kind, invoked.Key, invoked.Node)
	case said.Outcome != Outcome(e.Type):
		return 0, fmt.Errorf("operation %d ended %q, but the type of the event is %q",
			said.ID, said.Outcome, e.Type)
	}
	result := said.Result
	*said = *invoked
	said.complete(result, e.Index, e.Time)
	delete(s.processes, said.Process)
	if said.Outcome == Info {
		s.ended.add(int64(said.Process))
	}
	s.landed = append(s.landed, f)
	return f.place, nil
}

// notInFlight says what is wrong with a completion by a process that did not call the operation.
func (s *sequence) notInFlight(said *Operation) error {
	for process, f := range s.processes {
		if f.op.ID == said.ID {
			return fmt.Errorf("operation %d completes for process %d "+
				"(accepted: %d, which invoked it)", said.ID, said.Process, process)
		}
	}
	if s.invoked.has(said.ID) {
		return fmt.Errorf("operation %d completes a second time", said.ID)
	}
	return fmt.Errorf("operation %d completes without having been invoked", said.ID)
}

// inFlight returns the operations in flight, in no order.
func (s *sequence) inFlight() []*flight {
	var all []*flight
	for _, f := range s.processes {
		all = append(all, f)
	}
	return all
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
