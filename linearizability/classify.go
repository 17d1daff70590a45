package linearizability

import (
	"cmp"
	"slices"

	"ordeal/history"
)

// A Class is a kind of violation, as far as it can be told. It helps people; the verdict does not
// depend on it.
type Class string

// The classes.
const (
	// NeverWritten: a value was seen that no operation wrote, or only one that certainly did not
	// happen.
	NeverWritten Class = "value never written"
	// FromTheFuture: a value was seen, and by whoever saw it the operation was over before the
	// one that wrote it was called.
	FromTheFuture Class = "value from the future"
	// Contradiction: a compare-and-set was refused, and reported the very value that it expected;
	// or a proposal was told that nothing is chosen.
	Contradiction Class = "contradictory answer"
	// TwoWinners: two compare-and-sets applied to the same value, which only one of them can have
	// replaced; or two operations that ran at the same time were told different decisions.
	TwoWinners Class = "two winners"
	// StaleRead: a value was seen that another one had replaced before.
	StaleRead Class = "stale read"
	// LostWrite: so was it, and the newer value was never seen at all: by several operations that
	// were called after it was acknowledged, or by a compare-and-set that replaced the older one,
	// or by a final read.
	LostWrite Class = "lost write"
	// Reappeared: so was it, and the newer value had been seen before and was not seen again.
	Reappeared Class = "value reappeared"
	// DecisionChanged: after an operation was told a decision, one that was called later was told
	// another.
	DecisionChanged Class = "decision changed"
	// Forgotten: a learner that had learned a decision knew nothing later in the same life.
	Forgotten Class = "decision forgotten"
	// NotOrdered: no order of the operations is legal, and none of the above tells why.
	NotOrdered Class = "no legal order"
)

// A finding is a violation with a class.
type finding struct {
	class Class
	// guilty is the operation that should not have ended as it did, other the one that shows it,
	// which is nil where none is needed.
	guilty, other *call
}

// classifiedMax bounds the set of which a class is looked for: it is meant for what shrink leaves.
const classifiedMax = 200

// classify finds out what kind of violation it is that the calls of a small set are illegal. The
// whole is all operations of the key.
func classify(c *calls, whole *calls) finding {
	guilty := lastOf(c)
	if f, ok := findImpossibleAnswer(c, whole); ok {
		return f
	}
	if !c.unique() || guilty == nil || len(c.all) > classifiedMax {
		return finding{class: NotOrdered, guilty: guilty}
	}
	if f, ok := findTwoDecisions(c); ok {
		return f
	}
	if f, ok := findTwoSwaps(c); ok {
		return f
	}
	if f, ok := findOvertaken(c, whole); ok {
		return f
	}
	return finding{class: NotOrdered, guilty: guilty}
}

// lastOf returns the call that ended last, and nil for none. In the shortest illegal prefix it is
// the one whose end made the history illegal.
func lastOf(c *calls) *call {
	var last *call
	for i := range c.all {
		if one := &c.all[i]; one.end != forever && (last == nil || one.end > last.end) {
			last = one
		}
	}
	return last
}

// findImpossibleAnswer finds an answer that is wrong whatever the order is.
func findImpossibleAnswer(c, whole *calls) (finding, bool) {
	asked := map[history.Value]bool{}
	for i := range c.all {
		if seen, ok := c.all[i].seenValue(); ok {
			asked[seen] = true
		}
	}
	written := map[history.Value]*history.Operation{{}: nil}
	for i := range whole.all {
		op := whole.all[i].op
		if _, writes := whole.all[i].writes(); !writes || !asked[op.Value] {
			continue
		}
		if first, again := written[op.Value]; !again || first != nil && op.Call < first.Call {
			written[op.Value] = op
		}
	}
	for i := range c.all {
		one := &c.all[i]
		if one.action == mismatchAction && one.seen == one.expected ||
			one.action == proposeAction && one.seen == nothing {
			return finding{class: Contradiction, guilty: one}, true
		}
		seen, ok := one.seenValue()
		if !ok {
			continue
		}
		writer, known := written[seen]
		switch {
		case !known:
			return finding{class: NeverWritten, guilty: one}, true
		case writer != nil && one.end < writer.Call:
			other := newCalls([]*history.Operation{writer})
			return finding{class: FromTheFuture, guilty: one, other: &other.all[0]}, true
		}
	}
	return finding{}, false
}

