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
	open := map[int64]*Operation{}
	operations := make([]Operation, 0, len(events)/2)
	var end time.Duration
	for _, e := range events {
		end = e.Time
		switch e.Type {
		case TypeInvoke:
			op := *e.Operation
			op.Call, op.CallTime = e.Index, e.Time
			open[op.ID] = &op
		case TypeOK, TypeFail, TypeInfo:
			op, ok := open[e.Operation.ID]
			if !ok {
				continue
			}
			op.complete(e.Operation.Result, e.Index, e.Time)
			operations = append(operations, *op)
			delete(open, op.ID)
		}
	}
	operations = append(operations, pending(open, end)...)
	slices.SortFunc(operations, byCall)
	return operations
}

// pending returns the operations of open as of unknown outcome, in the order of their calls.
func pending(open map[int64]*Operation, end time.Duration) []Operation {
	operations := make([]Operation, 0, len(open))
	for _, op := range open {
		unknown := *op
		unknown.complete(Result{Outcome: Info, Error: "no completion was recorded"}, NoReturn, end)
		operations = append(operations, unknown)
	}
	slices.SortFunc(operations, byCall)
	return operations
}

func byCall(a, b Operation) int { return cmp.Compare(a.Call, b.Call) }
