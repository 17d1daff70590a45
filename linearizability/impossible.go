package linearizability

import (
	"slices"

	"ordeal/history"
)

// impossible looks for an answer that is wrong whatever the order is, where values may be written
// more than once; nil if there is none. It is O(n), and often all that is wrong with a history that
// porcupine cannot finish.
//
// Soundness. A call that saw a value, other than the one at the beginning, comes after a call that
// wrote it in every legal order. So some call that writes it, or may have, started before the one
// that saw it ended. If none did, the key is illegal; the earliest writer, if there is one, stands
// in the certificate to show that it was too late. A compare-and-set that was refused and reports
// the value that it expected contradicts itself; and a proposal sees a value that was proposed, so
// not the one at the beginning, unless somebody proposed that.
func impossible(c *calls) *violation {
	earliest := noneOf(c.values)
	for i := range c.all {
		v, writes := c.all[i].writes()
		if writes && (earliest[v] == none || c.all[i].start < c.all[earliest[v]].start) {
			earliest[v] = int32(i)
		}
	}
	var found *violation
	for i := range c.all {
		one := &c.all[i]
		seen, observes := one.observes()
		switch {
		case one.action == mismatchAction && one.seen == one.expected,
			observes && earliest[seen] == none && (seen != nothing || one.action == proposeAction):
			found = found.orEarlier(newViolation(one.end, i))
		case observes && seen != nothing && c.all[earliest[seen]].start > one.end:
			found = found.orEarlier(newViolation(one.end, i, int(earliest[seen])))
		}
	}
	return found
}

// recorded returns the operations of the core as they were recorded, in the order of their calls.
func (v *violation) recorded(c *calls) []*history.Operation {
	ops := make([]*history.Operation, 0, len(v.core))
	for _, i := range v.core {
		ops = append(ops, c.all[i].op)
	}
	slices.SortFunc(ops, byCall)
	return ops
}
