package explore

import (
	"math/bits"
	"slices"

	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/node/paxos"
	"ordeal/simulation/invariants"
)

// never is the bound of a state from which the goal cannot be reached.
const never = 1 << 10

// A bound tells how much a run must yet cost at the least: see the package's documentation for why.
type bound struct {
	// history: the goal is one of what clients see.
	history bool
	// free: an answer may cost nothing.
	free bool
	// loose is how many nodes may be left with an unused last event when the goal is reached.
	loose int
	// swaps is how many compare-and-sets must have applied and been answered. overtaken: the class
	// is that of a value that was seen although another had replaced it; gone: and to which that
	// other was lost. seen: a value must have been seen, where it is overtaken the newer one.
	swaps                 int
	overtaken, gone, seen bool
	// values is how many different ones must have been proposed.
	values int
	// distinct: no two questions of phases and reads are alike, so that an answer answers one.
	// again: an answer may count more than once.
	distinct, again bool
	// read is what a round of questions or of phase 1 costs, resumed what phase 2 does, which is all
	// of a change whose promise was carried along; fresh is the lower of the two.
	read, resumed, fresh int
}

func newBound(rules *paxos.Rules, c Config) bound {
	b := bound{history: brokenBy[c.Class] == 0, loose: 1}
	if c.Class == invariants.TwoValues && rules.NextBallot(0, 1, 1) == rules.NextBallot(0, 2, 1) {
		b.loose = 2 // one proposal each
	}
	b.free = rules.ReadLocally || c.Decree
	switch {
	case c.Class == invariants.Promise, c.Class == invariants.Forgotten, c.Class == Assertion,
		c.Class == string(linearizability.Contradiction):
	case c.Decree && (c.Class == string(linearizability.TwoWinners) ||
		c.Class == string(linearizability.DecisionChanged)):
		b.values = 2
	default:
		b.values = 1
	}
	switch linearizability.Class(c.Class) {
	case linearizability.TwoWinners:
		b.swaps = 2
	case linearizability.StaleRead:
		b.overtaken = true
	case linearizability.LostWrite:
		b.overtaken, b.gone = true, true
	case linearizability.NeverWritten:
		b.seen = true
	case linearizability.Reappeared:
		b.overtaken, b.gone, b.seen = true, true, true
	}
	b.distinct = !rules.KeepSpentPromise && !rules.MayTakePart(false) &&
		rules.NextBallot(0, 1, 1) != rules.NextBallot(0, 2, 1) &&
		rules.NextBallot(0, 1, 1) != rules.NextBallot(0, 1, 2)
	var none paxos.Votes
	b.again = rules.Vote(rules.Vote(none, 1), 1).Count() > 1
	b.read = b.round(rules.PromiseQuorum(c.Nodes))
	b.resumed = b.round(rules.AcceptQuorum(c.Nodes))
	b.fresh = min(b.read, b.resumed)
	return b
}

// round returns what it costs at the least to hear a quorum's answers, the node's own being free:
// the answers of others, and what they answer where no question is like another. One vote that is
// counted again saves a question, not an answer.
func (b *bound) round(quorum int) int {
	others := quorum - 1
	switch {
	case !b.distinct || others == 0:
		return others
	case b.again:
		return others + 1
	}
	return 2 * others
}

// least returns what is yet to be paid at the least in a state with those unused last events.
func (s *search) least(st *state, unused uint8) int {
	b, loose := &s.bound, bits.OnesCount8(unused)
	switch s.config.plain {
	case withoutBounds:
		return 0
	case withoutAnswers:
		return (loose + 1) / 2
	}
	unproposed := s.unproposed(st, b.values)
	switch {
	case !b.history:
		return max(unproposed, loose-b.loose)
	case b.free:
		return unproposed
	}
	return max((loose+1)/2, s.unanswered(st, unproposed))
}

// unproposed bounds what it costs until so many values are proposed: the phases 1 that are nearest
// to their ends.
func (s *search) unproposed(st *state, values int) int {
	proposed := uint8(0)
	for place := range s.config.Nodes {
		proposed |= s.locals.states[st.locals[place]].values
	}
	missing := values - bits.OnesCount8(proposed)
	if missing <= 0 {
		return 0
	}
	var c costs
	for place := range s.config.Nodes {
		for _, op := range s.locals.states[st.locals[place]].open {
			if op.kind != history.Read {
				phase, _ := s.inFlight(st, place, op)
				c.add(phase)
			}
		}
	}
	for range s.left(st) {
		c.add(s.bound.read)
	}
	return c.least(missing)
}

// left is how many operations may yet be called.
func (s *search) left(st *state) int {
	return s.config.OperationsMax - len(s.pasts.all[st.past].ops)
}

