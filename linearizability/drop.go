package linearizability

// drop leaves out the calls that are still unknown after bound: those whose value nobody
// observed.
//
// Soundness, for unique values: the rest is legal exactly when the whole is. From a legal order
// of the rest one of the whole follows by putting the dropped calls at its very end, which they
// may: they have no return, and what they did not do there nobody missed. From a legal order of
// the whole take the dropped calls away:
//
//   - A write. Its value was observed by no call that is known to have happened, so what comes
//     next in the order and depends on the state at all overwrites it: a write, or nothing.
//     Between them can stand only other dropped calls.
//   - A compare-and-set that applied there is such a write; one that did not changed nothing.
//   - A proposal that came first decided on its value, and then every proposal that came to an
//     end was told so and observed it. Nobody did, so it was not the first, and changed nothing,
//     or only proposals of unknown outcome stand in the history.
func (c *calls) drop() {
	before := len(c.all)
	c.keep(func(one *call) bool { return !one.unknown })
	c.dropped += before - len(c.all)
}

// keep leaves out all other calls. No call that stays may be proved by one that goes.
func (c *calls) keep(stays func(*call) bool) {
	places := make([]int32, len(c.all))
	kept := c.all[:0]
	for i := range c.all {
		places[i] = int32(len(kept))
		if stays(&c.all[i]) {
			kept = append(kept, c.all[i])
		}
	}
	clear(c.all[len(kept):])
	for i := range kept {
		if by := &kept[i].provedBy; *by != none {
			*by = places[*by]
		}
	}
	c.all = kept
}
