package replica

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// walksToFind holds, for every bug, how many walks are enough to find it, about five times the
// mean: by anything that a walk looks at, and by the history alone, which is all that a test of
// real containers has. 0: the walks ask for no such thing. The history alone shows forget-promise
// once in 40,000 walks, shared-ballots once in 2,000 and stale-ballot-cache in none of 40,000,
// since an acceptor's assertion ends the walk first. Livelock breaks no safety: see
// liveness_test.go.
var walksToFind = map[string]struct{ looking, history uint64 }{
	"accept-below-promise":          {20, 300},
	"accept-unchecked":              {20, 150},
	"accept-keeps-old-promise":      {100, 4000},
	"forget-promise":                {200, 0},
	"forget-accepted":               {2700, 5500},
	"amnesia":                       {600, 2600},
	"damage-is-end":                 {600, 2500},
	"learn-from-minority":           {1000, 1000},
	"redecide":                      {5000, 5000},
	"ignore-accepted":               {10, 10},
	"adopt-any-value":               {200, 800},
	"shared-ballots":                {100, 0},
	"small-quorum":                  {500, 500},
	"half-quorum":                   {2000, 2000},
	"count-duplicates":              {500, 700},
	"stale-ballot-cache":            {1200, 0},
	"local-read":                    {100, 100},
	"read-without-write-back":       {6000, 6000},
	"failed-cas-without-write-back": {1200, 1200},
	"blind-retry":                   {250, 250},
	"unknown-as-failed":             {100, 100},
}

// A harness that does not find a planted bug finds nothing.
func TestTheWalksFindEveryBug(t *testing.T) {
	for _, bug := range paxos.Bugs() {
		if bug.Name == "livelock" {
			continue
		}
		t.Run(bug.Name, func(t *testing.T) {
			rules, err := paxos.BugNamed(bug.Name)
			require.NoError(t, err)
			most, ok := walksToFind[bug.Name]
			require.True(t, ok, "no bound is known")
			looking, history := false, most.history == 0
			for seed := uint64(0); seed < max(most.looking, most.history); seed++ {
				w := newWalk(seed, rules)
				found := w.run()
				if found.any() && !looking {
					require.Less(t, seed, most.looking)
					t.Logf("walk %d, %d steps: %+v", seed+1, w.cluster.steps, found)
				}
				if found.illegal && !history {
					require.Less(t, seed, most.history)
					t.Logf("walk %d, %d steps, by the history", seed+1, w.cluster.steps)
				}
				looking, history = looking || found.any(), history || found.illegal
				if looking && history {
					return
				}
			}
			t.Fatalf("not found: by looking %t, by the history %t", looking, history)
		})
	}
}

// The end of a process does not show what was written and not synced: the operating system has it.
// It takes the end of a machine.
func TestWhatIsOnlyWrittenSurvivesTheProcess(t *testing.T) {
	rules := planted(t, "forget-accepted")
	crashes := uint64(0)
	for seed := range uint64(6000) {
		w := newWalk(seed, rules)
		w.cluster.processes = true
		found := w.run()
		require.Falsef(t, found.any(), "seed %d: %+v\n%+v", seed, found, w.history)
		for _, m := range w.cluster.members {
			crashes += max(m.boot, 1) - 1
		}
	}
	require.Greater(t, crashes, uint64(6000/20))
}

// A seed gives the same walk, step by step.
func TestAWalkIsRepeatable(t *testing.T) {
	for seed := range uint64(50) {
		a, b := newWalk(seed, paxos.Correct()), newWalk(seed, paxos.Correct())
		require.Equal(t, a.run(), b.run())
		require.Equal(t, a.history, b.history)
		require.Equal(t, a.cluster.steps, b.cluster.steps)
		require.Equal(t, a.issued, b.issued)
	}
}

// The walks really do what they are meant to: an idle walk would find nothing, and pass.
func TestTheWalksAreNotIdle(t *testing.T) {
	outcomes, swapped, chosen := map[Outcome]int{}, 0, 0
	var total Stats
	crashes, wipes, damages := uint64(0), 0, 0
	const walks = 300
	for seed := range uint64(walks) {
		w := newWalk(seed, paxos.Correct())
		w.run()
		for _, r := range w.history {
			outcomes[r.outcome]++
			if r.swapped {
				swapped++
			}
		}
		chosen += len(w.issued)
		for _, m := range w.cluster.members {
			if m.wiped || m.damaged {
				require.Nil(t, m.replica, "it stays out")
				require.False(t, m.wiped && m.damaged)
				if m.wiped {
					wipes++
				} else {
					damages++
				}
				continue
			}
			crashes += m.boot - 1
			stats := m.replica.Stats()
			total.Refused += stats.Refused
			total.Resumed += stats.Resumed
			total.FastReads += stats.FastReads
			total.SlowReads += stats.SlowReads
		}
	}
	t.Logf("outcomes %v, swapped %d, proposals %d, crashes %d, wipes %d, damages %d, %+v",
		outcomes, swapped, chosen, crashes, wipes, damages, total)
	require.Greater(t, outcomes[Done], 4*walks)
	require.Greater(t, outcomes[NotApplied], walks/20)
	require.Greater(t, outcomes[Unknown], walks/20)
	for name, count := range map[string]uint64{
		"crashes": crashes, "refusals": total.Refused, "resumed ballots": total.Resumed,
		"fast reads": total.FastReads, "slow reads": total.SlowReads, "swaps": uint64(swapped),
		"wipes": uint64(wipes), "damages": uint64(damages),
	} {
		require.Greater(t, count, uint64(walks/20), name)
	}
}

// BenchmarkWalks reports the steps of replicas a second, with everything around them: delivering,
// watching and judging.
func BenchmarkWalks(b *testing.B) {
	steps := 0
	for seed := range uint64(b.N) {
		w := newWalk(seed, paxos.Correct())
		require.False(b, w.run().any())
		steps += w.cluster.steps
	}
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds(), "steps/s")
}
