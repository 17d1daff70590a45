package simulation_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/node/paxos"
	"ordeal/simulation"
)

// watched is what rehearse returns of a plan whose events are observed.
func watched(t *testing.T, p plan.Plan, observe func(simulation.Happening)) harness.Outcome {
	t.Helper()
	o, err := harness.Rehearsal{Plan: p, Start: func(p plan.Plan) (harness.Environment, error) {
		return simulation.Start(simulation.Config{
			Seed: p.Seed, Nodes: p.Nodes, Bug: p.Bug, Conditions: p.Simulation, Calm: p.Time,
			Observe: observe,
		})
	}}.Run(context.Background())
	require.NoError(t, err)
	return o
}

func TestObservingChangesNothing(t *testing.T) {
	for seed := range uint64(20) {
		p := plan.Swarm(seed, "")
		told := 0
		seen := watched(t, p, func(simulation.Happening) { told++ })
		require.Equal(t, rehearse(t, p), seen, "seed %d", seed)
		require.Greater(t, told, int(seen.Trace.Events))
	}
}

// What an observer is told hangs together: whatever arrives, is lost or kept was sent under the
// same number, whatever is answered was called, and what is synced was written.
func TestAnObserverIsToldTheWholeStory(t *testing.T) {
	kinds := map[string]int{}
	for seed := range uint64(40) {
		sent := map[uint64]paxos.MessageKind{}
		called := map[uint64]history.Operation{}
		writing := map[string]bool{}
		watched(t, plan.Swarm(seed, "forget-accepted"), func(h simulation.Happening) {
			kinds[h.Kind]++
			switch h.Kind {
			case simulation.KindSend:
				require.Zero(t, sent[h.Datagram])
				sent[h.Datagram] = h.Message.Kind
			case simulation.KindDeliver, simulation.KindLose, simulation.KindCutOff,
				simulation.KindHold, simulation.KindRepeat:
				require.Equal(t, sent[h.Datagram], h.Message.Kind)
			case simulation.KindCall:
				require.Empty(t, h.Operation.Outcome)
				called[h.Request] = *h.Operation
			case simulation.KindRespond, simulation.KindReturn, simulation.KindGiveUp:
				require.Equal(t, called[h.Request].ID, h.Operation.ID)
				require.NotEmpty(t, h.Operation.Outcome)
			case simulation.KindArrive:
				require.Equal(t, called[h.Request].ID, h.Operation.ID)
			case simulation.KindWrite:
				require.NotEmpty(t, h.Persists)
				writing[h.Node] = true
			case simulation.KindSync:
				require.True(t, writing[h.Node])
				writing[h.Node] = false
			case simulation.KindEnd:
				require.NotEmpty(t, h.Detail)
				writing[h.Node] = false
			}
		})
	}
	for _, kind := range []string{
		simulation.KindSend, simulation.KindDeliver, simulation.KindRepeat, simulation.KindLose,
		simulation.KindCutOff, simulation.KindHold, simulation.KindCall, simulation.KindArrive,
		simulation.KindRespond, simulation.KindReturn, simulation.KindGiveUp, simulation.KindWrite,
		simulation.KindSync, simulation.KindTimeout, simulation.KindStart, simulation.KindEnd,
		simulation.KindPause, simulation.KindResume, simulation.KindFaultBegins,
		simulation.KindFaultEnds, simulation.KindViolation,
	} {
		require.Positive(t, kinds[kind], kind)
	}
}
