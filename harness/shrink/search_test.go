package shrink

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
	"ordeal/workloads"
)

// planOf returns a plan with so many operations and faults.
func planOf(operations, faults int) plan.Plan {
	p := plan.Default()
	p.Seed, p.Recovery = 1, 0
	p.Operations = workloads.Listing{}
	for i := range operations {
		p.Operations = append(p.Operations, workloads.Listed{
			At: time.Duration(i) * time.Millisecond, Client: i % p.Clients, Number: i + 1,
			Node: p.NodeNames()[i%p.Nodes], Kind: history.Read, Key: "k",
		})
	}
	var list nemesis.Schedule
	for range faults {
		list = append(list, nemesis.Fault{
			At: time.Second, For: time.Second, Kind: nemesis.Pause, Nodes: []string{"n1", "n2"},
		})
	}
	return withFaults(p, list.Ordered())
}

// numbers returns those of the operations.
func numbers(p plan.Plan) []int {
	var all []int
	for _, op := range p.Operations {
		all = append(all, op.Number)
	}
	return all
}

// An oracle that wants some operations and faults, all of them or one group of two.
type fake struct {
	one, other []int
	asked      atomic.Int64
}

func (f *fake) violates(p plan.Plan) bool {
	has := func(wanted []int) bool {
		for _, number := range wanted {
			if !slices.Contains(numbers(p), number) {
				return false
			}
		}
		return true
	}
	return has(f.one) || len(f.other) > 0 && has(f.other)
}

func (f *fake) judge(_ context.Context, p plan.Plan) (Judgement, error) {
	f.asked.Add(1)
	return Judgement{Violates: f.violates(p), Events: uint64(len(p.Operations))}, nil
}

// Whatever the oracle wants, in the end no single operation can be left out, and the number of
// workers changes neither that nor how many plans count.
func TestReduceEnds1Minimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 40).Draw(t, "count")
		subset := rapid.SliceOfNDistinct(rapid.IntRange(1, count), 0, min(count, 6), rapid.ID[int])
		f := &fake{one: subset.Draw(t, "one"), other: subset.Draw(t, "other")}
		var ends [2]search
		for i, workers := range []int{1, 3} {
			s := &ends[i]
			*s = search{oracle: f.judge, workers: workers, best: planOf(count, 0)}
			ops := s.best.Operations
			_, err := s.reduce(context.Background(), count, 2, func(kept []int) plan.Plan {
				p := s.best
				p.Operations = pick(ops, kept)
				return p
			})
			require.NoError(t, err)
		}
		require.Equal(t, ends[0].best, ends[1].best)
		require.Equal(t, ends[0].replays, ends[1].replays)
		best := ends[0].best
		require.True(t, f.violates(best))
		for i := range best.Operations {
			p := best
			p.Operations = slices.Delete(slices.Clone(p.Operations), i, i+1)
			require.False(t, f.violates(p), "%v", numbers(best))
		}
	})
}

func TestFirstIsTheFirstInOrder(t *testing.T) {
	f := &fake{one: []int{3}}
	s := search{oracle: f.judge, workers: 4, best: planOf(1, 0)}
	at, err := s.first(context.Background(), 8, func(i int) plan.Plan { return planOf(i, 0) })
	require.NoError(t, err)
	require.Equal(t, 3, at)
	require.Equal(t, 4, s.replays)

	// What is no plan is not asked about.
	before := f.asked.Load()
	at, err = s.first(context.Background(), 3, func(int) plan.Plan { return plan.Plan{} })
	require.NoError(t, err)
	require.Equal(t, -1, at)
	require.Equal(t, before, f.asked.Load())

	failed := errors.New("no")
	s.oracle = func(context.Context, plan.Plan) (Judgement, error) { return Judgement{}, failed }
	_, err = s.anyOf(context.Background(), []plan.Plan{planOf(1, 0)}, 1)
	require.ErrorIs(t, err, failed)
}

