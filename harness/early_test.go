package harness

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// violating returns an environment in which one answer, after a time, is of a value that nobody
// wrote.
func violating(after time.Duration) *fake {
	f := newFake()
	violated := false
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if !violated && f.now > after && r.Returned.IsSet() {
			violated = true
			r.Returned = history.NewValue("never written")
		}
		return r
	}
	return f
}

func failFast() plan.Plan {
	p := testPlan()
	p.FailFast = true
	return p
}

func TestViolationEndsARunEarlyWithFailFast(t *testing.T) {
	for _, workload := range []string{"register", "decision"} {
		t.Run(workload, func(t *testing.T) {
			p := failFast()
			p.Workload = workload
			f := violating(2 * time.Second)
			run := executeTest(t, f, Test{Plan: p, Virtual: true})
			require.Equal(t, results.Violation, run.Verdict, findings(run))
			require.Equal(t, 1, run.ExitCode)
			require.True(t, f.closed)
			require.NotNil(t, run.EndedEarly)
			require.Contains(t, findings(run), run.EndedEarly.Key+" is not")
			require.Greater(t, run.EndedEarly.At, 2*time.Second)
			require.Less(t, run.EndedEarly.At, 4*time.Second)
			require.Less(t, f.now, run.EndedEarly.At+exitGrace+time.Second)
			for _, finding := range run.Findings {
				require.Equal(t, results.Violation, finding.Verdict, finding.What)
			}
			require.NotEmpty(t, run.Faults)
			for _, fault := range run.Faults {
				require.True(t, fault.Healed, fault)
			}
			require.Zero(t, run.Operations.Info, "what is in flight may end")
			again := executeTest(t, violating(2*time.Second), Test{Plan: p, Virtual: true})
			require.Equal(t, run.EndedEarly, again.EndedEarly)
			require.Equal(t, run.Operations, again.Operations)
			require.Equal(t, run.Faults, again.Faults)
		})
	}
}

// Without --fail-fast a violation is told of when it is found, and the run is what it would be if
// nobody looked.
func TestViolationIsToldOfAtOnceAndChangesNothingWithoutFailFast(t *testing.T) {
	record := func(test Test) (results.Run, string, string) {
		told := ""
		test.Progress = func(p Progress) {
			if p.Violation != "" && told == "" {
				told = p.Violation
				require.Less(t, p.Elapsed, 4*time.Second)
				require.Equal(t, string(phaseLoad), p.Phase)
			}
		}
		var err error
		test.Plan = testPlan()
		test.Directory, err = results.Create(t.TempDir(), "run")
		require.NoError(t, err)
		run, err := inFake(violating(2*time.Second), test).Execute(t.Context())
		require.NoError(t, err)
		text, err := os.ReadFile(test.Directory.Path(results.HistoryFile))
		require.NoError(t, err)
		return run, told, string(text)
	}
	run, told, text := record(Test{Virtual: true})
	require.Equal(t, results.Violation, run.Verdict, findings(run))
	require.Nil(t, run.EndedEarly)
	require.True(t, run.Recovery.Proved)
	require.NotZero(t, run.FinalReads.Answered)
	require.Regexp(t, `^the history of k\d+-\d+ is illegal$`, told)
	blind, told, same := record(Test{
		Virtual: true,
		illegal: func(context.Context, batch) ([]string, error) { return nil, nil },
	})
	require.Empty(t, told)
	require.Equal(t, text, same)
	require.Equal(t, findings(run), findings(blind))
}

func TestNodeThatEndsByItselfEndsTheRunWithFailFast(t *testing.T) {
	f := newFake()
	f.After(2*time.Second, func() { f.onExit("n2", "exit code 2: panic", true) })
	run := executeTest(t, f, Test{Plan: failFast()})
	require.Equal(t, results.Violation, run.Verdict, findings(run))
	require.Equal(t, &results.EarlyFinding{At: 2 * time.Second, Node: "n2"}, run.EndedEarly)
	require.Len(t, run.Findings, 1)
	require.Less(t, f.now, 4*time.Second)
}

func TestNodeThatIsKilledFromOutsideDoesNotEndTheRun(t *testing.T) {
	f := newFake()
	f.After(2*time.Second, func() { f.onExit("n2", "exit code 137", false) })
	run := executeTest(t, f, Test{Plan: failFast()})
	require.Nil(t, run.EndedEarly)
	require.Equal(t, results.Harness, run.Verdict)
}

// After the load the run takes its course, and is judged as one that came to its end.
func TestViolationAfterTheLoadDoesNotEndTheRun(t *testing.T) {
	f := newFake()
	told := false
	f.answer = func(op history.Operation, r history.Result) history.Result {
		if op.Final && !told {
			told = true
			f.onExit("n2", "exit code 2: panic", true)
		}
		return r
	}
	run := executeTest(t, f, Test{Plan: failFast()})
	require.Equal(t, results.Violation, run.Verdict, findings(run))
	require.Nil(t, run.EndedEarly)
	require.Zero(t, run.FinalReads.Unread)
}

func TestCorrectRunWithFailFastPasses(t *testing.T) {
	for _, inline := range []bool{false, true} {
		run := executeTest(t, newFake(), Test{Plan: failFast(), Virtual: inline})
		require.Equal(t, results.Pass, run.Verdict, findings(run))
		require.Nil(t, run.EndedEarly)
	}
}

