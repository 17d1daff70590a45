package simulation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/node/paxos"
)

// A soon is how soon campaigns find a bug: the mean of the runs that it took 20 of them, with the
// first seeds and every strategy mixed, rounded up, and the worst of them.
type soon struct{ mean, worst int }

// measured is how soon they found each when this was written: "ordeal bugs --strategy mixed --json"
// tells (allRuns of 20, and runsMost).
var measured = map[string]soon{
	"accept-below-promise": {2, 2}, "accept-unchecked": {2, 2},
	"accept-keeps-old-promise": {2, 3}, "forget-promise": {4, 8}, "forget-accepted": {10, 34},
	"amnesia": {10, 23}, "damage-is-end": {12, 49}, "learn-from-minority": {18, 57},
	"redecide": {81, 232}, "ignore-accepted": {1, 1}, "adopt-any-value": {4, 16},
	"shared-ballots": {2, 2}, "small-quorum": {7, 23}, "half-quorum": {21, 73},
	"count-duplicates": {31, 94}, "stale-ballot-cache": {6, 18}, "livelock": {324, 1817},
	"local-read": {4, 13}, "read-without-write-back": {26, 66},
	"failed-cas-without-write-back": {12, 50}, "blind-retry": {3, 6},
	"unknown-as-failed": {20, 50},
}

// within is after how many runs a campaign must have found a bug: five times the mean, or twice the
// worst where that is more. A change of anything draws other plans, and keeps within that in 99 of
// 100 campaigns: each run is as likely to find the bug as the one before it. A change that does not
// may have made campaigns blind to something.
func (s soon) within() int { return max(5*s.mean, 2*s.worst) }

func TestCampaignsFindEveryBug(t *testing.T) {
	seeds, controls := 2, 200
	if raceEnabled || testing.Short() {
		seeds, controls = 1, 50
	}
	for _, bug := range paxos.Bugs() {
		found, recorded := measured[bug.Name]
		require.True(t, recorded, "%s was not measured: \"ordeal bugs\" does", bug.Name)
		most := found.within()
		cells, err := harness.Matrix{
			Bugs: []string{bug.Name}, Strategies: []plan.Strategy{plan.Mixed},
			Seeds: seeds, RunsMax: most, Start: start,
		}.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, seeds, cells[0].Found, "%s within %d runs", bug.Name, most)
		require.LessOrEqual(t, cells[0].RunsMost, most)
		require.NotZero(t, cells[0].Events)
	}
	cells, err := harness.Matrix{
		Bugs: []string{""}, Strategies: plan.Strategies(), Seeds: 1, RunsMax: controls, Start: start,
	}.Run(t.Context())
	require.NoError(t, err)
	for _, cell := range cells {
		require.Zero(t, cell.Found, "a false alarm: %+v", cell)
		require.Equal(t, controls, cell.AllRuns)
	}
}
