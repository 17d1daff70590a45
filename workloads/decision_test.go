package workloads_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/workloads"
)

func TestDecisionsAreProposedLearnedAndAskedForAgain(t *testing.T) {
	w := newWorkload(t, "decision", workloads.Options{Clients: 10, Keys: 5, Nodes: five})
	require.Equal(t, "decision", w.Model())
	newest, count := map[int]string{}, map[string]int{}
	for i := range 20000 {
		op := own(t, w, i%10)
		at := place(t, op.Key)
		old := "live "
		if newer(t, newest[at], op.Key) {
			old = "old "
		} else {
			newest[at] = op.Key
		}
		count[old+string(op.Kind)]++
	}
	require.InDelta(t, 7000, count["live propose"], 300)
	require.InDelta(t, 8000, count["live learn"], 300)
	require.InDelta(t, 3400, count["old learn"], 300)
	require.InDelta(t, 1600, count["old propose"], 300)
}

// newer tells whether key a stood at its place after key b.
func newer(t require.TestingT, a, b string) bool {
	return a != "" && number(t, a) > number(t, b)
}

func TestOldDecisionsAreAskedForAtEveryNodeSoonAndMuchLater(t *testing.T) {
	w := newWorkload(t, "decision", workloads.Options{Clients: 5, Keys: 1, Nodes: five})
	newest, soon, late := 0, map[string]int{}, map[string]int{}
	for i := range 20000 {
		op := next(t, w, i%5)
		newest = max(newest, number(t, op.Key))
		switch ago := newest - number(t, op.Key); {
		case ago > 100:
			late[op.Node]++
		case ago > 0 && ago < 5:
			soon[op.Node]++
		}
	}
	require.Greater(t, newest, 512, "far enough for every distance")
	for _, node := range five {
		require.Greater(t, soon[node], 200)
		require.Greater(t, late[node], 60)
	}
}

func TestEveryLearnerIsAskedForALiveKey(t *testing.T) {
	w := newWorkload(t, "decision", workloads.Options{
		Clients: 5, Keys: 1, OperationsPerKey: 100, Nodes: five,
	})
	var operations []history.Operation
	for i := range 100 {
		operations = append(operations, next(t, w, i%5))
	}
	count := asked(operations)
	for _, node := range five {
		require.Positive(t, count["learn d1-1 "+node])
		require.Positive(t, count["propose d1-1 "+node])
	}
}

func TestRecoveryOfDecisionsProposesAndLearns(t *testing.T) {
	w := newWorkload(t, "decision", workloads.Options{Clients: 1, Keys: 2, Nodes: five})
	operations := w.Recovery("n2")
	require.Equal(t, map[string]int{
		"propose d1-1 n2": 1, "learn d1-1 n2": 1, "propose d2-1 n2": 1, "learn d2-1 n2": 1,
	}, asked(operations))
	require.Equal(t, history.Propose, operations[0].Kind)
}

func TestTheFinalReadsOfDecisions(t *testing.T) {
	w := newWorkload(t, "decision", workloads.Options{
		Clients: 1, Keys: 1, OperationsPerKey: 1, Nodes: five[:2],
	})
	newest := 0
	for newest < 8 {
		newest = max(newest, number(t, next(t, w, 0).Key))
	}
	count := asked(finals(t, w, five[:2]))
	want := map[string]int{
		"propose d1-8 n1": 1, "learn d1-8 n1": 1, "propose d1-8 n2": 1, "learn d1-8 n2": 1,
	}
	for _, recent := range []string{"d1-7", "d1-6", "d1-5", "d1-4"} {
		want["learn "+recent+" n1"], want["learn "+recent+" n2"] = 1, 1
	}
	want["learn d1-3 n2"], want["learn d1-2 n1"], want["learn d1-1 n2"] = 1, 1, 1
	require.Equal(t, want, count)
}

func TestTheFinalProposalsAreNewValues(t *testing.T) {
	w := newWorkload(t, "decision", workloads.Options{Clients: 1, Keys: 1, Nodes: five})
	seen := map[history.Value]bool{}
	for range 10 {
		if op := next(t, w, 0); op.Kind == history.Propose {
			seen[op.Value] = true
		}
	}
	for _, op := range finals(t, w, five) {
		if op.Kind == history.Propose {
			require.NotContains(t, seen, op.Value)
			seen[op.Value] = true
		}
	}
	require.Greater(t, len(seen), 5)
}
