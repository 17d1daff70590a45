package simulation_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results/diagram"
	"ordeal/simulation"
	"ordeal/workloads"
)

// twoWrites is a plan of two operations on one key, at two nodes of three.
func twoWrites() plan.Plan {
	p := plan.Default()
	p.Seed, p.Nodes, p.Nemesis, p.Recovery = 1, 3, []string{nemesis.None}, 0
	p.Operations = workloads.Listing{
		{Client: 0, Number: 1, Node: "n1", Kind: history.Write, Key: "k1", Value: "1"},
		{At: 5 * time.Millisecond, Client: 1, Number: 1, Node: "n2", Kind: history.Read, Key: "k1"},
	}
	return p
}

// seen returns what an observer is told of a run, a line each, with a tally of it.
func seen(t *testing.T, p plan.Plan) (lines []string, tally *simulation.Tally) {
	t.Helper()
	require.NoError(t, p.Validate())
	tally = simulation.NewTally()
	_, err := harness.Rehearsal{Plan: p, Start: func(p plan.Plan) (harness.Environment, error) {
		return simulation.Start(simulation.Config{
			Seed: p.SimulationSeed(), Nodes: p.Nodes, Conditions: p.Simulation, Calm: p.Time,
			Observe: func(h simulation.Happening) {
				tally.Observe(h)
				text := h.At.String() + " " + h.Kind + " " + h.Node + " " + h.Detail
				if h.Message != nil {
					text += h.Message.String()
				}
				lines = append(lines, text)
			},
		})
	}}.Run(context.Background())
	require.NoError(t, err)
	return lines, tally
}

// Each datagram of a run, listed, is lost as it is sent, and until then nothing is different.
func TestAListedDatagramIsLost(t *testing.T) {
	p := twoWrites()
	before, tally := seen(t, p)
	all := tally.Until("", nil)
	require.GreaterOrEqual(t, len(all.Datagrams), 12)
	require.Len(t, all.Datagrams, all.Deliveries)
	require.Empty(t, all.Lost)
	for _, d := range all.Datagrams {
		q := p
		q.Simulation.Lose = []nemesis.Datagram{d}
		after, tally := seen(t, q)
		other := slices.IndexFunc(after, func(line string) bool {
			return strings.Contains(line, " "+simulation.KindLose+" ")
		})
		require.Positive(t, other, "%s", d)
		require.Equal(t, before[:other], after[:other], "%s", d)
		require.NotContains(t, tally.Until("", nil).Datagrams, d)
		require.Equal(t, []nemesis.Datagram{d}, tally.Until("", nil).Lost)
	}
}

// A timer that is listed runs out unheard: nothing is asked again until another one wakes the node.
func TestAListedTimerIsUnheard(t *testing.T) {
	p := twoWrites()
	p.Operations = p.Operations[:1]
	for _, to := range []string{"n2", "n3"} {
		p.Simulation.Lose = append(p.Simulation.Lose, nemesis.Datagram{
			From: "n1", To: to, Kind: "prepare", Operation: nemesis.OperationName{Number: 1},
			Occurrence: 1,
		})
	}
	before, tally := seen(t, p)
	require.Equal(t, 1, tally.Until("", nil).Timeouts)
	timer := tally.Until("", nil).Timers[0]
	require.Equal(t, "n1 timer 1 of c0.1", timer.String())

	p.Simulation.Mute = []nemesis.Timer{timer}
	after, tally := seen(t, p)
	muted := slices.IndexFunc(after, func(line string) bool {
		return strings.Contains(line, " "+simulation.KindMute+" ")
	})
	require.Positive(t, muted)
	require.Equal(t, before[:muted], after[:muted])
	require.Zero(t, tally.Until("", nil).Deliveries)
	// What is left is the operation's own end.
	require.Equal(t, []nemesis.Timer{{Node: "n1", Operation: timer.Operation, Occurrence: 2}},
		tally.Until("", nil).Timers)

	drawn := simulation.NewSequence(simulation.SequenceOptions{Key: "k1", Rows: 100})
	_, err := harness.Rehearsal{Plan: p, Start: func(p plan.Plan) (harness.Environment, error) {
		return simulation.Start(simulation.Config{
			Seed: p.SimulationSeed(), Nodes: p.Nodes, Conditions: p.Simulation, Calm: p.Time,
			Observe: drawn.Observe,
		})
	}}.Run(context.Background())
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, diagram.Text(&text, drawn.Diagram(), 0))
	require.Contains(t, text.String(), "timer: unheard, as it is listed")
	require.Contains(t, text.String(), "lost: prepare")
}

// A kind that there is not is refused, with those that there are.
func TestAListedDatagramOfNoKind(t *testing.T) {
	c := nemesis.DefaultConditions()
	c.Lose = []nemesis.Datagram{{From: "n1", To: "n2", Kind: "prepaer"}}
	err := simulation.CheckOmissions(c)
	require.EqualError(t, err, `simulation: lose: datagram 1: kind is "prepaer" (accepted: prepare, `+
		"promise, accept, accepted, refusal, query, report)")
	_, err = simulation.Start(simulation.Config{Nodes: 3, Conditions: c})
	require.Error(t, err)
}

// What a tally counts as the ends of processes are those that faults bring about.
func TestATallyCountsCrashes(t *testing.T) {
	p := twoWrites()
	p.Faults = nemesis.Schedule{
		{At: 2 * time.Millisecond, For: 10 * time.Millisecond, Kind: nemesis.Kill,
			Nodes: []string{"n2", "n3"}},
		{At: 50 * time.Millisecond, For: 10 * time.Millisecond, Kind: nemesis.Pause,
			Nodes: []string{"n1"}},
	}.Ordered()
	p.Operations[1].At = 100 * time.Millisecond
	_, tally := seen(t, p)
	require.Equal(t, 2, tally.Until("", nil).Crashes)
	some := tally.Until("no such class", []int64{1})
	require.Less(t, some.Size(), tally.Until("", nil).Size())
}
