package simulation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/results"
)

// campaignOf returns a campaign against nodes with a bug, "" for none.
func campaignOf(seed uint64, bug string) harness.Campaign {
	return harness.Campaign{
		Seed: seed, Start: start,
		Draw: func(seed uint64) plan.Plan { return plan.Swarm(seed, bug) },
	}
}

func TestACampaignGoesOnAfterAViolationAndGroups(t *testing.T) {
	c := campaignOf(1, "ignore-accepted")
	c.Runs = 60
	one, err := c.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, 60, one.Runs)
	require.Greater(t, one.Violating, 40)
	require.Greater(t, len(one.Groups), 1)
	require.Equal(t, results.Violation, one.Verdict())
	for _, g := range one.Groups {
		again := rehearse(t, g.Plan)
		require.Equal(t, g.Trace, again.Trace, "a plan is a run")
		require.Contains(t, results.Classes(again.Findings), g.Class)
		require.Equal(t, g.Events, again.Trace.Events)
	}

	// The number of workers changes nothing that the seed decides.
	c.Workers = 1
	two, err := c.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, one.Events, two.Events)
	require.Equal(t, one.Violating, two.Violating)
	require.Len(t, two.Groups, len(one.Groups))
}

func TestACampaignEndsAtItsBudgets(t *testing.T) {
	c := campaignOf(2, "ignore-accepted")
	c.Classes = 1
	found, err := c.Run(context.Background())
	require.NoError(t, err)
	require.NotEmpty(t, found.Groups)
	require.Less(t, found.Runs, 100)

	// What the end of the time cuts short is neither a run nor a finding.
	for range 20 {
		c = campaignOf(3, "")
		c.Time = 30 * time.Millisecond
		short, err := c.Run(context.Background())
		require.NoError(t, err)
		require.Empty(t, short.Groups)
	}
	over, stop := context.WithCancel(context.Background())
	stop()
	none, err := campaignOf(3, "").Run(over)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, none.Runs)
	require.Equal(t, results.Vacuous, none.Verdict())
}