// Ctrl-C while a violation ends the run is one as well, but did not end it.
func TestInterruptionOfARunThatEndsEarly(t *testing.T) {
	f := violating(2 * time.Second)
	first := executeTest(t, f, Test{Plan: failFast(), Virtual: true})
	f = violating(2 * time.Second)
	ctx, cancel := context.WithCancel(t.Context())
	f.interruptAt, f.interrupt = first.EndedEarly.At+time.Millisecond, cancel
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err := inFake(f, Test{
		Plan: failFast(), Directory: directory, Virtual: true,
	}).Execute(ctx)
	require.NoError(t, err)
	require.Equal(t, results.Violation, run.Verdict, findings(run))
	require.Equal(t, first.EndedEarly, run.EndedEarly)
	require.Contains(t, findings(run), "interrupted: the run was stopped by hand")
	require.NotContains(t, findings(run), "stopped by hand during")
}

// A slowFake takes real time once something is wrong, so that a judge beside the loop can see it.
type slowFake struct{ *fake }

func (s slowFake) Step(ctx context.Context) error {
	if s.now > 3*time.Second {
		time.Sleep(time.Millisecond)
	}
	return s.fake.Step(ctx)
}

// The judge beside the loop, as a run has it: keys that rotate, and keys that never do.
func TestJudgeBesideTheLoopEndsARunEarly(t *testing.T) {
	for name, perKey := range map[string]int{"rotating": 50, "one key": 100_000} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			p := failFast()
			p.Time, p.OpsPerKey, p.Rate, p.Keys = 30*time.Second, perKey, 1000, 1
			f := violating(2 * time.Second)
			directory, err := results.Create(t.TempDir(), "run")
			require.NoError(t, err)
			test := inFake(f, Test{Plan: p, Directory: directory})
			test.Start = func(context.Context) (Environment, error) { return slowFake{f}, nil }
			run, err := test.Execute(t.Context())
			require.NoError(t, err)
			require.Equal(t, results.Violation, run.Verdict, findings(run))
			require.NotNil(t, run.EndedEarly)
			require.Less(t, run.EndedEarly.At, 30*time.Second)
		})
	}
}

// A judge that takes for ever holds up neither the loop nor the end, and has one batch at a time.
func TestSlowJudgeDoesNotSlowTheLoop(t *testing.T) {
	for name, interrupted := range map[string]bool{"to the end": false, "interrupted": true} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := newFake()
			if interrupted {
				f.interruptAt, f.interrupt = 3*time.Second, cancel
			}
			var batches atomic.Int32
			directory, err := results.Create(t.TempDir(), "run")
			require.NoError(t, err)
			run, err := inFake(f, Test{
				Plan: failFast(), Directory: directory,
				illegal: func(ctx context.Context, _ batch) ([]string, error) {
					batches.Add(1)
					<-ctx.Done()
					return nil, ctx.Err()
				},
			}).Execute(ctx)
			require.NoError(t, err)
			want := results.Pass
			if interrupted {
				want = results.Interrupted
			}
			require.Equal(t, want, run.Verdict, findings(run))
			require.LessOrEqual(t, batches.Load(), int32(1))
		})
	}
}

// What the judge beside the loop found is not lost if the check at the end has no answer, and is
// Ordeal's failure if it has another.
func TestEarlyFindingAgainstTheCheckAtTheEnd(t *testing.T) {
	check := func(v linearizability.Verdict) *results.Check {
		return &results.Check{Linearizability: linearizability.Report{
			Keys: []linearizability.KeyReport{{Key: "k", Verdict: v}},
		}}
	}
	found := &results.EarlyFinding{At: 2 * time.Second, Key: "k"}
	unlisted := check(linearizability.Illegal)
	unlisted.Linearizability.Keys[0].Key = "another"
	unlisted.Linearizability.Counts.Illegal = 2
	f, differs := compare(unlisted, found)
	require.True(t, differs)
	require.Equal(t, results.Violation, f.Verdict, "the key may be among those that are not listed")
	_, differs = compare(check(linearizability.Illegal), found)
	require.False(t, differs)
	_, differs = compare(check(linearizability.Legal), nil)
	require.False(t, differs)
	_, differs = compare(check(linearizability.Legal), &results.EarlyFinding{Node: "n1"})
	require.False(t, differs)
	for verdict, want := range map[linearizability.Verdict]results.Verdict{
		linearizability.Unknown:  results.Violation,
		linearizability.Disputed: results.Violation,
		linearizability.Legal:    results.Harness,
	} {
		f, differs := compare(check(verdict), found)
		require.True(t, differs)
		require.Equal(t, want, f.Verdict)
		require.Contains(t, f.What, "the history of k is illegal, as was found at 2.00 s")
	}
}

// A false alarm of the judge ends the run, and is called what it is.
func TestFalseAlarmIsOrdealsOwnFailure(t *testing.T) {
	run := executeTest(t, newFake(), Test{
		Plan: failFast(), Virtual: true,
		illegal: func(_ context.Context, b batch) ([]string, error) {
			return []string{b.keys[0].name}, nil
		},
	})
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.NotNil(t, run.EndedEarly)
	require.Contains(t, findings(run), "finds it legal: Ordeal is wrong")
}
