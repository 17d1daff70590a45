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
	count := func(number int, o Outcome, err error) {
		r.count(tested{number, plan.Plan{}, o, err, time.Duration(number) * time.Second}, nil)
	}
	count(3, of(results.Inconclusive, "stale read", 20), nil)
	count(4, of(results.Violation, "stale read", 40), nil)
	count(5, of(results.Violation, "stale read", 10), nil)
	count(6, Outcome{}, errors.New("no world"))
	require.Equal(t, 3, r.Runs)
	require.Equal(t, 2, r.Violating)
	require.Equal(t, 1, r.Failed)
	require.Equal(t, 1, r.Violations())
	require.Len(t, r.Groups, 3)
	require.Equal(t, results.Violation, r.Verdict())

	// The number of the first run stands with when that one was.
	stale := r.Groups[1]
	require.Equal(t, 2, stale.Count)
	require.Equal(t, 4, stale.First)
	require.Equal(t, 4*time.Second, stale.After)
	require.Equal(t, uint64(60), stale.FirstEvents)
	require.Equal(t, uint64(10), stale.Events)
	require.Equal(t, "no world", r.Groups[2].What)

	var cell MatrixCell
	cell.Classes = map[string]int{}
	cell.add(CampaignReport{Groups: []CampaignGroup{r.Groups[0], r.Groups[2]}})
	require.Zero(t, cell.Found)
	require.Equal(t, results.Harness, cell.Worst)
	require.Equal(t, map[string]int{"inconclusive: stale read": 1, "harness: " + classPlan: 1},
		cell.Others)
	cell.add(r)
	require.Equal(t, 1, cell.Found)
	require.Equal(t, map[string]int{"stale read": 1}, cell.Classes)
}

// What a campaign finds is a matter of its plans and not of which of them is done first.
func TestACampaignCountsItsPlansInOrder(t *testing.T) {
	of := func(number int, class string) tested {
		o := Outcome{Operations: results.Operations{OK: 1}, Trace: results.Trace{Events: 10}}
		if class != "" {
			o.Findings = []results.Finding{{Verdict: results.Violation, Class: class}}
		}
		return tested{number: number, plan: plan.Plan{Seed: uint64(100 - number)}, outcome: o}
	}
	all := []tested{of(1, ""), of(2, "lost write"), of(3, "stale read"), of(4, "stale read"),
		of(5, "lost write")}
	gather := func(c Campaign, order ...int) (report CampaignReport, ended bool) {
		outcomes := make(chan tested, len(all))
		for _, number := range order {
			outcomes <- all[number-1]
		}
		close(outcomes)
		report = c.gather(time.Now(), outcomes, func() { ended = true })
		for i := range report.Groups {
			report.Groups[i].After = 0
		}
		return report, ended
	}
	for _, c := range []Campaign{
		{Wanted: []string{"stale read"}}, {Classes: 1}, {Classes: 2}, {},
		{Wanted: []string{"lost write", "stale read"}},
	} {
		want, ended := gather(c, 1, 2, 3, 4, 5)
		require.Equal(t, len(c.Wanted)+c.Classes > 0, ended)
		for _, order := range [][]int{{5, 4, 3, 2, 1}, {4, 1, 3, 2, 5}, {2, 3, 1, 5, 4}} {
			got, ended := gather(c, order...)
			require.Equal(t, want, got, "%v", order)
			require.Equal(t, len(c.Wanted)+c.Classes > 0, ended)
		}
	}
	found, _ := gather(Campaign{Wanted: []string{"stale read"}}, 4, 5, 3, 2, 1)
	require.Equal(t, 3, found.Runs)
	require.Equal(t, uint64(97), found.Groups[1].Plan.Seed)

	// What was cut short by the end of the time is not waited for.
	short, _ := gather(Campaign{}, 5, 2, 4)
	require.Equal(t, 3, short.Runs)
	require.Equal(t, 2, short.Groups[0].First)
}

// A run counts in the group of each class that it shows, and once among those that violate. Who
// looks for certain classes is told of one.
func TestARunCountsInTheGroupOfEachOfItsClasses(t *testing.T) {
	outcome := func(events uint64, findings ...results.Finding) tested {
		return tested{outcome: Outcome{
			Findings: findings, Trace: results.Trace{Events: events},
			Operations: results.Operations{OK: 1},
		}}
	}
	of := func(verdict results.Verdict, class, what string) results.Finding {
		return results.Finding{Verdict: verdict, Class: class, What: what}
	}
	both := outcome(10, of(results.Inconclusive, "not recovered", ""),
		of(results.Violation, "broken promise", "n1 promises"),
		of(results.Violation, "stale read", "c1 reads"), of(results.Violation, "stale read", "c2 reads"))
	one := outcome(5, of(results.Violation, "stale read", "c3 reads"))
	neither := outcome(3, of(results.Inconclusive, "not recovered", "slow"),
		of(results.Harness, "the loop", "it panicked"))
	var r CampaignReport
	for i, t := range []tested{both, one, neither} {
		t.number = i + 1
		r.count(t, nil)
	}
	require.Equal(t, 3, r.Runs)
	require.Equal(t, 2, r.Violating)
	require.Equal(t, 2, r.Violations())
	type line struct {
		class        string
		count, first int
		events       uint64
		what         string
	}
	var lines []line
	for _, g := range r.Groups {
		lines = append(lines, line{g.Class, g.Count, g.First, g.Events, g.What})
	}
	require.Equal(t, []line{
		{"broken promise", 1, 1, 10, "n1 promises"}, {"stale read", 2, 1, 5, "c3 reads"},
		{"not recovered", 1, 3, 3, "slow"}, {"the loop", 1, 3, 3, "it panicked"},
	}, lines)

	for wanted, want := range map[string]string{"stale read": "stale read", "x": "broken promise"} {
		var r CampaignReport
		r.count(both, []string{wanted})
		require.Len(t, r.Groups, 1)
		require.Equal(t, want, r.Groups[0].Class)
		require.Equal(t, 1, r.Violating)
	}

	// What a campaign of the matrix found is the first class of its first run.
	cell := MatrixCell{Classes: map[string]int{}}
	cell.add(r)
	require.Equal(t, map[string]int{"broken promise": 1}, cell.Classes)
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
