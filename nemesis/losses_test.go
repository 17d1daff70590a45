package nemesis_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

func wipe(id string, at, length time.Duration, nodes ...string) nemesis.Fault {
	return nemesis.Fault{ID: id, At: at, For: length, Kind: nemesis.Wipe, Nodes: nodes}
}

func TestNoMoreNodesThanAMinorityAreWipedInARun(t *testing.T) {
	early, late := 0, 0
	for seed := range uint64(300) {
		for nodes, most := range map[int]int{3: 1, 4: 1, 5: 2, 7: 3} {
			o := nemesis.Options{
				Seed: seed, Nodes: names(nodes), Time: time.Minute,
				Nemeses: []string{"wipe", "wipe-one", "kill"},
			}
			s, err := nemesis.Draw(o)
			require.NoError(t, err)
			require.Len(t, s.Losses(), most)
			require.NoError(t, s.ValidateLosses(o.Nodes))
			wipes := withoutIDs(s, nemesis.Wipe)
			if wipes[0].At < 20*time.Second {
				early++
			}
			if wipes[len(wipes)-1].At > 40*time.Second {
				late++
			}
			o.DataLoss = true
			s, err = nemesis.Draw(o)
			require.NoError(t, err)
			require.Greater(t, len(s.Losses()), most, "where data may be lost, more are")
			require.Error(t, s.ValidateLosses(o.Nodes))
		}
	}
	require.Greater(t, early, 200, "wipes come at any time of a run")
	require.Greater(t, late, 200)
}

func TestLossesAreCountedOverTheWholeRun(t *testing.T) {
	s := nemesis.Schedule{
		wipe("f1", time.Second, time.Second, "n1"),
		wipe("f2", 5*time.Second, time.Second, "n1", "n4"),
		kill("f3", 9*time.Second, time.Second, "n2", "n3", "n5"),
	}
	require.Equal(t, []string{"n1", "n4"}, s.Losses())
	require.NoError(t, s.ValidateLosses(names(5)))
	require.EqualError(t, s.ValidateLosses(names(3)),
		"the schedule wipes n1 n4 over the whole run, 2 of 3 nodes: want at most 1, or "+
			"data-loss: expected")
}

// A fault that cannot have an effect is not drawn, and refused where it is listed.
func TestDrawnSchedulesAreValid(t *testing.T) {
	dropped := 0
	for seed := range uint64(300) {
		o := nemesis.Options{
			Seed: seed, Nodes: names(5), Time: time.Minute,
			Nemeses: []string{"partition", "kill", "stop", "pause", "wipe"},
		}
		s, err := nemesis.Draw(o)
		require.NoError(t, err)
		require.NoError(t, s.Validate(o.Nodes, o.Time))
		for _, kind := range nemesis.Kinds() {
			require.NotEmpty(t, withoutIDs(s, kind), "%s, seed %d", kind, seed)
		}
		o.Nemeses = []string{"pause"}
		alone, err := nemesis.Draw(o)
		require.NoError(t, err)
		dropped += len(alone) - len(withoutIDs(s, nemesis.Pause))
		for _, fault := range withoutIDs(s, nemesis.Pause) {
			require.True(t, slices.ContainsFunc(withoutIDs(alone, nemesis.Pause),
				func(f nemesis.Fault) bool { return f.At == fault.At && f.For == fault.For }))
		}
	}
	require.Positive(t, dropped, "some pauses fell together with the death of their victims")
}
