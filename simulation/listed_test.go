package simulation_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/workloads"
)

// listed returns the plan that lists everything that a rehearsal of another one called, with the
// faults that it drew.
func listed(t *testing.T, p plan.Plan) (plan.Plan, harness.Outcome) {
	t.Helper()
	o, ops, err := harness.Rehearsal{Plan: p, Start: start}.Record(context.Background())
	require.NoError(t, err)
	schedule, err := p.Schedule()
	require.NoError(t, err)
	p.Operations, p.Faults, p.Recovery = workloads.ListingOf(ops), schedule, 0
	if len(schedule) == 0 {
		p.Nemesis = []string{"none"}
	}
	for _, client := range p.Operations.Clients() {
		p.Clients = max(p.Clients, client+1)
	}
	return p, o
}

// A run whose operations are listed, as they were called, is the same run but for the questions
// whether nodes are up; and it is so once more after it was written and read.
func TestAListedRunIsTheRun(t *testing.T) {
	for seed := range uint64(60) {
		p, generated := listed(t, plan.Swarm(seed, "local-read"))
		require.NoError(t, p.Validate())
		again := rehearse(t, p)
		require.Equal(t, generated.Trace, again.Trace, "seed %d", seed)
		require.Equal(t, generated.Class(), again.Class(), "seed %d", seed)

		var text bytes.Buffer
		require.NoError(t, plan.Write(&text, p))
		read, err := plan.Read(&text, plan.Plan{})
		require.NoError(t, err)
		require.Equal(t, p, read)
	}
}

// To leave an operation out changes nothing about those that were called before it.
func TestWhatIsLeftOutShiftsNothingBefore(t *testing.T) {
	p, _ := listed(t, plan.Swarm(3, ""))
	p.Operations = p.Operations[:len(p.Operations)/2]
	_, ops, err := harness.Rehearsal{Plan: p, Start: start}.Record(context.Background())
	require.NoError(t, err)
	p.Operations = p.Operations[:len(p.Operations)-1]
	_, fewer, err := harness.Rehearsal{Plan: p, Start: start}.Record(context.Background())
	require.NoError(t, err)
	left := ops[:len(fewer)]
	for i := range left {
		if left[i].ReturnTime < ops[len(fewer)].CallTime {
			require.Equal(t, left[i].Result, fewer[i].Result)
			require.Equal(t, left[i].ReturnTime, fewer[i].ReturnTime)
		}
	}
}
