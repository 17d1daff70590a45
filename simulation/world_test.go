package simulation_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/nemesis"
	"ordeal/results"
	"ordeal/simulation"
)

// aPlan returns a plan for a few virtual seconds.
func aPlan(seed uint64) plan.Plan {
	p := plan.Default()
	p.Seed, p.Time, p.Interval = seed, 4*time.Second, 500*time.Millisecond
	p.Nemesis = []string{"partition", "kill", "stop", "pause"}
	p.Clients, p.Rate = 5, 300
	return p
}

// run takes a plan through a simulation and returns its record, history and trace.
func run(t testing.TB, p plan.Plan) (results.Run, []byte, *simulation.World) {
	t.Helper()
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	var world *simulation.World
	test := harness.Test{
		Plan: p, Directory: directory, Log: slog.New(slog.DiscardHandler), Virtual: true,
		Start: func(context.Context) (harness.Environment, error) {
			var err error
			world, err = simulation.Start(simulation.Config{
				Seed: p.Seed, Nodes: p.Nodes, Bug: p.Bug,
				Conditions: nemesis.DefaultConditions(),
			})
			return world, err
		},
	}
	record, err := test.Execute(t.Context())
	require.NoError(t, err)
	text, err := os.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	return record, text, world
}

func TestACorrectClusterPasses(t *testing.T) {
	for seed := range uint64(3) {
		record, _, _ := run(t, aPlan(seed+1))
		require.Equal(t, results.Pass, record.Verdict, "%+v", record.Findings)
		require.Greater(t, record.Operations.OK, 300)
		for _, f := range record.Faults {
			require.True(t, f.Healed, "%+v", f)
		}
	}
}

func TestASeedIsARun(t *testing.T) {
	for seed := range uint64(3) {
		_, history, first := run(t, aPlan(seed+1))
		_, again, second := run(t, aPlan(seed+1))
		require.Equal(t, hash(first), hash(second))
		require.True(t, bytes.Equal(history, again))
		_, other, third := run(t, aPlan(seed+100))
		require.NotEqual(t, hash(first), hash(third))
		require.False(t, bytes.Equal(history, other))
	}
}

func hash(w *simulation.World) string {
	_, hash := w.Trace()
	return hash
}

// Each kind of fault bites, heals and leaves a correct cluster correct.
func TestEveryKindOfFaultBitesAndHeals(t *testing.T) {
	for _, kind := range nemesis.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			for seed := range uint64(3) {
				p := aPlan(seed + 1)
				p.Nemesis = []string{string(kind)}
				record, _, _ := run(t, p)
				require.Equal(t, results.Pass, record.Verdict, "%+v", record.Findings)
				require.NotEmpty(t, record.Faults)
				for _, f := range record.Faults {
					require.True(t, f.Healed, "%+v", f)
					require.True(t, f.Effective, "%+v", f)
				}
			}
		})
	}
}

// What stays in force is not healed, and the rest of the cluster proves that it serves without the
// nodes that it took away.
func TestAFaultMayStay(t *testing.T) {
	p := aPlan(3)
	p.Nodes, p.Nemesis = 3, []string{nemesis.None}
	p.Faults = nemesis.Schedule{
		{ID: "f1", At: time.Second, For: time.Second, Kind: nemesis.Kill, Nodes: []string{"n2"},
			Stay: true},
		{ID: "f2", At: 2 * time.Second, For: time.Second, Kind: nemesis.Pause, Nodes: []string{"n1"}},
	}
	record, _, _ := run(t, p)
	require.Equal(t, results.Pass, record.Verdict, "%+v", record.Findings)
	require.True(t, record.Recovery.Proved)
	require.Len(t, record.Recovery.Nodes, 2)
	require.NotContains(t, record.Recovery.Nodes, "n2")
	require.True(t, record.Faults[0].Stays)
	require.False(t, record.Faults[0].Healed)
	require.True(t, record.Faults[1].Healed)
	require.NotContains(t, record.FinalReads.Silent, "n2", "it was not asked")
}