// unanswered bounds what the answers cost that are yet to come: the cheapest of those that may.
// What it costs until something is proposed comes first, and is in one of them at the most.
func (s *search) unanswered(st *state, unproposed int) int {
	b, t := &s.bound, &s.pasts.tallies[st.past]
	a := s.answers(st)
	a.reduced = never
	if unproposed > 0 {
		a.reduced = min(b.resumed, a.proof)
	}
	total := 0
	switch {
	case b.overtaken:
		total = s.overtaking(st, &a)
	case b.swaps > 0:
		for range s.left(st) {
			cost := b.read + a.proof
			if a.resumes || a.mayResume {
				cost = a.proof
			}
			a.swaps.add(cost)
			a.mayResume = true
		}
		total = a.cheapest(&a.swaps, max(1, b.swaps-t.swapped))
	case b.seen && !t.seen: // else what was seen may have been by an operation that then fails
		for range s.left(st) {
			a.all.add(b.fresh)
		}
		total = a.cheapest(&a.all, 1)
	}
	return max(1, unproposed+total)
}

// answers are what the answers of open operations cost.
type answers struct {
	// all are those of all, swaps of those that are compare-and-sets, if they apply, and late and
	// lateSwaps of those that were called after a value was touched.
	all, swaps, late, lateSwaps costs
	// resumes: a node's next change needs no phase 1. mayResume: nor might that of another, after
	// the answer to what it has in flight.
	resumes, mayResume bool
	// proof is what it costs at the least that a compare-and-set that was proposed is known to have
	// applied: by its answer, or by that of another operation that saw its value.
	proof int
	// reduced is what the answer of the operation costs that is the first to propose something,
	// after that; never if something was proposed.
	reduced int
}

func (s *search) answers(st *state) (a answers) {
	ops, touched := s.pasts.all[st.past].ops, s.pasts.tallies[st.past].touched
	open := uint8(0)
	a.proof = s.bound.fresh
	for place := range s.config.Nodes {
		for _, op := range s.locals.states[st.locals[place]].open {
			_, cost := s.inFlight(st, place, op)
			a.proof = min(a.proof, cost)
			open |= 1 << op.number
		}
	}
	for _, op := range ops {
		if op.kind != history.CompareAndSet || op.returned > 0 || open>>op.number&1 == 1 {
			continue
		}
		a.swaps.add(a.proof) // its node has given it up: who sees its value proves it
		if touched > 0 && op.called >= touched {
			a.lateSwaps.add(a.proof)
		}
	}
	for place := range s.config.Nodes {
		l := &s.locals.states[st.locals[place]]
		a.resumes = a.resumes || l.progress.Resumes
		for _, op := range l.open {
			_, cost := s.inFlight(st, place, op)
			late := touched > 0 && ops[op.number-1].called >= touched
			a.all.add(cost)
			if late {
				a.late.add(cost)
			}
			if op.kind == history.CompareAndSet {
				if l.progress.Awaited != paxos.Accepted {
					cost += a.proof
				} else {
					cost = min(cost, a.proof)
				}
				a.swaps.add(cost)
				if late {
					a.lateSwaps.add(cost)
				}
			}
			a.mayResume = a.mayResume || op.kind != history.Read
		}
	}
	return a
}

// cheapest returns what so many of c cost at the least, where one of them may be reduced.
func (a *answers) cheapest(c *costs, things int) int {
	if things == 0 {
		return 0
	}
	return min(c.least(things), c.least(things-1)+a.reduced)
}

// costs are those of some things that may happen.
type costs struct {
	of [operationsMost]int
	n  int
}

func (c *costs) add(cost int) {
	c.of[c.n] = cost
	c.n++
}

// least returns what the cheapest of them cost together, never if there are fewer.
func (c *costs) least(things int) (total int) {
	if c.n < things {
		return never
	}
	slices.Sort(c.of[:c.n])
	for _, cost := range c.of[:things] {
		total += cost
	}
	return total
}

// inFlight bounds what is yet to be paid for an operation in flight: until its phase 1 is over, and
// until it is answered.
func (s *search) inFlight(st *state, place int, op openOp) (phase, all int) {
	b, p := &s.bound, &s.locals.states[st.locals[place]].progress
	after := 0 // phase 1
	if op.kind == history.Write {
		after = b.resumed
	}
	if p.Awaited == 0 {
		return 1 + b.read, 1 + b.read + after
	}
	cost := p.Missing
	if b.distinct {
		arrived := s.answersTo(st, place)
		switch {
		case !b.again:
			cost += max(0, p.Missing-arrived)
		case arrived == 0 && p.Missing > 0:
			cost++
		}
	}
	if p.Awaited == paxos.Promise {
		return cost, cost + after
	}
	return cost, cost
}

// answersTo counts the nodes that have sent an answer that the operation in flight waits for.
func (s *search) answersTo(st *state, place int) (nodes int) {
	p := &s.locals.states[st.locals[place]].progress
	for from := range s.config.Nodes {
		for _, id := range s.locals.states[st.locals[from]].sent[place] {
			m := &s.locals.messages[id]
			if m.Kind == p.Awaited && m.Ballot == p.Ballot && m.Nonce == p.Nonce {
				nodes++
				break
			}
		}
	}
	return nodes
}
