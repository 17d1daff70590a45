package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/results"
)

// A run that was stopped by hand is not another one, whatever its verdict: it is a part of one.
func TestAnInterruptedRunIsNotCompared(t *testing.T) {
	run := func(verdicts ...results.Verdict) results.Run {
		r := results.Run{Verdict: results.Pass, Trace: &results.Trace{Events: 1, Hash: "x"}}
		for _, v := range verdicts {
			r.Find(results.Finding{Verdict: v, What: "it"})
		}
		return r
	}
	both := run(results.Interrupted, results.Violation)
	require.Equal(t, results.Violation, both.Verdict)
	for _, c := range []struct {
		recorded, again results.Run
		why             string
	}{
		{both, run(results.Violation), "the run was interrupted"},
		{run(results.Violation), both, "it was interrupted"},
	} {
		s, err := compareRuns(recorded{run: c.recorded}, c.again, results.Directory{})
		require.NoError(t, err)
		require.Equal(t, c.why, s.Why)
		require.Equal(t, "nothing to compare: "+c.why, s.String())
	}
}
