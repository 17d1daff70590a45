package simulation_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/harness/shrink"
	"ordeal/nemesis"
	"ordeal/results"
)

// A run that violates becomes one of a few operations, which is the same whatever the number of
// workers, violates in the same way, and needs each of its operations and faults.
func TestARunShrinks(t *testing.T) {
	bugs := []string{"amnesia", "local-read"}
	if raceEnabled {
		bugs = bugs[:1] // what runs beside each other is the same
	}
	for _, bug := range bugs {
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

// counted is what was counted of a plan's run until its violation, and whether that was there.
func counted(t *testing.T, p plan.Plan, class string) (nemesis.Tallied, bool) {
	t.Helper()
	var tally shrink.Tally
	o, _, err := harness.Rehearsal{Plan: p, Start: func(p plan.Plan) (harness.Environment, error) {
		env, watching, err := watch(p)
		tally = watching
		return env, err
	}}.Record(context.Background())
	require.NoError(t, err)
	violates := slices.ContainsFunc(o.Findings, func(f results.Finding) bool {
		return f.Verdict == results.Violation && f.Class == class
	})
	return tally.Until(class, o.Shown[class]), violates
}

// Of a run that is watched single messages are left out. In the end none can be left out so that
// the run becomes smaller, and none of the list can be spared.
func TestMessagesAreLeftOut(t *testing.T) {
	found := firstViolation(t, "shared-ballots", 1)
	s := shrink.Shrinking{Plan: found.Plan, Start: start, Watch: watch, Workers: 1}
	if raceEnabled {
		s.Workers = 3 // once is enough there
	}
	r, err := s.Run(context.Background())
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Equal(t, 2, r.Minimal.Operations)
	require.Equal(t, r.Trace, rehearse(t, r.Plan).Trace)
	requireNeeded(t, r)
	tallied, violates := counted(t, r.Plan, r.Class)
	require.True(t, violates)
	require.Equal(t, r.Minimal.Steps(), tallied.Size())
	require.LessOrEqual(t, tallied.Size(), 6)
	require.Less(t, tallied.Size(), r.Original.Steps()/4)
	require.Positive(t, r.Minimal.Omissions)

	for _, d := range tallied.Datagrams {
		p := r.Plan
		p.Simulation.Lose = append(slices.Clone(p.Simulation.Lose), d)
		less, violates := counted(t, p, r.Class)
		require.False(t, violates && less.Size() < tallied.Size(), "%s", d)
	}
	for i := range r.Plan.Simulation.Lose {
		p := r.Plan
		p.Simulation.Lose = slices.Delete(slices.Clone(p.Simulation.Lose), i, i+1)
		other, violates := counted(t, p, r.Class)
		require.True(t, !violates || other.Size() > tallied.Size(), "%s", r.Plan.Simulation.Lose[i])
	}
	if raceEnabled {
		return
	}
	s.Workers = 3
	again, err := s.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, r.Plan, again.Plan)
	require.Equal(t, r.Replays, again.Replays)
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
