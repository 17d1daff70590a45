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
