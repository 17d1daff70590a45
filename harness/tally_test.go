package harness

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/results"
)

// randomOperations returns operations in the order in which they ended, with few different times,
// so that they fall on the ends of what is asked for.
func randomOperations(random *rand.Rand, nodes []string) []history.Operation {
	ops := make([]history.Operation, random.IntN(200))
	outcomes := []history.Outcome{history.OK, history.Fail, history.Info}
	for i := range ops {
		ops[i].CallTime = time.Duration(random.IntN(50))
		ops[i].ReturnTime = ops[i].CallTime + time.Duration(random.IntN(10))
		ops[i].Outcome = outcomes[random.IntN(3)]
		ops[i].Node = nodes[random.IntN(len(nodes))]
	}
	slices.SortStableFunc(ops, func(a, b history.Operation) int {
		return cmp.Compare(a.ReturnTime, b.ReturnTime)
	})
	return ops
}

// attempts counts the operations that are asked for, one by one.
func attempts(ops []history.Operation, asked func(op history.Operation) bool) results.Outcomes {
	var count results.Outcomes
	for _, op := range ops {
		if asked(op) {
			count.Count(op.Outcome)
		}
	}
	return count
}

// What is counted on the way is what looking at all operations again for each question counts.
func TestTallyCountsWhatIsThere(t *testing.T) {
	nodes := []string{"n1", "n2", "n3"}
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 9))
		ops := randomOperations(random, nodes)
		tally := newTally()
		var times []time.Duration
		for range random.IntN(6) {
			at := time.Duration(random.IntN(60))
			times = append(times, at)
			tally.calls.ask(at)
			for _, node := range nodes {
				tally.node(node).first.ask(at)
			}
		}
		core := nodes[:1+random.IntN(3)]
		for from := time.Duration(random.IntN(5)); from < 60; {
			to := from + time.Duration(1+random.IntN(20))
			tally.windows = append(tally.windows, period{from: from, to: to, nodes: core})
			from = to + time.Duration(random.IntN(2)*random.IntN(10))
		}
		tally.node("n2").spans = slices.Clone(tally.windows)
		tally.begin()
		require.NoError(t, inMemory(ops).each(t.Context(), func(op *history.Operation) error {
			tally.count(op)
			return nil
		}))
		requireTallied(t, tally, ops, times, core)
	}
}

func requireTallied(
	t *testing.T, tally *tally, ops []history.Operation, times []time.Duration, core []string,
) {
	for _, from := range times {
		for _, to := range times {
			require.Equal(t, attempts(ops, func(op history.Operation) bool {
				return op.CallTime >= from && op.CallTime < to
			}), tally.calls.between(from, to))
		}
		for node, of := range tally.nodes {
			first := slices.IndexFunc(ops, func(op history.Operation) bool {
				return op.Node == node && op.Outcome == history.OK && op.ReturnTime >= from
			})
			took, found := of.first.within(from)
			require.Equal(t, first >= 0, found)
			if found {
				require.Equal(t, ops[first].ReturnTime-from, took)
			}
		}
	}
	for i, p := range tally.windows {
		in := func(op history.Operation) bool {
			return op.CallTime >= p.from && op.ReturnTime <= p.to && slices.Contains(core, op.Node)
		}
		require.Equal(t, attempts(ops, in), p.attempts)
		if len(tally.node("n2").spans) > 0 {
			require.Equal(t, attempts(ops, func(op history.Operation) bool {
				return in(op) && op.Node == "n2"
			}), tally.node("n2").spans[i].attempts)
		}
	}
}
