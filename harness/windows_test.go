package harness

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
)

// listed returns a plan with the given faults.
func listed(faults ...nemesis.Fault) plan.Plan {
	p := testPlan()
	p.Faults = nemesis.Schedule(faults).Ordered()
	return p
}

func faulty(kind nemesis.Kind, at, length time.Duration, nodes ...string) nemesis.Fault {
	return nemesis.Fault{Kind: kind, At: at, For: length, Nodes: nodes}
}

func isolated(at, length time.Duration, node string) nemesis.Fault {
	return nemesis.Fault{
		Kind: nemesis.Partition, Name: nemesis.NameIsolateOne, At: at, For: length,
		Nodes: []string{node},
	}
}

// failing makes some nodes refuse operations for a while.
func failing(f *fake, from, to time.Duration, nodes ...string) {
	f.refuse = func(op history.Operation) bool {
		return f.now >= from && f.now < to && slices.Contains(nodes, op.Node)
	}
}

func TestWindowsTellWhoHadAMajorityAndWhatWasAttempted(t *testing.T) {
	f := newFake()
	failing(f, 1*time.Second, 3*time.Second, "n3")
	run, _ := execute(t, t.Context(), f, listed(
		isolated(time.Second, 4*time.Second, "n3"),
		faulty(nemesis.Kill, 2500*time.Millisecond, time.Second, "n1"),
	))
	require.Equal(t, results.Pass, run.Verdict, findings(run))
	type window struct {
		faults, core []string
		asked        bool // in the window alone
	}
	var got []window
	for _, w := range run.Windows {
		if !w.Effective {
			require.LessOrEqual(t, w.To-w.From, 5*time.Millisecond, "while it is injected or healed")
			continue
		}
		if n := len(got); n > 0 && slices.Equal(got[n-1].faults, w.Faults) {
			continue
		}
		got = append(got, window{w.Faults, w.Core, w.Asked})
		require.Equal(t, len(w.Core) > 0, w.Attempts.Total() > 0)
	}
	require.Equal(t, []window{
		{[]string{"f1"}, []string{"n1", "n2"}, false}, // 1.5 s are too short
		{[]string{"f1", "f2"}, []string{}, false},
		{[]string{"f1"}, []string{"n1", "n2"}, false},
	}, got)
	require.InDelta(t, 400, run.Faults[0].Attempts.Total()/4, 100, "100 a second for each client")
	require.NotZero(t, run.Faults[0].Attempts.Fail)
	require.Equal(t, []string{"n1", "n2", "n3"}, keys(run.Faults[0].FirstOK))
	require.Equal(t, []string{"n1"}, keys(run.Faults[1].FirstOK))
	require.Equal(t, []string{"n1", "n2", "n3"}, keys(run.Recovery.FirstOK))
	for _, took := range run.Recovery.FirstOK {
		require.Less(t, took, 200*time.Millisecond)
	}
}

func keys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// Nodes with a majority, asked long and often enough, without one success: that is no pass.
func TestWindowWithoutAnySuccessIsInconclusive(t *testing.T) {
	f := newFake()
	failing(f, 1*time.Second, 4*time.Second, "n1", "n2", "n3")
	run, _ := execute(t, t.Context(), f, listed(isolated(time.Second, 3*time.Second, "n3")))
	require.Equal(t, results.Inconclusive, run.Verdict, findings(run))
	require.Contains(t, findings(run), "inconclusive: n1 n2 had a majority from 1.00 s to 4.00 s "+
		"under f1, and none of")
}

func TestSuccessIsNotAskedFor(t *testing.T) {
	down := []string{"n1", "n2", "n3"}
	for name, p := range map[string]plan.Plan{
		"where nobody has a majority": listed(
			isolated(time.Second, 3*time.Second, "n3"),
			faulty(nemesis.Pause, time.Second, 3*time.Second, "n1")),
		"for less than two timeouts": listed(
			isolated(2100*time.Millisecond, 1900*time.Millisecond, "n3")),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			failing(f, p.Faults[0].At, 4*time.Second, down...)
			run, _ := execute(t, t.Context(), f, p)
			require.Equal(t, results.Pass, run.Verdict, findings(run))
		})
	}
	t.Run("under a fault that did not bite", func(t *testing.T) {
		f := newFake()
		failing(f, 1*time.Second, 4*time.Second, down...)
		f.inject = func(nemesis.Fault) (history.Evidence, error) { return history.Evidence{}, nil }
		run, _ := execute(t, t.Context(), f, listed(isolated(time.Second, 3*time.Second, "n3")))
		require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	})
}

// A fault that bit while nobody attempted anything has tested nothing.
func TestFaultWithoutAttemptsIsVacuous(t *testing.T) {
	p := listed(isolated(4050*time.Millisecond, 100*time.Millisecond, "n3"))
	p.Rate, p.Clients = 4, 4
	f := newFake()
	run, _ := execute(t, t.Context(), f, p)
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Equal(t, "vacuous: nothing was attempted while a partition was in force", findings(run))
}