// What a run can be asked for by class is named once, and nothing that has no name.
func TestTheClassesOfARunAreNamedOnce(t *testing.T) {
	finding := func(verdict results.Verdict, class string) results.Finding {
		return results.Finding{Verdict: verdict, Class: class}
	}
	o := harness.Outcome{Findings: []results.Finding{
		finding(results.Inconclusive, "not recovered"), finding(results.Violation, ""),
		finding(results.Violation, "stale read"), finding(results.Violation, "lost write"),
		finding(results.Violation, "stale read"), finding(results.Violation, ""),
	}}
	_, err := classOf(o, "no such class")
	require.ErrorIs(t, err, ErrNoViolation)
	require.EqualError(t, err, `the run does not violate by a "no such class" `+
		`(accepted: one of ["stale read" "lost write"])`)
	class, err := classOf(o, "lost write")
	require.NoError(t, err)
	require.Equal(t, "lost write", class)

	// What is to stay has a name, if anything has one.
	class, err = classOf(o, "")
	require.NoError(t, err)
	require.Equal(t, "stale read", class)
	class, err = classOf(harness.Outcome{Findings: o.Findings[:2]}, "")
	require.NoError(t, err)
	require.Empty(t, class)
	_, err = classOf(harness.Outcome{Findings: o.Findings[:1]}, "")
	require.ErrorIs(t, err, ErrNoViolation)
}

// minimized runs all passes with an oracle.
func minimized(t *testing.T, p plan.Plan, judge func(plan.Plan) bool) plan.Plan {
	t.Helper()
	return minimizedAt(t, quick, p, judge)
}

// minimizedAt is minimized at a pace.
func minimizedAt(t *testing.T, at pace, p plan.Plan, judge func(plan.Plan) bool) plan.Plan {
	t.Helper()
	m := minimizer{
		search: &search{workers: 2, best: p, judged: Judgement{Events: 10}, oracle: func(
			_ context.Context, p plan.Plan,
		) (Judgement, error) {
			return Judgement{Violates: judge(p), Events: 10}, nil
		}},
		stage: func(string) {}, pace: at,
	}
	require.True(t, judge(p))
	require.NoError(t, m.run(context.Background()))
	require.NoError(t, m.best.Validate())
	return m.best
}

func TestEverythingThatIsNotNeededGoes(t *testing.T) {
	p := planOf(30, 5)
	p.Simulation.Order, p.Simulation.Loss = nemesis.Priority, 20
	least := minimized(t, p, func(plan.Plan) bool { return true })
	require.Empty(t, least.Operations)
	require.NotNil(t, least.Operations)
	require.Empty(t, least.Faults)
	require.Equal(t, plan.NodesMin, least.Nodes)
	require.Equal(t, nemesis.DefaultConditions(), least.Simulation)
	require.Equal(t, plan.TimeMin, least.Time)
}

// A fault that is needed loses what it does not need.
func TestFaultsBecomeSimpler(t *testing.T) {
	least := minimized(t, planOf(3, 4), func(p plan.Plan) bool {
		return slices.ContainsFunc(p.Faults, func(f nemesis.Fault) bool {
			return slices.Contains(f.Nodes, "n2") && f.For >= 100*time.Millisecond
		})
	})
	require.Len(t, least.Faults, 1)
	require.Len(t, least.Faults[0].Nodes, 1)
	require.Less(t, least.Faults[0].For, 200*time.Millisecond)
	require.Zero(t, least.Faults[0].At)

	p := planOf(0, 0)
	p = withFaults(p, nemesis.Schedule{
		{ID: "f1", At: time.Second, For: time.Second, Kind: nemesis.Partition, Name: "isolate-one",
			Cut: nemesis.Split([]string{"n5"}, []string{"n1", "n2", "n3", "n4"})},
		{ID: "f2", At: time.Second, For: time.Second, Kind: nemesis.Packets, Loss: 20,
			Links: nemesis.Split([]string{"n1"}, []string{"n2"})},
	})
	least = minimized(t, p, func(p plan.Plan) bool {
		return len(p.Faults) == 2 && len(p.Faults[0].Cut.Links()) > 0
	})
	require.Equal(t, plan.NodesMin, least.Nodes)
	require.Len(t, least.Faults[0].Cut.Links(), 1)
	require.Len(t, least.Faults[1].Links.Links(), 1)
	require.Equal(t, 100, least.Faults[1].Loss)
}

