package linearizability

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// The mutations of a legal history: each is what a mistake in a system, or in its harness, would
// make of it.
var mutations = map[string]func(*rand.Rand, []history.Operation) []history.Operation{
	"values are swapped": func(r *rand.Rand, ops []history.Operation) []history.Operation {
		a, b := &ops[r.IntN(len(ops))], &ops[r.IntN(len(ops))]
		a.Returned, b.Returned = b.Returned, a.Returned
		return ops
	},
	"an acknowledgement is moved": func(r *rand.Rand, ops []history.Operation) []history.Operation {
		// Back to the call: it had to happen at once. Nothing becomes illegal by waiting longer.
		op := &ops[r.IntN(len(ops))]
		if op.Return != history.NoReturn {
			op.Return = op.Call + r.Int64N(1+(op.Return-op.Call)/4)
		}
		return ops
	},
	"an operation is dropped": func(r *rand.Rand, ops []history.Operation) []history.Operation {
		place := r.IntN(len(ops))
		return slices.Delete(ops, place, place+1)
	},
}

// What a naive exhaustive checker says of a legal history that was mutated is what ours says: what
// became illegal is found, and what stayed legal is left alone.
func TestMutatedHistoriesAreJudgedAsByTheNaiveChecker(t *testing.T) {
	names := []string{
		"values are swapped", "an acknowledgement is moved", "an operation is dropped",
	}
	verdicts := map[string]map[Verdict]int{}
	for _, name := range names {
		verdicts[name] = map[Verdict]int{}
	}
	for seed := range histories(t) {
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		s := randomShape(random, naiveMax)
		s.mutations = 0
		legal := generate(random, s)
		name := names[seed%len(names)]
		ops := mutations[name](random, slices.Clone(legal))
		for i := range ops {
			ops[i].Process = i // a moved acknowledgement may overlap its process's next call
		}
		want := naive(ops)
		report := check(t, ops, Options{Explanations: -1})
		require.Equal(t, want, report.Verdict, "seed %d: %s", seed, name)
		verdicts[name][want]++
	}
	t.Log(verdicts)
	for name, v := range verdicts {
		require.Greater(t, v[Illegal], histories(t)/200, name)
		require.Greater(t, v[Legal], histories(t)/60, name)
	}
}
