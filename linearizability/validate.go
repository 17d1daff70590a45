package linearizability

import (
	"errors"
	"fmt"
	"slices"

	"ordeal/history"
)

// ErrInvalid is wrapped by every error about a history that is none. Porcupine would call most of
// these Illegal in silence, and a violation that was reported for them would be Ordeal's own.
var ErrInvalid = errors.New("this is not a history")

// validate checks that ops can be a history of the model: known kinds and outcomes; a call, and a
// return exactly where the outcome is known, and not before the call; operations that are told
// apart; and processes that call one operation at a time, and none after one of unknown outcome,
// without which the real-time order means nothing.
func validate(model Model, ops []history.Operation) error {
	for i := range ops {
		if err := validateOperation(model, &ops[i]); err != nil {
			return fmt.Errorf("%w: operation %d: %w", ErrInvalid, ops[i].ID, err)
		}
	}
	if id, twice := findTwice(ops); twice {
		return fmt.Errorf("%w: operation %d is there twice", ErrInvalid, id)
	}
	if err := validateProcesses(ops); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// findTwice returns a number that two operations have. Those of a record rise, and need no table.
func findTwice(ops []history.Operation) (id int64, twice bool) {
	rising := true
	for i := 1; i < len(ops) && rising; i++ {
		rising = ops[i-1].ID < ops[i].ID
	}
	if rising {
		return 0, false
	}
	seen := make(map[int64]struct{}, len(ops))
	for i := range ops {
		id = ops[i].ID
		if _, twice = seen[id]; twice {
			return id, true
		}
		seen[id] = struct{}{}
	}
	return 0, false
}

func validateOperation(model Model, op *history.Operation) error {
	if !slices.Contains(model.judged, op.Kind) && !slices.Contains(model.ignored, op.Kind) {
		return fmt.Errorf("the model %s does not know the kind %q", model.name, op.Kind)
	}
	if op.Call < 0 {
		return fmt.Errorf("it has no call")
	}
	switch op.Outcome {
	case history.Info:
		if op.Return != history.NoReturn {
			return fmt.Errorf("its outcome is unknown, but it returns at %d", op.Return)
		}
	case history.OK, history.Fail:
		if op.Return == history.NoReturn {
			return fmt.Errorf("its outcome is %s, but it does not return", op.Outcome)
		}
		if op.Return < op.Call {
			return fmt.Errorf("it returns at %d, before its call at %d", op.Return, op.Call)
		}
	default:
		return fmt.Errorf("the outcome %q is not known", op.Outcome)
	}
	return nil
}

// validateProcesses checks each process by itself. Equal times are concurrent and can stand only
// in an imported history; there a process may call at the very time of its last return.
func validateProcesses(ops []history.Operation) error {
	order := make([]*history.Operation, len(ops))
	for i := range ops {
		order[i] = &ops[i]
	}
	sortByCall(order)
	swap := lastOfProcesses(order)
	for _, op := range order {
		before := swap(op)
		switch {
		case before == nil:
		case before.Outcome == history.Info:
			return fmt.Errorf("process %d calls operation %d after operation %d, "+
				"the outcome of which is unknown", op.Process, op.ID, before.ID)
		case before.Return > op.Call:
			return fmt.Errorf("process %d calls operation %d before operation %d has returned",
				op.Process, op.ID, before.ID)
		}
	}
	return nil
}

// lastOfProcesses returns a function that remembers an operation as the last of its process, and
// returns the one that was so far, or nil. Processes are mostly numbered from 0 on; then a table is
// several times as fast as a map.
func lastOfProcesses(ops []*history.Operation) func(*history.Operation) *history.Operation {
	least, most := 0, 0
	for _, op := range ops {
		least, most = min(least, op.Process), max(most, op.Process)
	}
	if least < 0 || most > len(ops) {
		last := map[int]*history.Operation{}
		return func(op *history.Operation) *history.Operation {
			before := last[op.Process]
			last[op.Process] = op
			return before
		}
	}
	last := make([]*history.Operation, most+1)
	return func(op *history.Operation) *history.Operation {
		before := last[op.Process]
		last[op.Process] = op
		return before
	}
}