// seenValue is observes with the value itself.
func (c *call) seenValue() (history.Value, bool) {
	_, ok := c.observes()
	switch {
	case !ok:
		return history.Value{}, false
	case c.action == swapAction:
		return c.op.Expected, true
	}
	return c.op.Returned, true
}

// findTwoDecisions finds two proposals that were told differently.
func findTwoDecisions(c *calls) (finding, bool) {
	var first *call
	for i := range c.all {
		one := &c.all[i]
		switch {
		case one.action != proposeAction:
			continue
		case first == nil || first.seen == one.seen:
			first = one
			continue
		}
		if one.end < first.end {
			first, one = one, first
		}
		f := finding{class: TwoWinners, guilty: one, other: first}
		if first.end < one.start {
			f.class = DecisionChanged
		}
		return f, true
	}
	return finding{}, false
}

// findTwoSwaps finds two compare-and-sets that both applied to one value.
func findTwoSwaps(c *calls) (finding, bool) {
	swaps := make([]*call, c.values)
	for i := range c.all {
		one := &c.all[i]
		if one.action != swapAction {
			continue
		}
		if first := swaps[one.expected]; first != nil {
			if one.end < first.end {
				first, one = one, first
			}
			return finding{class: TwoWinners, guilty: one, other: first}, true
		}
		swaps[one.expected] = one
	}
	return finding{}, false
}

// A span is when a value was in the object: since the earliest return among the operations on it
// at the latest, and still at the latest call among them. Of operations with one return, which
// bounding makes, it is the one that did return.
type span struct {
	since, until *call
}

// spans returns the span of each value; both ends are nil for one that nobody touched.
func (c *calls) spans() []span {
	spans := make([]span, c.values)
	touch := func(v int, one *call) {
		s := &spans[v]
		if s.since == nil || one.end < s.since.end ||
			one.end == s.since.end && s.since.op.Outcome != history.OK {
			s.since = one
		}
		if s.until == nil || one.start > s.until.start {
			s.until = one
		}
	}
	for i := range c.all {
		if v, ok := c.all[i].writes(); ok {
			touch(v, &c.all[i])
		}
		if v, ok := c.all[i].observes(); ok {
			touch(v, &c.all[i])
		}
	}
	return spans
}

// findOvertaken finds a value that was seen although it had been replaced: an operation on it was
// called after another value was in place, which in turn came after it.
func findOvertaken(c, whole *calls) (finding, bool) {
	spans := c.spans()
	var found []finding
	for old, o := range spans {
		for newer, n := range spans {
			if old == newer || o.until == nil || n.since == nil {
				continue
			}
			// The initial value was there before everything else.
			after := old == nothing || o.since.end < n.until.start || c.descends(newer, old)
			if _, observes := o.until.observes(); observes && after &&
				n.since.end < o.until.start && newer != nothing {
				found = append(found, finding{guilty: o.until, other: n.since})
			}
		}
	}
	if len(found) == 0 {
		return finding{}, false
	}
	best := slices.MaxFunc(found, func(a, b finding) int {
		return cmp.Or(
			cmp.Compare(a.guilty.end, b.guilty.end), cmp.Compare(a.other.end, b.other.end))
	})
	best.class = overtakenClass(best, whole)
	return best, true
}

// descends tells whether newer came from old by compare-and-sets.
func (c *calls) descends(newer, old int) bool {
	writers := c.writers()
	for range c.all {
		writer := writers[newer]
		if writer < 0 || c.all[writer].action != swapAction {
			return false
		}
		newer = c.all[writer].expected
		if newer == old {
			return true
		}
	}
	return false
}

// overtakenClass tells from all operations of the key what became of the newer value.
func overtakenClass(f finding, whole *calls) Class {
	newer := f.other.op.Value
	if _, writes := f.other.writes(); !writes {
		newer = f.other.op.Returned
	}
	older, _ := f.guilty.seenValue()
	seenBefore, seenAfter, olderSeen := false, false, 0
	for i := range whole.all {
		one := &whole.all[i]
		v, ok := one.seenValue()
		switch {
		case !ok:
		case v == newer && one.start > f.guilty.start:
			seenAfter = true
		case v == newer:
			seenBefore = true
		case v == older && one.start > f.other.end:
			olderSeen++
		}
	}
	gone := f.guilty.action == swapAction || f.guilty.op.Final || olderSeen > 1
	switch {
	case seenAfter || !gone:
		return StaleRead
	case seenBefore:
		return Reappeared
	}
	return LostWrite
}
