package nemesis_test

import (
	"errors"
	"slices"
	"strings"
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

// A fault that cannot have an effect when it is due is put off until it can, and refused where it
// is listed.
func TestFaultsThatCouldHaveNoEffectArePutOff(t *testing.T) {
	moved := 0
	for seed := range uint64(300) {
		o := nemesis.Options{
			Seed: seed, Nodes: names(5), Time: time.Minute,
			Nemeses: []string{"partition", "kill", "stop", "pause", "wipe"},
		}
		s, err := nemesis.Draw(o)
		require.NoError(t, err)
		require.NoError(t, s.Validate(o.Nodes, o.Time))
		for _, kind := range nemesis.ContainerKinds() {
			require.NotEmpty(t, withoutIDs(s, kind), "%s, seed %d", kind, seed)
		}
		for _, fault := range s {
			requireReach(t, s, fault)
		}
		o.Nemeses = []string{"pause"}
		alone, err := nemesis.Draw(o)
		require.NoError(t, err)
		for _, fault := range withoutIDs(s, nemesis.Pause) {
			same := func(f nemesis.Fault) bool { return f.At == fault.At && f.For == fault.For }
			if !slices.ContainsFunc(alone, same) {
				moved++
			}
		}
	}
	require.Positive(t, moved, "some pauses fell together with the death of their victims")
}

// requireReach requires that one victim at least of a fault is alive when it is due, and that of a
// stop not frozen either.
func requireReach(t *testing.T, s nemesis.Schedule, fault nemesis.Fault) {
	t.Helper()
	if fault.Kind == nemesis.Partition || fault.Kind == nemesis.Wipe {
		return
	}
	held := map[string]bool{}
	for _, other := range s.Active(fault.At) {
		frozen := other.Kind == nemesis.Pause && fault.Kind == nemesis.Stop
		dead := other.Kind != nemesis.Pause && other.Kind != nemesis.Partition
		if other.At < fault.At && (frozen || dead) {
			for _, node := range other.Nodes {
				held[node] = true
			}
		}
	}
	require.True(t, slices.ContainsFunc(fault.Nodes, func(n string) bool { return !held[n] }),
		"%s at %v in %v", fault, fault.At, s)
}

// Nemeses that keep each other's victims dead get their turn all the same; where there is no time
// for one it is said, and not left out in silence.
func TestNoNemesisIsLeftOutInSilence(t *testing.T) {
	for _, test := range []struct {
		nemeses []string
		time    time.Duration
		crowded int // of 300 seeds, at most
	}{
		{[]string{"kill-all", "stop-one"}, 5 * time.Second, 60},
		{[]string{"kill-all", "stop-one"}, 10 * time.Second, 0},
		{[]string{"pause-all", "stop-one"}, 10 * time.Second, 0},
		{[]string{"kill", "stop", "pause"}, 20 * time.Second, 0},
	} {
		crowded := 0
		for seed := range uint64(300) {
			s, err := nemesis.Draw(nemesis.Options{
				Seed: seed, Nodes: names(5), Time: test.time, Nemeses: test.nemeses,
			})
			if errors.Is(err, nemesis.ErrCrowded) {
				crowded++
				continue
			}
			require.NoError(t, err)
			for _, name := range test.nemeses {
				kind, _, _ := strings.Cut(name, "-")
				require.NotEmpty(t, withoutIDs(s, nemesis.Kind(kind)))
			}
		}
		t.Logf("%v in %v: %d of 300 crowded", test.nemeses, test.time, crowded)
		require.LessOrEqual(t, crowded, test.crowded, "%v in %v", test.nemeses, test.time)
	}
}
