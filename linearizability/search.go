package linearizability

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// search asks porcupine whether the calls have a legal order, for at most limit. It returns
// Unknown when the limit passed or ctx was done first, and always soon after. Porcupine's own
// search ends with it: at its next step when the limit passed, and when ctx is done by finding
// every further step refused.
//
// The calls must be valid: a call that returns before it starts would be judged Illegal, whatever
// the others are.
func search(ctx context.Context, c *calls, limit time.Duration) Verdict {
	if ctx.Err() != nil || limit <= 0 {
		return Unknown
	}
	var cancelled atomic.Bool
	stop := context.AfterFunc(ctx, func() { cancelled.Store(true) })
	defer stop()
	var refused atomic.Bool
	model := porcupineModel(c, func() bool {
		if cancelled.Load() {
			refused.Store(true)
		}
		return refused.Load()
	})
	switch porcupine.CheckOperationsTimeout(model, porcupineOperations(c), limit) {
	case porcupine.Ok:
		return Legal
	case porcupine.Illegal:
		if refused.Load() {
			return Unknown
		}
		return Illegal
	}
	return Unknown
}

// porcupineModel is the step of the calls as porcupine wants it. Where refuse returns true no
// step is possible any more.
func porcupineModel(c *calls, refuse func() bool) porcupine.Model {
	// Every state is boxed once here, and not at every step.
	states := make([]any, c.values)
	for i := range states {
		states[i] = i
	}
	return porcupine.Model{
		Init: func() any { return states[nothing] },
		Step: func(state, input, _ any) (bool, any) {
			if refuse() {
				return false, state
			}
			ok, next := input.(*call).step(state.(int))
			return ok, states[next]
		},
		Equal: func(a, b any) bool { return a.(int) == b.(int) },
		Hash:  func(state any) uint64 { return uint64(state.(int)) * 0x9e3779b97f4a7c15 },
	}
}

// porcupineOperations hands the calls over with ranks for times: distinct integers in the same
// order. Equal times are concurrent, as closed intervals are: the call comes before the return.
func porcupineOperations(c *calls) []porcupine.Operation {
	type moment struct {
		at       int64
		isReturn int
		call     int
	}
	moments := make([]moment, 0, 2*len(c.all))
	for i := range c.all {
		moments = append(moments,
			moment{c.all[i].start, 0, i}, moment{c.all[i].end, 1, i})
	}
	slices.SortFunc(moments, func(a, b moment) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.isReturn, b.isReturn),
			cmp.Compare(a.call, b.call))
	})
	operations := make([]porcupine.Operation, len(c.all))
	for i := range c.all {
		operations[i].Input = &c.all[i]
	}
	for rank, m := range moments {
		if m.isReturn == 1 {
			operations[m.call].Return = int64(rank)
		} else {
			operations[m.call].Call = int64(rank)
		}
	}
	return operations
}
