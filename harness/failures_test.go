package harness

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// What succeeds only after the faults says nothing of what happened under them.
func TestNothingSucceedsUnderFaultsIsVacuous(t *testing.T) {
	f := newFake()
	f.answer = func(_ history.Operation, r history.Result) history.Result {
		if f.now < testPlan().Time {
			return history.Result{Outcome: history.Fail, Error: "connection refused"}
		}
		return r
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.True(t, run.Recovery.Proved)
	require.NotZero(t, run.Operations.OK)
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Equal(t, "vacuous: no operation succeeded while faults were injected", findings(run))
}

func TestKindThatWasNotAttemptedIsVacuous(t *testing.T) {
	p := testPlan()
	p.Clients, p.Rate = 1, 0.2
	run, _ := execute(t, t.Context(), newFake(), p)
	require.Equal(t, results.Vacuous, run.Verdict, findings(run))
	require.Contains(t, findings(run), "was attempted while faults were injected")
}

// A node may end by the very last operation, and it takes a while until that is known.
func TestNodeThatEndsAtTheVeryEndIsHeardOf(t *testing.T) {
	f := newFake()
	died := false
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Final && !died {
			died = true
			f.After(time.Second, func() { f.onExit("n2", "exit code 2: panic", true) })
		}
		return r
	}
	f.probe = func(node string) error {
		if died && node == "n2" {
			return errors.New("connection refused")
		}
		return nil
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Violation, run.Verdict, findings(run))
	require.Len(t, run.Exits, 1)
}

func TestNodeThatEndsWhileTheRunIsStoppedIsHeardOf(t *testing.T) {
	f := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	f.interruptAt, f.interrupt = 3*time.Second, cancel
	f.After(3100*time.Millisecond, func() { f.onExit("n2", "exit code 2: panic", true) })
	run, _ := execute(t, ctx, f, testPlan())
	require.Equal(t, results.Violation, run.Verdict, findings(run))
}

func TestNodeThatSomebodyElseEndsIsNotAViolation(t *testing.T) {
	f := newFake()
	f.After(2*time.Second, func() { f.onExit("n2", "exit code 137", false) })
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.Contains(t, findings(run), "n2 ended at 2.00 s")
}

func TestFinalReadsThatNobodyAnswersAreInconclusive(t *testing.T) {
	f := newFake()
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Final && op.Node == "n3" {
			return history.Result{Outcome: history.Info, Error: "timeout"}
		}
		return r
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Inconclusive, run.Verdict, findings(run))
	require.Equal(t, "inconclusive: n3 recovered, and does not answer at the end", findings(run))
	require.NotZero(t, run.FinalReads.Unread)
}

func TestFinalReadsEndWhenTheirTimeIsOver(t *testing.T) {
	f := newFake()
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Final {
			f.latency = 3 * time.Second
		}
		return r
	}
	p := testPlan()
	p.OpsPerKey = 2
	run, directory := execute(t, t.Context(), f, p)
	require.NotZero(t, run.FinalReads.Unread)
	read, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	used, answered := map[string]bool{}, map[string]bool{}
	for _, op := range read.Operations() {
		used[op.Key] = true
		if op.Final && op.Outcome == history.OK {
			answered[op.Key] = true
		}
	}
	require.Equal(t, len(used)-len(answered), run.FinalReads.Unread, "every key is counted once")
	require.NotZero(t, run.FinalReads.Answered)
	require.Less(t, f.now, 60*time.Second)
}

// A deafEnvironment loses the answer to one operation.
type deafEnvironment struct {
	*fake
	lost bool
}

func (d *deafEnvironment) Invoke(
	op history.Operation, timeout time.Duration, done func(history.Result),
) {
	if !d.lost && d.now > time.Second {
		d.lost = true
		return
	}
	d.fake.Invoke(op, timeout, done)
}

func TestAnswerThatNeverComesDoesNotHoldTheRunUp(t *testing.T) {
	f := newFake()
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := Test{
		Plan: testPlan(), Directory: directory, Log: quiet,
		Start: func(context.Context) (Environment, error) {
			return &deafEnvironment{fake: f}, nil
		},
	}.Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.Contains(t, findings(run), "1 operations are not answered")
	require.Equal(t, 1, run.Operations.Info, "it is unknown")
	require.True(t, f.closed)
}

func TestPanicInTheLoopLosesNothing(t *testing.T) {
	f := newFake()
	f.answer = func(_ history.Operation, r history.Result) history.Result {
		if f.now > 2*time.Second {
			panic("a bug in the harness")
		}
		return r
	}
	run, directory := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.Contains(t, findings(run), "the loop panicked: a bug in the harness")
	require.True(t, f.closed)
	read, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	require.Len(t, read.Operations(), run.Operations.Total)
}

// The disk is full from the start of the history on: the run ends early, and says why.
func TestFullDiskEndsTheRunAndIsSaid(t *testing.T) {
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("no " + full)
	}
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(full, directory.Path(results.HistoryFile)))
	started := false
	run, err := Test{
		Plan: testPlan(), Directory: directory, Log: quiet,
		Start: func(context.Context) (Environment, error) {
			started = true
			return newFake(), nil
		},
	}.Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Harness, run.Verdict)
	require.Contains(t, findings(run), "no space left on device")
	require.False(t, started, "a run that cannot be recorded is not begun")
}

