package explore

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/node/paxos"
)

// A scripted search visits every state that a script of operations can reach at up to a cost, with
// no bound but that of unused events, and keeps every way from one to another. So it knows what a
// run through a state costs at the least, for each class.
type scripted struct {
	s      *search
	script []scriptedOp
	most   int
	places map[scriptedKey]int
	nodes  []scriptedNode
	layers [][]int
}

// A scriptedOp is an operation and where it is called.
type scriptedOp struct {
	callOf
	node uint8
}

type scriptedKey struct {
	state  state
	unused uint8
}

type scriptedNode struct {
	scriptedKey
	cost int
	// parents are where it was reached from, and at what cost.
	parents []scriptedStep
	// left is what was found to be paid yet at the least.
	left int
}

type scriptedStep struct{ from, cost int }

// statesMost bounds the states of one script.
const statesMost = 120_000

// slack is by how much a bound may be too high and still be found out.
const slack = 2

// within tells whether a past has no other operations than the script's, in its order.
func (x *scripted) within(st *state) bool {
	ops := x.s.pasts.all[st.past].ops
	for i, op := range ops {
		want := callOf{kind: op.kind, expected: op.expected}
		if i >= len(x.script) || want != x.script[i].callOf || op.node != x.script[i].node {
			return false
		}
	}
	return true
}

func (x *scripted) reach(from int, st *state, cost int, unused uint8) {
	least := cost
	least += x.s.least(st, unused)
	if least > x.most || !x.within(st) {
		return
	}
	said := x.s.unanswered(st, x.s.unproposed(st, x.s.bound.values))
	if said < never && cost+said-slack > x.most {
		return
	}
	key := scriptedKey{*st, unused}
	at, known := x.places[key]
	if !known {
		at = len(x.nodes)
		x.places[key] = at
		x.nodes = append(x.nodes, scriptedNode{scriptedKey: key, cost: cost, left: never})
		x.layers[cost] = append(x.layers[cost], at)
	}
	if n := &x.nodes[at]; cost < n.cost {
		n.cost = cost
		x.layers[cost] = append(x.layers[cost], at)
	}
	if from >= 0 {
		step := scriptedStep{from, cost - x.nodes[from].cost}
		x.nodes[at].parents = append(x.nodes[at].parents, step)
	}
}

// explore returns the cost of the smallest violation, never if there is none, and how many there
// are.
func (x *scripted) explore() (smallest, violations int, whole bool) {
	smallest, whole = never, true
	first := x.s.visits[0]
	x.reach(-1, &first.state, 0, 0)
	expanded := make(map[int]int)
	type ending struct{ at, cost int }
	var endings []ending
	for cost := range x.layers {
		for i := 0; i < len(x.layers[cost]); i++ {
			at := x.layers[cost][i]
			if x.nodes[at].cost != cost {
				continue
			}
			if _, done := expanded[at]; done {
				continue
			}
			expanded[at] = cost
			if len(x.nodes) > statesMost {
				whole = false
				break
			}
			n := x.nodes[at]
			x.s.visits = append(x.s.visits[:0], visit{n.state, none, uint8(n.cost), n.unused})
			x.s.walk = 0
			x.s.sought = func(st *state, cost int, unused uint8, violates bool) {
				if slices.ContainsFunc(x.s.trail, func(h hop) bool {
					return h.event.kind != Call && h.event.kind != Deliver || h.event.crashes
				}) {
					return
				}
				switch {
				case violates && cost <= x.most && x.within(st):
					violations++
					smallest = min(smallest, cost)
					endings = append(endings, ending{at, cost - n.cost})
				case !violates:
					x.reach(at, st, cost, unused)
				}
			}
			x.s.expand()
		}
	}
	// What is left to be paid goes back from the ends.
	todo := make([][]int, x.most+1)
	better := func(at, left int) {
		if left <= x.most && left < x.nodes[at].left {
			x.nodes[at].left = left
			todo[left] = append(todo[left], at)
		}
	}
	for _, e := range endings {
		better(e.at, e.cost)
	}
	for left := range todo {
		for i := 0; i < len(todo[left]); i++ {
			at := todo[left][i]
			if x.nodes[at].left != left {
				continue
			}
			for _, p := range x.nodes[at].parents {
				better(p.from, left+p.cost)
			}
		}
	}
	return smallest, violations, whole
}

// Whatever a state yet costs, the bound of the answers says no more: for scripts of operations, by
// a search that does not know it.
func TestWhatIsLeftCostsNoLessThanTheAnswersAreSaidTo(t *testing.T) {
	op := func(node uint8, kind history.Kind, expected uint8) scriptedOp {
		return scriptedOp{callOf{kind: kind, expected: expected}, node}
	}
	const write, read, swap = history.Write, history.Read, history.CompareAndSet
	scripts := [][]scriptedOp{
		{op(1, write, 0), op(2, read, 0), op(2, read, 0), op(2, read, 0)},
		{op(2, write, 0), op(3, swap, 0), op(3, read, 0), op(1, read, 0)},
		{op(2, write, 0), op(3, swap, 0), op(3, swap, 0)},
		{op(1, write, 0), op(3, read, 0), op(2, swap, 0)},
		{op(1, write, 0), op(3, read, 0), op(2, swap, 0), op(3, read, 0)},
		{op(1, swap, 0), op(3, read, 0), op(2, swap, 0)},
	}
	seen := 0
	for _, bug := range []string{
		"read-without-write-back", "failed-cas-without-write-back",
	} {
		for _, class := range []string{reappeared, twoWinners} {
			for _, script := range scripts {
				most := 8
				rulesOf := Config{Bug: bug, Class: class, OperationsMax: len(script), CostMax: most}
				c, err := rulesOf.withDefaults()
				require.NoError(t, err)
				rules, err := paxos.BugNamed(bug)
				require.NoError(t, err)
				c.plain = withoutAnswers
				x := &scripted{script: script, most: most, places: map[scriptedKey]int{},
					layers: make([][]int, most+1)}
				x.s = newSearch(c, newLocals(rules, c.Nodes, c.key(), false))
				smallest, violations, whole := x.explore()
				seen += violations
				x.s.config.plain = 0
				worst, example := 0, 0
				for at := range x.nodes {
					n := &x.nodes[at]
					if n.left >= never {
						continue
					}
					over := x.s.unanswered(&n.state, x.s.unproposed(&n.state, x.s.bound.values)) - n.left
					if over > worst {
						worst, example = over, at
					}
				}
				require.LessOrEqual(t, worst, 0, "%s: %s: %+v: at cost %d, with %d to pay: %+v", bug, class,
					script, x.nodes[example].cost, x.nodes[example].left,
					x.s.pasts.all[x.nodes[example].state.past])
				if violations > 0 {
					t.Logf("%s: %s: smallest %d, %d violations, %d states, all: %v", bug, class, smallest,
						violations, len(x.nodes), whole)
				}
			}
		}
	}
	require.Positive(t, seen)
}
