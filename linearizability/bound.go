package linearizability

import (
	"cmp"
	"slices"
)

// bound gives each unknown call whose value was observed the return that this proves, and tells
// whether the key can still be legal.
//
// Soundness, for unique values. Some completed call observed v, so v was in the object before
// that call returned; only one operation writes v; so that operation did take effect, and before
// the earliest return among v's observers. To say so, by moving its return from infinity to there
// and its outcome to known, excludes no legal order. A compare-and-set that is known in this way
// to have applied found its expected value, and so observed that in turn, before its own new
// return. Nothing else bounds an unknown operation: not its client's timeout and not its client's
// next call, since its effect may land at any later time.
//
// Should the new return lie before the call, a value was seen before the call that wrote it
// began, and no order is legal.
//
// Only where the writer is unknown so far is there anything to be learned. The observers there are
// taken by rising return. The first that reaches a writer is its earliest one, and so each writer
// is bounded once, and a chain of unknown compare-and-sets is walked once: O(n log n) in all.
func (c *calls) bound() (bounded int, possible bool) {
	writers := c.writers()
	var observers []int
	for i := range c.all {
		v, observes := c.all[i].observes()
		if observes && writers[v] >= 0 && c.all[writers[v]].unknown {
			observers = append(observers, i)
		}
	}
	slices.SortFunc(observers, func(a, b int) int {
		return cmp.Or(cmp.Compare(c.all[a].end, c.all[b].end), cmp.Compare(a, b))
	})
	possible = true
	for _, i := range observers {
		end := c.all[i].end
		v, observes := c.all[i].observes()
		for by := i; observes && writers[v] >= 0 && c.all[writers[v]].unknown; {
			writer := &c.all[writers[v]]
			writer.unknown, writer.end, writer.provedBy = false, end, int32(by)
			by = writers[v]
			bounded++
			possible = possible && writer.start <= end
			if writer.action == trySwapAction {
				writer.action = swapAction
			}
			v, observes = writer.observes()
		}
	}
	return bounded, possible
}
