package harness

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
)

func testPlan() plan.Plan {
	p := plan.Default()
	p.Seed, p.Nodes, p.Clients, p.Keys, p.OpsPerKey = 7, 3, 4, 2, 50
	p.Time, p.Interval = 6*time.Second, time.Second
	p.Recovery = 5 * time.Second
	p.Rate = 400
	return p
}

// execute runs a test in a fake environment and returns its record and its directory.
func execute(
	t *testing.T, ctx context.Context, f *fake, p plan.Plan,
) (results.Run, results.Directory) {
	t.Helper()
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := inFake(f, Test{Plan: p, Directory: directory}).Execute(ctx)
	require.NoError(t, err)
	return run, directory
}

// inFake completes a test that takes place in a fake environment.
func inFake(f *fake, test Test) Test {
	test.Run, test.Log = results.Run{ID: "run"}, quiet
	test.Start = func(context.Context) (Environment, error) { return f, nil }
	return test
}

// executeTest runs a test in a fake environment and returns its record.
func executeTest(t *testing.T, f *fake, test Test) results.Run {
	t.Helper()
	var err error
	test.Directory, err = results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := inFake(f, test).Execute(t.Context())
	require.NoError(t, err)
	return run
}

// findings returns what was found, one a line, after its verdict.
func findings(run results.Run) string {
	var lines []string
	for _, f := range run.Findings {
		lines = append(lines, string(f.Verdict)+": "+f.What)
	}
	return strings.Join(lines, "\n")
}

func TestRunOfACorrectSystemPasses(t *testing.T) {
	for _, workload := range []string{"register", "decision"} {
		t.Run(workload, func(t *testing.T) {
			p := testPlan()
			p.Workload = workload
			f := newFake()
			run, directory := execute(t, t.Context(), f, p)
			require.Equal(t, results.Pass, run.Verdict, findings(run))
			require.Equal(t, 0, run.ExitCode)
			require.True(t, f.closed)
			require.True(t, run.Recovery.Proved)
			require.Len(t, run.Recovery.Nodes, 3)
			require.NotZero(t, run.FinalReads.Answered)
			require.Zero(t, run.FinalReads.Unread)
			require.NotEmpty(t, run.Faults)
			for _, fault := range run.Faults {
				require.True(t, fault.Effective && fault.Healed, fault)
			}
			saved, err := directory.Load()
			require.NoError(t, err)
			require.Equal(t, run.Operations, saved.Operations)
			read, err := history.ReadFile(directory.Path(results.HistoryFile))
			require.NoError(t, err)
			require.Empty(t, read.Cut)
			require.Len(t, read.Operations(), run.Operations.Total)
			require.FileExists(t, directory.Path("logs/n1.log"))
		})
	}
}

// The directory's scenario, run again, has the same faults: targets are resolved.
func TestScheduleOfARunCanBeRunAgain(t *testing.T) {
	run, directory := execute(t, t.Context(), newFake(), testPlan())
	file, err := os.Open(directory.Path(results.ScheduleFile))
	require.NoError(t, err)
	defer file.Close()
	again, err := plan.Read(file, plan.Default())
	require.NoError(t, err)
	require.NotEmpty(t, again.Faults)
	second, _ := execute(t, t.Context(), newFake(), again)
	require.Equal(t, run.Faults, second.Faults)
	require.Equal(t, run.Operations, second.Operations)
}

func TestStaleReadIsAViolation(t *testing.T) {
	f := newFake()
	reads := 0
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Kind == history.Read && r.Returned.IsSet() {
			if reads++; reads == 40 {
				r.Returned = history.Value{}
			}
		}
		return r
	}
	run, directory := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Violation, run.Verdict, findings(run))
	require.Equal(t, 1, run.ExitCode)
	require.Contains(t, findings(run), "is not linearizable")
	require.Len(t, run.Check.Pages, 1)
	require.FileExists(t, directory.Path(run.Check.Pages[0]))
}

