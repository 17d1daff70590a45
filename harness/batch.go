package harness

import (
	"cmp"
	"context"
	"slices"
	"time"

	"ordeal/history"
	"ordeal/linearizability"
)

// What a batch may take. It is more than decided keys need; a key that is searched and has no
// answer within it is left to the end of the run.
const (
	batchTime           = 5 * time.Second
	batchMemory         = 64 << 20
	batchMemoryPerEntry = 1 << 10
)

// A batch is some keys as they stood at one moment of the run, to be judged: what had ended by
// then, and what was in flight, as of unknown outcome.
//
// Soundness. These operations are a prefix of what the keys will have become, cut at one index of
// the record. What happened to an operation in flight is left open by its unknown outcome: it may
// end ok, which is one of the ways to have taken effect, or fail, or never end. So from a legal
// order of the whole follows one of the prefix, by taking away what was called after the cut: an
// effect that somebody saw before the cut was called before it. (Herlihy and Wing call it
// prefix-closed.) Hence a prefix that is illegal stays so, whatever is still to come; one that is
// legal may yet turn out to have been the beginning of a history that is not.
//
// A key is in a batch with all its operations since the run began, or not at all: what is left when
// its beginning is missing is no prefix, and might be illegal only for that.
type batch struct {
	keys []batchKey
	// pending are the operations in flight on these keys, as of unknown outcome.
	pending []history.Operation
}

// A batchKey is one key, and those of its operations that had ended.
type batchKey struct {
	name string
	ops  operationLog
}

// illegal returns the keys that violate for good, sorted.
//
// Of decisions these are those without agreement or validity: both speak of what somebody was told
// and of what was proposed before that, and a proposal is recorded before it is sent. Whether a
// learner that forgot was restarted in between is left to the end, when all restarts are recorded.
func (b batch) illegal(ctx context.Context, model linearizability.Model) ([]string, error) {
	ops := b.operations()
	report, err := linearizability.Check(ctx, model, ops, linearizability.Options{
		Budget: batchTime, Memory: batchMemory + int64(len(ops))*batchMemoryPerEntry,
		Workers: 1, Explanations: -1,
	})
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, key := range report.Keys {
		if key.Verdict == linearizability.Illegal {
			keys = append(keys, key.Key)
		}
	}
	if report.Model == linearizability.Decision().Name() {
		decisions, err := linearizability.CheckDecision(ops, nil)
		if err != nil {
			return nil, err
		}
		for _, v := range decisions.Violations {
			if v.Class != linearizability.Forgotten {
				keys = append(keys, v.Key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// operations returns copies of the operations, in the order of their calls.
func (b batch) operations() []history.Operation {
	var order []*history.Operation
	for _, key := range b.keys {
		for _, block := range key.ops.blocks {
			for i := range block {
				order = append(order, &block[i])
			}
		}
	}
	for i := range b.pending {
		order = append(order, &b.pending[i])
	}
	slices.SortFunc(order, func(a, b *history.Operation) int { return cmp.Compare(a.ID, b.ID) })
	ops := make([]history.Operation, len(order))
	for i, op := range order {
		ops[i] = *op
	}
	return ops
}
