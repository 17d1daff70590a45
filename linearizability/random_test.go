package linearizability

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// naiveMax is how many operations the naive checker can take: it tries all of their orders.
const naiveMax = 8

// histories is how many random histories are compared. ORDEAL_HISTORIES sets another number.
func histories(t *testing.T) int {
	text := os.Getenv("ORDEAL_HISTORIES")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// randomShape returns the shape of the n-th history.
func randomShape(random *rand.Rand, operationsMax int) shape {
	return shape{
		operations: 1 + random.IntN(operationsMax), processes: 1 + random.IntN(5),
		unknown: []int{0, 10, 40, 80}[random.IntN(4)], failed: random.IntN(10),
		repeated: random.IntN(4) == 0, blind: random.IntN(4) == 0, ties: random.IntN(3) == 0,
		mutations: random.IntN(3), decision: random.IntN(5) == 0,
	}
}

// Preparation, porcupine and the adapter between them against a checker that has none of them.
func TestRandomHistoriesAreJudgedAsByTheNaiveChecker(t *testing.T) {
	verdicts := map[Verdict]int{}
	prepared, bounded, dropped := 0, 0, 0
	g := newGuard(memoryDefault)
	defer g.close()
	for seed := range histories(t) {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		ops := generate(random, randomShape(random, naiveMax))
		want := naive(ops)
		raw, _ := search(t.Context(), newCalls(pointers(ops)), time.Minute, g)
		require.Equal(t, want, raw, "seed %d, without preparation", seed)
		report := check(t, ops, Options{Explanations: -1})
		require.Equal(t, want, report.Verdict, "seed %d", seed)
		verdicts[want]++
		for _, k := range report.Keys {
			bounded += k.Bounded
			dropped += k.Dropped
			if k.Unique {
				prepared++
			}
		}
	}
	t.Logf("%v, %d prepared: %d operations bounded, %d dropped",
		verdicts, prepared, bounded, dropped)
	n := histories(t)
	require.Greater(t, verdicts[Legal], n/4)
	require.Greater(t, verdicts[Illegal], n/8)
	require.Greater(t, prepared, n/4)
	require.Greater(t, bounded, n/10)
	require.Greater(t, dropped, n/4)
}

// What is reported of a violation must be one by itself, to a checker that shares no code with
// ours.
func TestExplanationsAreIllegalByThemselves(t *testing.T) {
	explained, large, operations, detached := 0, 0, 0, 0
	for seed := range histories(t) / 4 {
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		s := randomShape(random, 14)
		s.mutations = 1 + random.IntN(2)
		ops := generate(random, s)
		report := check(t, ops, Options{})
		for _, e := range report.Violations {
			require.Equal(t, Illegal, report.Verdict)
			require.True(t, e.Confirmed, "seed %d", seed)
			require.True(t, e.Minimal, "seed %d", seed)
			require.NotEmpty(t, e.Sentence)
			require.NotEmpty(t, e.Operations)
			if len(e.Operations) > naiveMax {
				large++
				continue
			}
			require.Equal(t, Illegal, naive(claimed(e)), "seed %d: %s", seed, e.Sentence)
			explained++
			operations += len(e.Operations)
			for _, in := range e.Operations {
				if in.Detached {
					detached++
				}
			}
		}
	}
	t.Logf("%d explanations of %.1f operations each, %d of them detached; %d too large to try",
		explained, float64(operations)/float64(explained), detached, large)
	require.Greater(t, explained, histories(t)/30)
	require.Positive(t, detached)
	require.Less(t, large, explained/10)
}

// claimed returns the operations of an explanation as it says that they count: one that is open
// had not returned, and of one that is detached only the new value matters.
func claimed(e Explanation) []history.Operation {
	var ops []history.Operation
	for _, in := range e.Operations {
		op := in.Operation
		op.Call, op.Return = in.Call, in.Return
		if in.Open {
			op.Return, op.Result = history.NoReturn, history.Result{Outcome: history.Info}
		}
		if in.Detached {
			op.Kind = history.Write
		}
		ops = append(ops, op)
	}
	return ops
}

// A larger history that a correct object served is legal, whatever the unknown outcomes are; one
// with a stale read is not, and the explanation names the read.
func TestAStaleReadInALargerHistoryIsFoundAndNamed(t *testing.T) {
	found := 0
	for seed := range 100 {
		random := rand.New(rand.NewPCG(uint64(seed), 3))
		ops := generate(random, shape{
			operations: 400, processes: 5, unknown: seed % 20, failed: 2})
		require.Equal(t, Legal, check(t, ops, Options{}).Verdict, "seed %d", seed)
		victim := makeStale(ops)
		if victim < 0 {
			continue
		}
		report := check(t, ops, Options{})
		require.Equal(t, Illegal, report.Verdict, "seed %d", seed)
		e := report.Violations[0]
		require.True(t, e.Confirmed)
		require.LessOrEqual(t, len(e.Operations), 6, "seed %d: %s", seed, e.Sentence)
		named := false
		for _, in := range e.Operations {
			named = named || in.Operation.ID == ops[victim].ID
		}
		require.True(t, named, "seed %d", seed)
		found++
	}
	require.Greater(t, found, 90)
}

// makeStale makes a late read return a value that a read long before it returned, after another
// read in between returned a third one. It returns the index of the read, or -1.
func makeStale(ops []history.Operation) int {
	var reads []int
	for i, op := range ops {
		if op.Kind == history.Read && op.Outcome == history.OK && op.Returned.IsSet() {
			reads = append(reads, i)
		}
	}
	for _, a := range reads {
		for _, b := range reads {
			for _, c := range reads {
				if ops[a].Return < ops[b].Call && ops[b].Return < ops[c].Call &&
					ops[a].Returned != ops[b].Returned && c > len(ops)*3/4 {
					ops[c].Returned = ops[a].Returned
					return c
				}
			}
		}
	}
	return -1
}