func TestNodeThatEndsUnaskedIsAViolation(t *testing.T) {
	f := newFake()
	f.After(2*time.Second, func() { f.onExit("n2", "exit code 2: panic: paxos: …", true) })
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Violation, run.Verdict)
	require.Contains(t, findings(run), "n2 ended at 2.00 s without having been asked to")
	require.Len(t, run.Exits, 1)
}

func TestHealThatIsNotProvedIsTheHarnesssFailure(t *testing.T) {
	answers := map[string]func(nemesis.Fault) (history.Evidence, error){
		"not shown": func(nemesis.Fault) (history.Evidence, error) {
			return history.Evidence{}, nil
		},
		"error": func(nemesis.Fault) (history.Evidence, error) {
			return history.Evidence{}, errors.New("the agent of n1 does not answer")
		},
	}
	for name, heal := range answers {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.heal = heal
			run, _ := execute(t, t.Context(), f, testPlan())
			require.Equal(t, results.Harness, run.Verdict, findings(run))
			require.Equal(t, 2, run.ExitCode)
			require.Contains(t, findings(run), "is not proved to be healed")
		})
	}
}

func TestEnvironmentThatDoesNotAnswerAFaultIsNotWaitedForForever(t *testing.T) {
	f := newFake()
	silent := &silentEnvironment{fake: f}
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := Test{
		Plan: testPlan(), Directory: directory,
		Log:   slog.New(slog.NewTextHandler(io.Discard, nil)),
		Start: func(context.Context) (Environment, error) { return silent, nil },
	}.Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.Contains(t, run.Faults[0].Reason, "no answer within 40s")
}

// A silentEnvironment never answers a fault.
type silentEnvironment struct{ *fake }

func (silentEnvironment) Inject(nemesis.Fault, func(history.Evidence, error)) {}
func (silentEnvironment) Heal(nemesis.Fault, func(history.Evidence, error))   {}

func TestFaultsThatDoNotBiteMakeTheRunVacuous(t *testing.T) {
	f := newFake()
	f.inject = func(nemesis.Fault) (history.Evidence, error) { return history.Evidence{}, nil }
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Equal(t, 4, run.ExitCode)
	require.Contains(t, findings(run), "no partition of the schedule was shown to bite")
	require.Contains(t, findings(run), "no kill of the schedule was shown to bite")
}

