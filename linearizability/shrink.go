package linearizability

import (
	"slices"

	"ordeal/history"
)

// A shrinker reduces the illegal operations of one key to a few that are illegal by themselves.
// Every step is sound: what it leaves can be illegal only if what it had was. And every step is
// judged again, so that what is left is illegal.
type shrinker struct {
	judge judge
	ops   []*history.Operation
	// unsure is set when a judgement ran out of time or memory: then something may be left that
	// need not be.
	unsure bool
	// detached are the compare-and-sets of which only the new value is left.
	detached map[int64]bool
}

// firstMax is up to how many operations the violation that came first is looked for. Of more, that
// would take a while, and any one is shown.
const firstMax = 20_000

// shrink returns a small illegal part of the operations of an illegal key.
func (j *job) shrink(judge judge) *shrinker {
	s := &shrinker{judge: judge, ops: j.ops, detached: map[int64]bool{}}
	if j.method != ByCertificate {
		s.cutSuffix()
		p := prepare(s.ops)
		s.ops = operationsOf(p.calls)
		s.reduce(p.exact())
		return s
	}
	s.ops = j.certificate
	if !j.prepared.unique {
		s.reduce(false)
		return s
	}
	s.detached = j.detached
	if len(j.ops) <= firstMax {
		// What the certificate proves, it proves without the refusals.
		s.ops = slices.DeleteFunc(slices.Clone(j.ops), func(op *history.Operation) bool {
			return op.Blind
		})
		s.cutSuffix()
		p := prepare(s.ops)
		if _, broken := p.decide(); broken != nil {
			s.ops, s.detached = broken.certificate(p.decided())
		}
	}
	s.cutSuffix()
	s.reduce(true)
	return s
}

// reduce deletes until nothing more can go. What is no call goes at once (see newCalls), such as a
// read that had not returned yet: then a call and its operation stand at the same place.
func (s *shrinker) reduce(unique bool) {
	s.ops = operationsOf(newCalls(s.ops))
	for before := -1; before != len(s.ops); {
		before = len(s.ops)
		s.delete(unique)
		if unique {
			s.detach()
		}
	}
}

func (s *shrinker) illegal(ops []*history.Operation) bool {
	verdict := s.judge(ops, true)
	s.unsure = s.unsure || verdict == Unknown
	return verdict == Illegal
}

// cutSuffix finds the earliest moment at which the history was illegal and forgets what came
// after.
//
// Soundness, for any model: a prefix of a history, in which the operations that have not returned
// yet are of unknown outcome, is legal if the whole is (linearizability is prefix-closed). So the
// moments before which the history is legal come first, and bisection finds the last of them.
func (s *shrinker) cutSuffix() {
	returns := slices.Compact(returnsOf(s.ops))
	found, _ := slices.BinarySearchFunc(returns, true, func(at int64, _ bool) int {
		if s.illegal(prefix(s.ops, at)) {
			return 0
		}
		return -1
	})
	if found == len(returns) {
		// No prefix could be judged illegal within the budgets: keep the whole.
		return
	}
	s.ops = prefix(s.ops, returns[found])
}

// returnsOf returns when operations ended, in that order.
func returnsOf(ops []*history.Operation) []int64 {
	var returns []int64
	for _, op := range ops {
		if op.Return != history.NoReturn {
			returns = append(returns, op.Return)
		}
	}
	slices.Sort(returns)
	return returns
}

// prefix returns the operations as they were at a moment.
func prefix(ops []*history.Operation, at int64) []*history.Operation {
	var cut []*history.Operation
	for _, op := range ops {
		switch {
		case op.Call > at:
			continue
		case op.Return > at:
			open := *op
			open.Return = history.NoReturn
			open.Result = history.Result{Outcome: history.Info}
			op = &open
		}
		cut = append(cut, op)
	}
	return cut
}

// delete leaves out what it can: halves first, then quarters, and in the end one at a time
// (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002).
func (s *shrinker) delete(unique bool) {
	for size := len(s.ops) / 2; size >= 1; size /= 2 {
		for from := 0; from < len(s.ops); {
			fewer := without(s.ops, unique, func(i int) bool {
				return from <= i && i < from+size
			})
			if len(fewer) < len(s.ops) && s.illegal(fewer) {
				s.ops = fewer
			} else {
				from += size
			}
		}
	}
}

// without returns ops without the chosen ones that can be deleted soundly, and without what
// depends on them.
//
// Soundness. An operation that only observes can go, for any model: a legal order stays legal
// without it. Where values are unique a writer can go together with all that observed its value,
// and what those wrote, and so on: in a legal order these stand in one piece, with nothing of
// others between them but operations of unknown outcome, since between a write and the last to
// see its value nothing else was written; what comes after that piece is a write, or the end. A
// compare-and-set begins such a piece as well. What is left then holds the writer of every value
// that it observes, if the history did.
func without(
	ops []*history.Operation, unique bool, chosen func(i int) bool,
) []*history.Operation {
	c := newCalls(ops)
	gone := make([]bool, len(c.all))
	for i := range gone {
		_, writes := c.all[i].writes()
		gone[i] = chosen(i) && (unique || !writes)
	}
	if unique {
		c.spread(gone)
	}
	var left []*history.Operation
	for i := range c.all {
		if !gone[i] {
			left = append(left, c.all[i].op)
		}
	}
	return left
}

// spread marks every call as gone that observes a value the writer of which is gone.
func (c *calls) spread(gone []bool) {
	observers := make([][]int, c.values)
	for i := range c.all {
		if v, ok := c.all[i].dependsOn(); ok {
			observers[v] = append(observers[v], i)
		}
	}
	var queue []int
	for i := range gone {
		if gone[i] {
			queue = append(queue, i)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		v, writes := c.all[queue[0]].writes()
		if !writes {
			continue
		}
		for _, i := range observers[v] {
			if !gone[i] {
				gone[i] = true
				queue = append(queue, i)
			}
		}
	}
}

// dependsOn is observes, and for a compare-and-set of unknown outcome what it expected: should it
// have applied, it observed that.
func (c *call) dependsOn() (int, bool) {
	if c.action == trySwapAction {
		return c.expected, true
	}
	return c.observes()
}

// detach replaces compare-and-sets by plain writes where that lets the operations go that wrote
// what they expected. Without it a chain of them would have to be shown down to its head.
//
// Soundness: a legal order stays legal when one of its operations no longer requires anything.
// The latest ones come first, since they rid of the longest chains.
func (s *shrinker) detach() {
	for i := len(s.ops) - 1; i >= 0; i-- {
		if i >= len(s.ops) || s.ops[i].Kind != history.CompareAndSet {
			continue
		}
		c := newCalls(s.ops)
		if _, writes := c.all[i].writes(); !writes {
			continue
		}
		before := c.writers()[c.all[i].expected]
		if before < 0 {
			continue
		}
		plain := plainWrite(s.ops[i])
		candidate := slices.Clone(s.ops)
		candidate[i] = plain
		candidate = without(candidate, true, func(i int) bool { return i == before })
		if slices.Contains(candidate, plain) && s.illegal(candidate) {
			s.ops = candidate
			s.detached[plain.ID] = true
		}
	}
}
