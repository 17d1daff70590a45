package history

import (
	"cmp"
	"slices"
	"time"
)

// Operations pairs the invocations of a history with their completions: it returns every
// operation that was called, in the order of the calls. One without a completion is of unknown
// outcome, with the time at which the record ends as that of its return. The events must be a
// history, as a Reader returns it.
func Operations(events []Event) []Operation {
	calls := 0
	for i := range events {
		if events[i].Type == TypeInvoke {
			calls++
		}
	}
	operations := make([]Operation, 0, calls)
	// The places of the operations in flight.
	open := map[int64]int{}
	var end time.Duration
	for i := range events {
		e := &events[i]
		end = e.Time
		switch e.Type {
		case TypeInvoke:
			open[e.Operation.ID] = len(operations)
			operations = append(operations, *e.Operation)
			op := &operations[len(operations)-1]
			op.Call, op.CallTime = e.Index, e.Time
		case TypeOK, TypeFail, TypeInfo:
			place, ok := open[e.Operation.ID]
			if !ok {
				continue
			}
			operations[place].complete(e.Operation.Result, e.Index, e.Time)
			delete(open, e.Operation.ID)
		}
	}
	for _, place := range open {
		operations[place].giveUp(end)
	}
	return operations
}

// giveUp makes op, which is in flight, what it is if the record ends now: of unknown outcome.
func (op *Operation) giveUp(now time.Duration) {
	op.complete(Result{Outcome: Info, Error: "no completion was recorded"}, NoReturn, now)
}

// pending returns the operations in flight as given up now, in the order of their calls.
func pending(flights []*flight, now time.Duration) []Operation {
	operations := make([]Operation, 0, len(flights))
	for _, f := range flights {
		op := f.op
		op.giveUp(now)
		operations = append(operations, op)
	}
	slices.SortFunc(operations, func(a, b Operation) int { return cmp.Compare(a.Call, b.Call) })
	return operations
}
