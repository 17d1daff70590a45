package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
)

// The picture of a violation ends when the last of its operations has returned, be it one that is
// part of it only by having been called.
func TestASequenceEndsWithTheLastAnswerOfItsViolation(t *testing.T) {
	late := func(i linearizability.Involved) bool {
		return i.Open && i.Operation.Outcome == history.OK
	}
	for seed := uint64(1); seed < 100; seed++ {
		run, _, err := keep(t.Context(), plan.Swarm(seed, "read-without-write-back"), t.TempDir())
		require.NoError(t, err)
		e, found := firstExplanation(run.Check)
		if !found || !slices.ContainsFunc(e.Operations, late) {
			continue
		}
		last := time.Duration(0)
		for _, i := range e.Operations {
			if i.Operation.Outcome == history.OK {
				last = max(last, i.ReturnTime)
			}
		}
		d, _, err := storyOf(run).draw(t.Context(), run)
		require.NoError(t, err)
		require.Positive(t, d.After, "seed %d", seed)
		require.Equal(t, last, d.Rows[len(d.Rows)-1], "seed %d", seed)
		return
	}
	require.Fail(t, "no violation has such an operation")
}

func TestAFewKeysAreNamed(t *testing.T) {
	keys := []string{"k1-1", "k1-2", "k1-3", "k2-1", "k2-2", "k2-3", "k2-4"}
	require.EqualError(t, noKey("x", keys),
		`the run has no key "x" (accepted: k1-1, k1-2, k1-3, k2-1, k2-2 and 2 more)`)
	require.EqualError(t, noKey("x", keys[:2]), `the run has no key "x" (accepted: k1-1, k1-2)`)
	require.EqualError(t, noKey("x", nil),
		`the run has no key "x" (accepted: none: nothing was called)`)
}