// Clients that talk to a dead port.
func TestClientsWithoutAnyServerAreVacuous(t *testing.T) {
	f := newFake()
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Client < testPlan().Clients {
			return history.Result{Outcome: history.Fail, Error: "connection refused"}
		}
		return r
	}
	p := listed(isolated(time.Second, time.Second, "n3"))
	run, _ := execute(t, t.Context(), f, p)
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Contains(t, findings(run), "no operation succeeded while faults were injected")
}

func TestWipedNodeIsAskedNothingAnyMore(t *testing.T) {
	f := newFake()
	f.probe = func(node string) error {
		if node == "n2" {
			return errors.New("stays out")
		}
		return nil
	}
	wiped := faulty(nemesis.Wipe, time.Second, time.Second, "n2")
	failing(f, time.Second, time.Hour, "n2")
	run, directory := execute(t, t.Context(), f, listed(wiped))
	require.Equal(t, results.Pass, run.Verdict, findings(run))
	require.Equal(t, []string{"n2"}, run.Recovery.Lost)
	require.Equal(t, []string{"n1", "n3"}, keys(run.Recovery.Nodes))
	require.Equal(t, []string{"n1", "n3"}, keys(run.Recovery.FirstOK))
	require.Zero(t, run.FinalReads.Unread)
	read, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	for _, op := range read.Operations() {
		require.False(t, op.Final && op.Node == "n2")
	}
	for _, w := range run.Windows {
		require.Equal(t, []string{"n1", "n3"}, w.Core)
	}
}

// A node that was wiped has no part in any later window, though no fault holds it any more.
func TestWipedNodeStaysOutOfLaterWindows(t *testing.T) {
	f := newFake()
	f.probe = func(node string) error {
		if node == "n2" {
			return errors.New("stays out")
		}
		return nil
	}
	run, _ := execute(t, t.Context(), f, listed(
		faulty(nemesis.Wipe, time.Second, time.Second, "n2"),
		isolated(3*time.Second, 2500*time.Millisecond, "n3")))
	require.Equal(t, results.Pass, run.Verdict, findings(run))
	for _, w := range run.Windows {
		require.Equal(t, w.Faults[0] == "f1", len(w.Core) > 0)
	}
}

func TestMajorityThatIsLostIsNotRecoveredFrom(t *testing.T) {
	f := newFake()
	p := listed(faulty(nemesis.Wipe, time.Second, time.Second, "n1", "n2"))
	require.ErrorContains(t, p.Validate(), "the schedule wipes n1 n2 over the whole run, 2 of 3")
	p.DataLoss = plan.DataLossExpected
	require.NoError(t, p.Validate())
	run, _ := execute(t, t.Context(), f, p)
	require.Equal(t, results.Inconclusive, run.Verdict, findings(run))
	require.Equal(t, "inconclusive: the cluster did not recover: n1 n2 of 3 nodes lost their disks, "+
		"and no majority is left", findings(run))
}

func TestFaultThatCannotBeInjectedHereIsSkippedWithItsReason(t *testing.T) {
	why := errors.New("the engine cannot pause: mount the freezer")
	f := newFake()
	f.unable = map[nemesis.Kind]error{nemesis.Pause: why}
	f.inject = func(fault nemesis.Fault) (history.Evidence, error) {
		require.NotEqual(t, nemesis.Pause, fault.Kind)
		return shown, nil
	}
	run, _ := execute(t, t.Context(), f, listed(
		faulty(nemesis.Pause, time.Second, time.Second, "n1"),
		faulty(nemesis.Kill, 3*time.Second, time.Second, "n1")))
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Equal(t, "vacuous: no pause of the schedule was shown to bite: "+why.Error(),
		findings(run))
	require.Equal(t, history.Skipped, run.Faults[0].Phase)
	require.Equal(t, why.Error(), run.Faults[0].Reason)
	require.True(t, run.Faults[1].Effective)
}

func TestFaultThatIsRequiredAndCannotBeInjectedEndsTheRun(t *testing.T) {
	f := newFake()
	f.unable = map[nemesis.Kind]error{nemesis.Pause: errors.New("the engine cannot pause")}
	p := listed(faulty(nemesis.Pause, time.Second, time.Second, "n1"))
	run := executeTest(t, f, Test{Plan: p, Require: true})
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.Equal(t, "harness: a pause is required: the engine cannot pause", findings(run))
	require.True(t, f.closed)
	require.Zero(t, run.Operations.Total)
}

// When the environment can do no more the run ends, and what was recorded is judged.
func TestFailureOfTheEnvironmentEndsTheRun(t *testing.T) {
	f := newFake()
	f.After(2*time.Second, func() { f.onFailure(errors.New("the engine is gone")) })
	run, directory := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.Equal(t, "harness: the engine is gone", findings(run))
	require.Less(t, f.now, 5*time.Second)
	require.True(t, f.closed)
	require.NotNil(t, run.Check)
	read, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	require.Len(t, read.Operations(), run.Operations.Total)
	require.NotZero(t, run.Operations.OK)
}
