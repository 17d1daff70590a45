package simulation_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/harness/shrink"
	"ordeal/nemesis"
	"ordeal/simulation"
)

// start makes the world of a plan.
func start(p plan.Plan) (harness.Environment, error) {
	return simulation.Start(simulation.Config{
		Seed: p.SimulationSeed(), Nodes: p.Nodes, Bug: p.Bug, Conditions: p.Simulation, Calm: p.Time,
	})
}

// watch is start with somebody who counts.
func watch(p plan.Plan) (harness.Environment, shrink.Tally, error) {
	tally := simulation.NewTally()
	env, err := simulation.Start(simulation.Config{
		Seed: p.SimulationSeed(), Nodes: p.Nodes, Bug: p.Bug, Conditions: p.Simulation, Calm: p.Time,
		Observe: tally.Observe,
	})
	return env, tally, err
}

func rehearse(t testing.TB, p plan.Plan) harness.Outcome {
	t.Helper()
	o, err := harness.Rehearsal{Plan: p, Start: start}.Run(context.Background())
	require.NoError(t, err)
	return o
}

func TestTheCorrectNodeSurvivesSwarms(t *testing.T) {
	for seed := range uint64(300) {
		o := rehearse(t, plan.Swarm(seed, ""))
		require.Empty(t, o.Findings, "seed %d", seed)
	}
}

// BenchmarkRehearsal is one plan of a swarm, from its drawing to its verdict.
func BenchmarkRehearsal(b *testing.B) {
	events, operations, virtual := uint64(0), 0, 0.0
	before := processorTime(b)
	for i := range b.N {
		o := rehearse(b, plan.Swarm(uint64(i), ""))
		events += o.Trace.Events
		operations += o.Operations.Total
		virtual += o.Virtual.Seconds()
	}
	used := (processorTime(b) - before).Seconds()
	b.ReportMetric(float64(b.N)/used, "runs/cpu-s")
	b.ReportMetric(float64(operations)/float64(b.N), "operations/run")
	b.ReportMetric(float64(events)/float64(b.N), "events/run")
	b.ReportMetric(float64(events)/used, "events/cpu-s")
	b.ReportMetric(virtual/used, "virtual-s/cpu-s")
}

// BenchmarkEvents is a longer run without faults, by nodes: what the simulation of the nodes comes
// to, with the loop and its check around it.
func BenchmarkEvents(b *testing.B) {
	for _, nodes := range []int{3, 5, 7} {
		for _, clients := range []int{3, 10, 30} {
			b.Run(fmt.Sprintf("nodes=%d/clients=%d", nodes, clients), func(b *testing.B) {
				p := plan.Default()
				p.Nodes, p.Clients, p.Nemesis = nodes, clients, []string{nemesis.None}
				p.Time = 2 * time.Second
				events, operations := uint64(0), 0
				before := processorTime(b)
				for i := range b.N {
					p.Seed = uint64(i + 1)
					o := rehearse(b, p)
					events += o.Trace.Events
					operations += o.Operations.Total
				}
				used := (processorTime(b) - before).Seconds()
				b.ReportMetric(float64(events)/used, "events/cpu-s")
				b.ReportMetric(float64(operations)/used, "operations/cpu-s")
				b.ReportMetric(float64(events)/float64(operations), "events/operation")
			})
		}
	}
}
