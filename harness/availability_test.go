package harness

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
)

// underFaults returns an environment of five nodes, and whether any fault is in force in it.
func underFaults() (f *fake, any func() bool) {
	f = newFake()
	f.nodes = plan.Default().NodeNames()
	active := make(map[string]bool)
	f.inject = func(fault nemesis.Fault) (history.Evidence, error) {
		active[fault.ID] = true
		return shown, nil
	}
	f.heal = func(fault nemesis.Fault) (history.Evidence, error) {
		delete(active, fault.ID)
		return shown, nil
	}
	return f, func() bool { return len(active) > 0 }
}

// A system that serves nothing while any fault is in force passes no run in which something can be
// asked of it, although the healthy seconds at the start and the end are fine. Faults that come and
// go cut a run into pieces too short to ask anything of: a node's span goes across them.
func TestSystemThatServesNothingUnderFaultsPassesNothing(t *testing.T) {
	// How many of 20 runs may leave too little to ask: nobody had a majority for long enough, or
	// what hangs let too few attempts end. Longer runs leave more.
	seeds := uint64(20)
	if raceEnabled {
		seeds = 2 // to be run is enough there; how many pass is counted without it
	}
	for _, test := range []struct {
		nemeses      []string
		length       time.Duration
		fails, hangs int
	}{
		{[]string{"partition", "kill"}, 20 * time.Second, 4, 17},
		{[]string{"partition", "kill"}, time.Minute, 0, 8},
		{[]string{"isolate-one"}, 20 * time.Second, 0, 8},
		{[]string{"partition", "pause", "stop"}, time.Minute, 4, 14},
	} {
		nemeses, most := test.nemeses, map[string]int{"fails": test.fails, "hangs": test.hangs}
		for name, spoil := range map[string]func(*fake, func() bool){
			"fails": func(f *fake, any func() bool) {
				f.refuse = func(history.Operation) bool { return any() }
			},
			"hangs": func(f *fake, any func() bool) { f.hangs = any },
		} {
			passed := 0
			for seed := range seeds {
				p := plan.Default()
				p.Seed, p.Rate, p.Nemesis, p.Time = seed+1, 300, nemeses, test.length
				f, any := underFaults()
				spoil(f, any)
				run := executeTest(t, f, Test{Plan: p})
				require.Contains(t, []results.Verdict{results.Pass, results.Inconclusive},
					run.Verdict, findings(run))
				if run.Verdict == results.Pass {
					passed++
					var asked results.Outcomes
					for _, s := range run.Spans {
						asked = asked.Plus(s.Attempts)
					}
					require.Less(t, asked.Total(), attemptsMin)
				}
			}
			t.Logf("%v for %v, %s: %d of %d pass", nemeses, test.length, name, passed, seeds)
			require.LessOrEqual(t, passed, most[name], "%v, %s", nemeses, name)
		}
	}
}

// The same faults with a system that serves are fine.
func TestSystemThatServesUnderFaultsPasses(t *testing.T) {
	withSpans := 0
	for seed := range uint64(20) {
		p := plan.Default()
		p.Seed, p.Rate = seed+1, 700
		f, _ := underFaults()
		run := executeTest(t, f, Test{Plan: p})
		require.Equal(t, results.Pass, run.Verdict, findings(run))
		if len(run.Spans) > 0 {
			withSpans++
		}
		for _, s := range run.Spans {
			require.True(t, s.Attempts.OK > 0 || !s.Asked)
		}
	}
	require.GreaterOrEqual(t, withSpans, 15)
}

// A node's span goes on while other faults come and go, and ends with its majority.
func TestSpansGoAcrossWindows(t *testing.T) {
	f, _ := underFaults()
	p := listed(
		isolated(1*time.Second, 4*time.Second, "n5"),
		faulty(nemesis.Kill, 2*time.Second, time.Second, "n4"),
		faulty(nemesis.Pause, 3500*time.Millisecond, 500*time.Millisecond, "n1", "n2"))
	p.Nodes = 5
	p.Clients = 5
	run := executeTest(t, f, Test{Plan: p})
	require.Equal(t, results.Pass, run.Verdict, findings(run))
	var got []string
	for _, s := range run.Spans {
		got = append(got, s.Node)
		require.Equal(t, time.Second, s.From.Round(100*time.Millisecond))
		require.Equal(t, 3500*time.Millisecond, s.To.Round(100*time.Millisecond))
		require.True(t, s.Asked)
	}
	require.Equal(t, []string{"n1", "n2", "n3"}, got, "n4 was killed in between")
}
