package linearizability

import (
	"slices"

	"ordeal/history"
)

// certificate returns a few operations that are illegal by themselves and prove that the whole key
// is, in the order of their calls. Detached holds the compare-and-sets of which only the new value
// is left: they stand in it as writes.
//
// Soundness, for unique values. Let a set of operations contain the writer of each value that one
// of them saw, where the key has a writer at all. Take a legal order of the whole and leave out all
// others: what stood last in the object before an operation of the set was written by one of the
// set, or was the initial value, and nothing else was written in between; so the order of the set
// is legal too. Hence a set that is illegal proves that the whole is. A compare-and-set that is
// replaced by a write requires nothing any more, which only makes more orders legal, and needs no
// writer.
//
// Operations stand in the set as they were recorded. So where a violation rests on a call of
// unknown outcome having happened, or on when it had, the operation is there that saw its effect
// first; if that is of unknown outcome too, then so is the one that proved it, and so on.
func (v *violation) certificate(c *calls) (ops []*history.Operation, detached map[int64]bool) {
	in := map[int]bool{}
	for _, i := range v.core {
		for ; i != none && !in[i]; i = int(c.all[i].provedBy) {
			in[i] = true
		}
	}
	detached = map[int64]bool{}
	writers := c.writers()
	for i := range in {
		seen, observes := c.all[i].observes()
		if w := writers[seen]; observes && w >= 0 && !in[w] && c.all[w].wasCompareAndSet() {
			detached[c.all[w].op.ID] = true
		}
	}
	needed := map[int]bool{}
	for i := range in {
		needed[i] = true
		if seen, observes := c.all[i].observes(); observes && writers[seen] >= 0 {
			needed[writers[seen]] = true
		}
	}
	for i := range needed {
		op := c.all[i].op
		if detached[op.ID] {
			op = plainWrite(op)
		}
		ops = append(ops, op)
	}
	slices.SortFunc(ops, byCall)
	return ops, detached
}

// plainWrite returns a compare-and-set without what it expected.
func plainWrite(op *history.Operation) *history.Operation {
	plain := *op
	plain.Kind, plain.Expected, plain.Applied = history.Write, history.Value{}, false
	return &plain
}

// wasCompareAndSet tells whether c was recorded as one.
func (c *call) wasCompareAndSet() bool { return c.op.Kind == history.CompareAndSet }
