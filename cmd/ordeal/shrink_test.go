package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/harness/shrink"
	"ordeal/results"
)

// A run that takes longer than the budget is cut, and what is said of it is true.
func TestShrinkKeepsItsBudget(t *testing.T) {
	root := t.TempDir()
	shrinking := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := execute(t.Context(), append(args, "--results", root), strings.NewReader(""), &out, &errs)
		return code, errs.String()
	}
	code, _ := shrinking("run", "--env", "sim", "--bug", "local-read", "--seed", "1", "--nemesis",
		"isolate-one", "--time", "3s", "--interval", "1s", "--clients", "30", "--quiet")
	require.Equal(t, results.Violation.ExitCode(), code)
	began := time.Now()
	code, errs := shrinking("shrink", "latest", "--budget", "1ms")
	require.Less(t, time.Since(began), time.Second)
	require.Equal(t, results.Inconclusive.ExitCode(), code, errs)
	require.Regexp(t, `(?m)^ordeal: run [0-9a-f-]+: nothing was made smaller: --budget 1ms was over `+
		`before its [1-9][0-9]+ operations \([1-9][0-9]+ events\) had been replayed once$`, errs)
	runs, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Len(t, runs, 2, "the run and the link to the latest")
}

// Where there is time for a replay and for nothing that is smaller, the result is the run itself.
func TestWhatIsNotMadeSmallerIsTheRunItself(t *testing.T) {
	const budget = 500 * time.Millisecond
	replays := 0
	p := plan.Swarm(1, "local-read")
	for seed := uint64(2); ; seed++ {
		o, err := harness.Rehearsal{Plan: p, Start: startSimulated}.Run(t.Context())
		require.NoError(t, err)
		if o.Class() == "stale read" {
			break
		}
		p = plan.Swarm(seed, "local-read")
	}
	r, err := shrink.Shrinking{
		Plan: p, Workers: 1, Time: budget, Start: func(p plan.Plan) (harness.Environment, error) {
			if replays++; replays > 1 {
				time.Sleep(budget)
			}
			return startSimulated(p)
		},
	}.Run(t.Context())
	require.NoError(t, err)
	require.False(t, r.Complete)
	require.Equal(t, 2, replays)
	require.Equal(t, p, r.Plan)
	require.Equal(t, r.Original, r.Minimal)
	require.Positive(t, r.Minimal.Operations)
	require.Equal(t, r.Minimal.Events, r.Trace.Events)
	require.Contains(t, r.What, "stale read")
	require.Less(t, r.Elapsed, budget+time.Second)

	s := shrunk{Run: "one", Result: r, Directory: "results/runs/one"}
	var out bytes.Buffer
	s.write(&out, false)
	require.Contains(t, out.String(), "nothing was made smaller: one replay of the run takes ")
}
