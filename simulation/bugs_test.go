package simulation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/node/paxos"
)

// within is after how many runs at the most campaigns with the first seeds have found each bug: some
// three times of what the slowest of them took when this was written ("ordeal bugs --strategy
// mixed --seeds 3" tells). A change that makes one fall behind has made the campaign blind to
// something.
var within = map[string]int{
	"accept-below-promise": 10, "accept-unchecked": 10, "accept-keeps-old-promise": 10,
	"forget-promise": 20, "forget-accepted": 40, "amnesia": 50, "damage-is-end": 150,
	"learn-from-minority": 100, "redecide": 300, "ignore-accepted": 10, "adopt-any-value": 15,
	"shared-ballots": 10, "small-quorum": 20, "half-quorum": 120, "count-duplicates": 320,
	"stale-ballot-cache": 30, "livelock": 900, "local-read": 30, "read-without-write-back": 200,
	"failed-cas-without-write-back": 25, "blind-retry": 15, "unknown-as-failed": 120,
}

// TestCampaignsFindEveryBug is the detection matrix, reduced; "ordeal bugs" makes it whole.
func TestCampaignsFindEveryBug(t *testing.T) {
	seeds, controls := 2, 200
	if raceEnabled || testing.Short() {
		seeds, controls = 1, 50
	}
	for _, bug := range paxos.Bugs() {
		most, recorded := within[bug.Name]
		require.True(t, recorded, "%s has no bound: measure it with \"ordeal bugs\"", bug.Name)
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