// A fault that had lost its effect before its end does not count, whatever it showed at first.
func TestFaultThatIsGoneBeforeItsEndDoesNotCount(t *testing.T) {
	f := newFake()
	f.heal = func(nemesis.Fault) (history.Evidence, error) {
		return history.Evidence{Measurements: []history.Measurement{{
			Subject: "n1→n2", What: "probes arrived", When: "end", Value: "12", Shows: false,
		}, {
			Subject: "n1→n2", What: "probes arrived", When: "after", Value: "14", Shows: true,
		}}}, nil
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.True(t, run.Faults[0].Healed)
	require.False(t, run.Faults[0].Effective)
}

func TestSkippedFaultsAreRecordedAndDoNotCount(t *testing.T) {
	f := newFake()
	f.inject = func(fault nemesis.Fault) (history.Evidence, error) {
		if fault.Kind == nemesis.Kill {
			return history.Evidence{}, nemesis.ErrPrecondition
		}
		return shown, nil
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Equal(t, "vacuous: no kill of the schedule was shown to bite: "+
		nemesis.ErrPrecondition.Error(), findings(run))
}

func TestClusterThatDoesNotRecoverIsInconclusive(t *testing.T) {
	f := newFake()
	f.probe = func(node string) error {
		if node == "n3" {
			return errors.New("connection refused")
		}
		return nil
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Inconclusive, run.Verdict, findings(run))
	require.Equal(t, 3, run.ExitCode)
	require.Contains(t, findings(run), "n3: connection refused")
}

func TestNothingSucceedsIsVacuous(t *testing.T) {
	f := newFake()
	f.answer = func(history.Operation, history.Result) history.Result {
		return history.Result{Outcome: history.Fail, Error: "connection refused"}
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Equal(t, "vacuous: no operation succeeded while faults were injected", findings(run))
	require.False(t, run.Recovery.Proved)
}

func TestProcessOfUnknownOutcomeIsNeverUsedAgain(t *testing.T) {
	f := newFake()
	calls := 0
	f.answer = func(_ history.Operation, r history.Result) history.Result {
		if calls++; calls%7 == 0 {
			return history.Result{Outcome: history.Info, Error: "timeout"}
		}
		return r
	}
	_, directory := execute(t, t.Context(), f, testPlan())
	// The reader refuses a history in which a process goes on after an unknown outcome.
	read, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	unknown := 0
	for _, op := range read.Operations() {
		if op.Outcome == history.Info {
			unknown++
		}
	}
	require.Greater(t, unknown, 50)
}

func TestInterruptedRunKeepsWhatWasRecorded(t *testing.T) {
	f := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	f.interruptAt, f.interrupt = 3*time.Second, cancel
	run, directory := execute(t, ctx, f, testPlan())
	require.Equal(t, results.Interrupted, run.Verdict, findings(run))
	require.Equal(t, 130, run.ExitCode)
	require.True(t, f.closed)
	read, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	require.Len(t, read.Operations(), run.Operations.Total)
	require.Greater(t, run.Operations.OK, 100)
	// What is in flight may end, and what is in force is healed, and recorded so.
	require.Zero(t, run.Operations.Info)
	require.NotEmpty(t, run.Faults)
	for _, fault := range run.Faults {
		require.True(t, fault.Healed, fault)
	}
}

// Faults that are still being injected when a run is interrupted are healed as well, and those that
// are not due yet are never begun.
func TestInterruptedRunHealsWhatIsBeingInjected(t *testing.T) {
	f := newFake()
	f.faultLatency = 500 * time.Millisecond
	p := testPlan()
	p.Faults = nemesis.Schedule{
		{ID: "f1", At: 2900 * time.Millisecond, For: time.Second, Kind: nemesis.Kill,
			Nodes: []string{"n1"}},
		{ID: "f2", At: 3100 * time.Millisecond, For: time.Second, Kind: nemesis.Kill,
			Nodes: []string{"n2"}},
	}
	ctx, cancel := context.WithCancel(t.Context())
	f.interruptAt, f.interrupt = 3*time.Second, cancel
	run, _ := execute(t, ctx, f, p)
	require.Equal(t, results.Interrupted, run.Verdict, findings(run))
	require.Len(t, run.Faults, 1)
	require.True(t, run.Faults[0].Healed)
}

func TestInterruptedRunThatViolatesSaysSo(t *testing.T) {
	f := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	f.interruptAt, f.interrupt = 3*time.Second, cancel
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Kind == history.Read {
			r.Returned = history.NewValue("never written")
		}
		return r
	}
	run, _ := execute(t, ctx, f, testPlan())
	require.Equal(t, results.Violation, run.Verdict)
	require.Equal(t, 1, run.ExitCode)
}

// A cleanup that fails is the harness's failure, and does not keep a violation from being found.
func TestFailedCleanupDoesNotCancelTheAnalysis(t *testing.T) {
	f := newFake()
	f.closeError = errors.New("the engine is gone")
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Kind == history.Read {
			r.Returned = history.NewValue("never written")
		}
		return r
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Violation, run.Verdict)
	require.Contains(t, findings(run), "harness: remove the cluster: the engine is gone")
}

func TestClusterThatDoesNotStartIsTheHarnesssFailure(t *testing.T) {
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := Test{
		Plan: testPlan(), Directory: directory,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Start: func(context.Context) (Environment, error) {
			return nil, errors.New("cannot reach the Docker engine")
		},
	}.Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Harness, run.Verdict)
	require.Equal(t, "harness: cannot reach the Docker engine", findings(run))
	require.FileExists(t, directory.Path(results.ScheduleFile))
}