// That a record cannot be kept masks no violation.
func TestUnwritableDirectoryMasksNoViolation(t *testing.T) {
	f := newFake()
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Kind == history.Read {
			r.Returned = history.NewValue("never written")
		}
		return r
	}
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := Test{
		Plan: testPlan(), Directory: directory, Log: quiet,
		Start: func(context.Context) (Environment, error) {
			return f, os.Mkdir(directory.Path("."+results.RunFile+".tmp"), 0o755)
		},
	}.Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Violation, run.Verdict)
	require.Contains(t, findings(run), "harness: write run.json")
}

func TestLogsThatCannotBeCollectedAreSaid(t *testing.T) {
	f := newFake()
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := Test{
		Plan: testPlan(), Directory: directory, Log: quiet,
		Start: func(context.Context) (Environment, error) {
			return f, os.Remove(directory.LogsPath())
		},
	}.Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Harness, run.Verdict)
	require.Contains(t, findings(run), "collect the logs")
	require.True(t, f.closed)
}

func TestKeptEnvironmentIsNotClosed(t *testing.T) {
	f := newFake()
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := Test{
		Plan: testPlan(), Directory: directory, Log: quiet, Keep: true,
		Start: func(context.Context) (Environment, error) { return f, nil },
	}.Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Pass, run.Verdict, findings(run))
	require.False(t, f.closed)
}

// An interruption while the cluster starts is one; what failed in its clean-up is said as well.
func TestInterruptedStartSaysWhatFailed(t *testing.T) {
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	run, err := Test{
		Plan: testPlan(), Directory: directory, Log: quiet,
		Start: func(ctx context.Context) (Environment, error) {
			cancel()
			return nil, errors.Join(ctx.Err(), errors.New("2 containers are left"))
		},
	}.Execute(ctx)
	require.NoError(t, err)
	require.Equal(t, results.Interrupted, run.Verdict)
	require.Contains(t, findings(run), "2 containers are left")
}

func TestHealThatFailsIsTriedAgain(t *testing.T) {
	f := newFake()
	attempts := make(map[string]int)
	f.heal = func(fault nemesis.Fault) (history.Evidence, error) {
		if attempts[fault.ID]++; attempts[fault.ID] < healsMax {
			return history.Evidence{}, errors.New("the agent stalled")
		}
		return shown, nil
	}
	run, _ := execute(t, t.Context(), f, testPlan())
	require.Equal(t, results.Pass, run.Verdict, findings(run))
	for _, fault := range run.Faults {
		require.Equal(t, healsMax, attempts[fault.ID])
	}
}

// Recovery is proved key by key: with many keys and some failures it must not begin anew each time.
func TestRecoveryGoesOnWithTheKeysThatAreLeft(t *testing.T) {
	f := newFake()
	calls := 0
	f.answer = func(_ history.Operation, r history.Result) history.Result {
		if calls++; calls%20 == 0 {
			return history.Result{Outcome: history.Fail, Error: "not applied"}
		}
		return r
	}
	p := testPlan()
	p.Keys = 100
	run, _ := execute(t, t.Context(), f, p)
	require.True(t, run.Recovery.Proved, run.Recovery.Missing)
}

// Provers and readers are not clients of the load, and explanations must not call them so.
func TestEveryClientHasItsOwnNumber(t *testing.T) {
	_, directory := execute(t, t.Context(), newFake(), testPlan())
	read, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	nodes := make(map[int]string)
	for _, op := range read.Operations() {
		if op.Final {
			require.GreaterOrEqual(t, op.Client, testPlan().Clients)
			continue
		}
		if node, known := nodes[op.Client]; known {
			require.Equal(t, node, op.Node, "client %d", op.Client)
		}
		nodes[op.Client] = op.Node
	}
}

func TestClientsBackOffAndKeepTheirRate(t *testing.T) {
	d := &driver{env: newFake(), plan: testPlan()}
	c := &client{}
	failed := history.Operation{Result: history.Result{Outcome: history.Fail}}
	for _, want := range []time.Duration{25, 50, 100, 200, 400, 400} {
		require.Equal(t, want*time.Millisecond, d.pause(c, failed))
	}
	ok := history.Operation{Result: history.Result{Outcome: history.OK}}
	require.Equal(t, 10*time.Millisecond, d.pause(c, ok), "4 clients, 400 a second")
	require.Equal(t, 25*time.Millisecond, d.pause(c, failed), "a success ends the back-off")
	d.plan.Rate = 0
	require.Zero(t, d.pause(c, ok))
}

// Ctrl-C after the environment's failure does not make that unsaid.
func TestFailureIsSaidAlsoWhenTheRunIsInterruptedAfterIt(t *testing.T) {
	for name, at := range map[string]time.Duration{
		"before the interruption": 2 * time.Second, "while it is stopped": 3500 * time.Millisecond,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			ctx, cancel := context.WithCancel(t.Context())
			f.interruptAt, f.interrupt = 3*time.Second, cancel
			if at < f.interruptAt {
				f.interruptAt = at
			}
			f.After(at, func() { f.onFailure(errors.New("the engine is gone")) })
			run, _ := execute(t, ctx, f, testPlan())
			require.Equal(t, results.Interrupted, run.Verdict, findings(run))
			require.Contains(t, findings(run), "harness: the engine is gone")
			require.Contains(t, findings(run), "interrupted: stopped by hand")
		})
	}
}
