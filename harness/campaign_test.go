package harness

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
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

// What is found is grouped by class and verdict; a plan that could not be run is a finding too, and
// only violations count as such.
func TestACampaignTellsViolationsFromTheRest(t *testing.T) {
	of := func(verdict results.Verdict, class string, events uint64) Outcome {
		return Outcome{
			Findings: []results.Finding{{Verdict: verdict, Class: class}},
			Trace:    results.Trace{Events: events}, Operations: results.Operations{OK: 1},
		}
	}
	var r CampaignReport
	r.count(tested{number: 5, outcome: of(results.Violation, "stale read", 10)}, 5*time.Second, nil)
	r.count(tested{number: 6, outcome: of(results.Inconclusive, "stale read", 20)}, 6*time.Second, nil)
	r.count(tested{number: 4, outcome: of(results.Violation, "stale read", 40)}, 7*time.Second, nil)
	r.count(tested{number: 3, err: errors.New("no world")}, 8*time.Second, nil)
	require.Equal(t, 3, r.Runs)
	require.Equal(t, 2, r.Violating)
	require.Equal(t, 1, r.Failed)
	require.Equal(t, 1, r.Violations())
	require.Len(t, r.Groups, 3)
	require.Equal(t, results.Violation, r.Verdict())

	// The number of the first run stands with when that one was.
	first := r.Groups[0]
	require.Equal(t, 2, first.Count)
	require.Equal(t, 4, first.First)
	require.Equal(t, 7*time.Second, first.After)
	require.Equal(t, uint64(70), first.FirstEvents)
	require.Equal(t, "no world", r.Groups[2].What)

	var cell MatrixCell
	cell.Classes = map[string]int{}
	cell.add(CampaignReport{Groups: r.Groups[1:]})
	require.Zero(t, cell.Found)
	require.Equal(t, results.Harness, cell.Worst)
	require.Equal(t, map[string]int{"inconclusive: stale read": 1, "harness: " + classPlan: 1},
		cell.Others)
	cell.add(r)
	require.Equal(t, 1, cell.Found)
	require.Equal(t, map[string]int{"stale read": 1}, cell.Classes)
}

// A campaign whose plans cannot be run ends, and says so.
func TestACampaignWhosePlansCannotBeRunEnds(t *testing.T) {
	c := Campaign{
		Seed: 1, Draw: func(uint64) plan.Plan { return rehearsalPlan() },
		Start: func(plan.Plan) (Environment, error) { return nil, errors.New("no world") },
	}
	r, err := c.Run(t.Context())
	require.NoError(t, err)
	require.Zero(t, r.Runs)
	require.GreaterOrEqual(t, r.Failed, failedMax)
	require.Equal(t, results.Harness, r.Verdict())
}
