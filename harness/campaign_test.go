package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/results"
)

// The verdict of a campaign is the worst of what it found, also where nothing ever succeeded.
func TestTheVerdictOfACampaignIsTheWorst(t *testing.T) {
	found := func(verdicts ...results.Verdict) (groups []CampaignGroup) {
		for _, v := range verdicts {
			groups = append(groups, CampaignGroup{Verdict: v})
		}
		return groups
	}
	for _, c := range []struct {
		runs, idle int
		groups     []CampaignGroup
		want       results.Verdict
	}{
		{0, 0, nil, results.Vacuous},
		{3, 3, nil, results.Vacuous},
		{3, 2, nil, results.Pass},
		{3, 3, found(results.Violation), results.Violation},
		{3, 3, found(results.Harness), results.Harness},
		{3, 3, found(results.Inconclusive), results.Inconclusive},
		{0, 0, found(results.Harness), results.Harness},
		{3, 0, found(results.Inconclusive, results.Violation, results.Harness), results.Violation},
	} {
		r := CampaignReport{Runs: c.runs, Idle: c.idle, Groups: c.groups}
		require.Equal(t, c.want, r.Verdict(), "%+v", c)
	}
}
