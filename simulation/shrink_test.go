package simulation_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/harness/shrink"
	"ordeal/nemesis"
)

// A run that violates becomes one of a few operations, which is the same whatever the number of
// workers, violates in the same way, and needs each of its operations and faults.
func TestARunShrinks(t *testing.T) {
	for _, bug := range []string{"local-read", "amnesia"} {
		found := firstViolation(t, bug, 1)
		s := shrink.Shrinking{Plan: found.Plan, Start: start, Workers: 1}
		r, err := s.Run(context.Background())
		require.NoError(t, err)
		require.True(t, r.Complete)
		require.Equal(t, found.Class, r.Class)
		require.LessOrEqual(t, r.Minimal.Faults, 3, bug)
		require.LessOrEqual(t, r.Minimal.Operations, 5, bug)
		require.Less(t, r.Minimal.Events, r.Original.Events/4)
		require.NotEmpty(t, r.What)

		require.Equal(t, r.Trace, rehearse(t, r.Plan).Trace)
		requireNeeded(t, r)
		if bug == "local-read" {
			continue
		}
		s.Workers = 3
		again, err := s.Run(context.Background())
		require.NoError(t, err)
		require.Equal(t, r.Plan, again.Plan)
		require.Equal(t, r.Replays, again.Replays)
	}
}

// requireNeeded requires that no fault and no operation can be left out.
func requireNeeded(t *testing.T, r shrink.Result) {
	t.Helper()
	for i := range r.Plan.Operations {
		p := r.Plan
		p.Operations = slices.Delete(slices.Clone(p.Operations), i, i+1)
		require.NotEqual(t, r.Class, rehearse(t, p).Class())
	}
	for i := range r.Plan.Faults {
		p := r.Plan
		p.Faults = slices.Delete(slices.Clone(p.Faults), i, i+1)
		if len(p.Faults) == 0 {
			p.Faults, p.Nemesis = nil, []string{nemesis.None}
		}
		require.NotEqual(t, r.Class, rehearse(t, p).Class())
	}
}

func TestWhatDoesNotViolateDoesNotShrink(t *testing.T) {
	_, err := shrink.Shrinking{Plan: plan.Swarm(1, ""), Start: start}.Run(context.Background())
	require.ErrorIs(t, err, shrink.ErrNoViolation)

	found := firstViolation(t, "local-read", 1)
	s := shrink.Shrinking{Plan: found.Plan, Start: start, Class: "nonesuch"}
	_, err = s.Run(context.Background())
	require.ErrorIs(t, err, shrink.ErrNoViolation)
	require.ErrorContains(t, err, found.Class)
}

// A run that takes longer than there is time is cut.
func TestShrinkingEndsAtItsTime(t *testing.T) {
	found := firstViolation(t, "local-read", 1)
	s := shrink.Shrinking{Plan: found.Plan, Start: start, Time: time.Nanosecond}
	_, err := s.Run(context.Background())
	require.ErrorIs(t, err, shrink.ErrNotReplayed)

	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = s.Run(over)
	require.ErrorIs(t, err, context.Canceled)
}
