package harness

import (
	"iter"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
)

// A witnessed is a fake that sees everything, as an environment in virtual time does.
type witnessed struct{ *fake }

func (witnessed) Violations() iter.Seq2[string, string] { return maps.All(map[string]string(nil)) }
func (w witnessed) Trace() (uint64, string)             { return uint64(w.steps), "hash" }

func rehearsed(t *testing.T, p plan.Plan, f *fake) Outcome {
	t.Helper()
	o, err := Rehearsal{Plan: p, Start: func(plan.Plan) (Environment, error) {
		return witnessed{f}, nil
	}}.Run(t.Context())
	require.NoError(t, err)
	return o
}

func rehearsalPlan() plan.Plan {
	p := plan.Default()
	p.Seed, p.Nodes, p.Time, p.Recovery = 1, 3, time.Second, 20*time.Second
	p.Nemesis = []string{nemesis.None}
	return p
}

// Where time is virtual a cluster that never serves anything violates: nothing kept it from that.
func TestAClusterThatNeverServesViolatesInVirtualTime(t *testing.T) {
	f := newFake()
	f.refuse = func(history.Operation) bool { return true }
	o := rehearsed(t, rehearsalPlan(), f)
	require.Zero(t, o.Operations.OK)
	require.Len(t, o.Findings, 1)
	require.Equal(t, results.Violation, o.Findings[0].Verdict)
	require.Equal(t, classProgress, o.Class())

	require.Empty(t, rehearsed(t, rehearsalPlan(), newFake()).Findings)
}

// A node that goes on and does not come to the end is slow, which is no violation; one through
// which nothing succeeds for long is stuck.
func TestSlowIsNotStuck(t *testing.T) {
	for _, c := range []struct {
		recovery time.Duration
		latency  time.Duration
		refused  string
		want     results.Verdict
		says     string
	}{
		{2 * time.Second, 50 * time.Millisecond, "", results.Inconclusive, "keys are left"},
		{9 * time.Second, 50 * time.Millisecond, "n2", results.Inconclusive, "n2: 400 keys are left"},
		{20 * time.Second, time.Millisecond, "n2", results.Violation, "no progress for 20.00 s"},
	} {
		p := rehearsalPlan()
		p.Keys, p.Recovery = 400, c.recovery
		f := newFake()
		f.latency = c.latency
		f.refuse = func(op history.Operation) bool { return op.Node == c.refused }
		o := rehearsed(t, p, f)
		require.Len(t, o.Findings, 1, "%+v", c)
		require.Equal(t, c.want, o.Findings[0].Verdict, "%+v", o.Findings)
		require.Contains(t, o.Findings[0].What, c.says)
	}
}
