package shrink

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/workloads"
)

// What had to be sent again and again gets through the first time, and the tries are no more.
func TestWhatWasTriedAgainGetsThroughTheFirstTime(t *testing.T) {
	write := nemesis.OperationName{Client: 1, Number: 1}
	prepare := func(occurrence int) nemesis.Datagram {
		return nemesis.Datagram{
			From: "n1", To: "n2", Kind: "prepare", Operation: write, Occurrence: occurrence,
		}
	}
	elsewhere := prepare(1)
	elsewhere.To = "n3"
	timer := func(occurrence int) nemesis.Timer {
		return nemesis.Timer{Node: "n1", Operation: write, Occurrence: occurrence}
	}
	p := plan.Default()
	p.Seed, p.Recovery, p.Operations = 1, 0, workloads.Listing{
		{Client: 1, Number: 1, Node: "n1", Kind: history.Write, Key: "k", Value: "1"},
	}
	p.Simulation.Lose = []nemesis.Datagram{prepare(1), prepare(2), elsewhere}
	// The violation is there where the second node is asked at all; each try is a timer.
	oracle := func(_ context.Context, p plan.Plan) (Judgement, error) {
		tries := 0
		for _, d := range p.Simulation.Lose {
			if d.To == "n2" {
				tries++
			}
		}
		tally := nemesis.Tallied{Deliveries: 1, Timeouts: tries}
		tally.Datagrams = []nemesis.Datagram{prepare(tries + 1)}
		for i := range tries {
			tally.Timers = append(tally.Timers, timer(i+1))
		}
		muted := len(p.Simulation.Mute) > 0
		return Judgement{Violates: !muted || tries == 0, Tally: tally}, nil
	}
	require.NoError(t, p.Validate())
	judged, _ := oracle(t.Context(), p)
	s := &search{oracle: oracle, best: p, judged: judged, workers: 1}
	require.NoError(t, s.firstTries(t.Context()))
	require.Equal(t, 1, s.judged.Tally.Size())
	require.Equal(t, []nemesis.Datagram{elsewhere}, s.best.Simulation.Lose)
	require.Equal(t, []nemesis.Timer{timer(1)}, s.best.Simulation.Mute)
}
