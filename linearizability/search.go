package linearizability

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// A shortage is what ended a search without an answer.
type shortage uint8

const (
	// noShortage: there is an answer.
	noShortage shortage = iota
	// ofTime: its time, or the check, was over.
	ofTime
	// ofMemory: alone it needed more than the memory budget.
	ofMemory
	// ofMemoryTogether: so did it with the searches that ran at the same time.
	ofMemoryTogether
	// ofProcess: the process that searched died without an answer.
	ofProcess
)

// search asks porcupine whether the calls have a legal order, for at most limit. It returns
// Unknown, with what was short, when the limit passed, ctx was done, or the guard gave it up, and
// always soon after. Porcupine's own search ends with it: at its next step when the limit passed,
// and otherwise by finding every further step refused. Then it takes no more memory, but walks back
// through its list: that takes 0.1 ms for what explodes, and 0.8 s for 72,000 calls of which
// 12,000 are unknown.
//
// The calls must be valid: a call that returns before it starts would be judged Illegal, whatever
// the others are.
func search(
	ctx context.Context, c *calls, limit time.Duration, g *guard,
) (Verdict, shortage) {
	if ctx.Err() != nil || limit <= 0 {
		return Unknown, ofTime
	}
	if !g.fits(len(c.all), 1) {
		return Unknown, ofMemory
	}
	deadline := time.Now().Add(limit)
	t := g.enter(len(c.all))
	defer g.leave(t)
	// To enter may have taken a while, and a limit of 0 is none to porcupine.
	limit = max(time.Until(deadline), 1)
	var cancelled, refused atomic.Bool
	stop := context.AfterFunc(ctx, func() { cancelled.Store(true) })
	defer stop()
	model := porcupineModel(c, func() bool {
		if t.refuse() || cancelled.Load() {
			refused.Store(true)
		}
		return refused.Load()
	})
	switch porcupine.CheckOperationsTimeout(model, porcupineOperations(c), limit) {
	case porcupine.Ok:
		return Legal, noShortage
	case porcupine.Illegal:
		if !refused.Load() {
			return Illegal, noShortage
		}
	}
	switch {
	case !t.over.Load():
		return Unknown, ofTime
	case t.alone:
		return Unknown, ofMemory
	}
	return Unknown, ofMemoryTogether
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
