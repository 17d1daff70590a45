package harness

import (
	"context"
	"slices"

	"ordeal/history"
	"ordeal/linearizability"
)

// shownMax is of how many operations a key may be so that it is looked for when its violation was
// there: what is asked for is the size of small runs.
const shownMax = 64

// shownBy returns the operations, by their IDs, after whose returns the violation that e explains
// was there, in its class. Those that e involves are not always enough: what class it is may depend
// on an operation that ended later.
func shownBy(
	ctx context.Context, model linearizability.Model, ops []history.Operation,
	e linearizability.Explanation, o linearizability.Options,
) []int64 {
	ids, last := []int64{}, int64(0)
	for _, involved := range e.Operations {
		if !involved.Open {
			ids = append(ids, involved.Operation.ID)
			last = max(last, involved.Return)
		}
	}
	ofKey := slices.DeleteFunc(slices.Clone(ops), func(op history.Operation) bool {
		return op.Key != e.Key
	})
	if len(ofKey) > shownMax {
		return ids
	}
	later := slices.DeleteFunc(slices.Clone(ofKey), func(op history.Operation) bool {
		return op.Return <= last
	})
	slices.SortFunc(later, func(a, b history.Operation) int { return int(a.Return - b.Return) })
	if shows(ctx, model, until(ofKey, last), e, o) {
		return ids
	}
	for _, op := range later {
		if shows(ctx, model, until(ofKey, op.Return), e, o) {
			return append(ids, op.ID)
		}
	}
	return ids
}

// until returns the operations that were called up to a place in the record; what had not returned
// by then is open.
func until(ops []history.Operation, place int64) []history.Operation {
	var called []history.Operation
	for _, op := range ops {
		if op.Call > place {
			continue
		}
		if op.Return > place {
			op.Return, op.Result = history.NoReturn, history.Result{Outcome: history.Info}
		}
		called = append(called, op)
	}
	return called
}

// shows tells whether operations violate in the class of e.
func shows(
	ctx context.Context, model linearizability.Model, ops []history.Operation,
	e linearizability.Explanation, o linearizability.Options,
) bool {
	report, err := linearizability.Check(ctx, model, ops, o)
	return err == nil && slices.ContainsFunc(report.Violations,
		func(other linearizability.Explanation) bool { return other.Class == e.Class })
}