func TestOperationsComeTogether(t *testing.T) {
	p := planOf(2, 0)
	p.Operations[1].At = 9 * time.Second
	least := minimized(t, p, func(p plan.Plan) bool { return len(p.Operations) == 2 })
	require.Less(t, lasts(least), 2*quick.gap)
	require.Equal(t, plan.TimeMin, least.Time)
}

func TestWithoutNodeMovesTheOthersUp(t *testing.T) {
	p := planOf(5, 1)
	p.Faults[0].Nodes = []string{"n2", "n4"}
	q := withoutNode(p, "n2")
	require.Equal(t, 4, q.Nodes)
	var nodes []string
	for _, op := range q.Operations {
		nodes = append(nodes, op.Node)
	}
	require.Equal(t, []string{"n1", "n2", "n2", "n3", "n4"}, nodes)
	require.Equal(t, []string{"n3"}, q.Faults[0].Nodes)
	require.NoError(t, q.Validate())
	p.Faults[0].Nodes = []string{"n2"}
	require.Empty(t, withoutNode(p, "n2").Faults)
	require.Equal(t, []string{"n2"}, p.Faults[0].Nodes)
}

// What a steady shrinking keeps violates with almost any seed.
func TestSteadyWantsAlmostEverySeed(t *testing.T) {
	failing := map[uint64]bool{}
	oracle := steady(func(_ context.Context, p plan.Plan) (Judgement, error) {
		return Judgement{Violates: !failing[p.Simulation.Seed], Events: 1}, nil
	})
	judge := func() bool {
		judged, err := oracle(context.Background(), planOf(1, 0))
		require.NoError(t, err)
		return judged.Violates
	}
	require.True(t, judge())
	failing[3] = true
	require.True(t, judge())
	failing[5] = true
	require.False(t, judge())
	delete(failing, 3)
	failing[0] = true // the plan's own
	require.False(t, judge())
}

// Moving things apart keeps their order, and does nothing the second time.
func TestSpacedKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := planOf(rapid.IntRange(0, 5).Draw(t, "operations"), 0)
		for i := range p.Operations {
			p.Operations[i].At = time.Duration(rapid.IntRange(0, 3000).Draw(t, "at")) * 1e6
		}
		p.Operations = p.Operations.Ordered()
		var faults nemesis.Schedule
		for range rapid.IntRange(0, 3).Draw(t, "faults") {
			faults = append(faults, nemesis.Fault{
				At:   time.Duration(rapid.IntRange(0, 3000).Draw(t, "fault")) * 1e6,
				For:  time.Duration(rapid.IntRange(1, 900).Draw(t, "for")) * 1e6,
				Kind: nemesis.Pause, Nodes: []string{"n1"},
			})
		}
		p = withFaults(p, faults.Ordered())
		const gap = 300 * time.Millisecond
		q := spaced(p, gap, false)
		require.NoError(t, q.Validate())
		require.Equal(t, numbers(p), numbers(q))
		all := instants(q)
		for i, one := range all {
			require.True(t, i == 0 || one.at-all[i-1].at >= gap)
		}
		require.Equal(t, lasts(q), lasts(spaced(q, gap, false)))
	})
}

// Many operations that get in each other's way may do without the fault that few of them need. A
// steady shrinking keeps the fault.
func TestSteadyKeepsTheFaultThatSavesOperations(t *testing.T) {
	judge := func(p plan.Plan) bool {
		return len(p.Operations) >= 9 || len(p.Faults) > 0 && slices.Contains(numbers(p), 3)
	}
	least := minimizedAt(t, slow, planOf(20, 2), judge)
	require.Len(t, least.Faults, 1)
	require.Len(t, least.Operations, 1)
	require.GreaterOrEqual(t, least.Faults[0].For, slow.gap)
}
