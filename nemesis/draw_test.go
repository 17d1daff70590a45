package nemesis_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/nemesis"
)

// nemesisNames returns the names of all nemeses but "none".
func nemesisNames() []string {
	var result []string
	for _, n := range nemesis.Nemeses() {
		if n.Name != nemesis.None {
			result = append(result, n.Name)
		}
	}
	return result
}

// options generates options that leave room for at least one fault.
func options() *rapid.Generator[nemesis.Options] {
	return rapid.Custom(func(t *rapid.T) nemesis.Options {
		interval := time.Duration(rapid.IntRange(10, 5000).Draw(t, "interval")) * time.Millisecond
		return nemesis.Options{
			Seed:  rapid.Uint64().Draw(t, "seed"),
			Nodes: names(rapid.IntRange(3, 7).Draw(t, "n")),
			Nemeses: rapid.SliceOfNDistinct(rapid.SampledFrom(nemesisNames()), 1, 4, rapid.ID).
				Draw(t, "nemeses"),
			Time:     interval * time.Duration(rapid.IntRange(1, 30).Draw(t, "intervals")),
			Interval: interval,
			Health: (interval * time.Duration(rapid.IntRange(0, 2).Draw(t, "health")) / 4).
				Truncate(time.Millisecond),
		}
	})
}

// withoutIDs returns those faults of a kind without their ids, which depend on the other kinds.
func withoutIDs(s nemesis.Schedule, kind nemesis.Kind) []nemesis.Fault {
	var result []nemesis.Fault
	for _, fault := range s {
		if fault.Kind == kind {
			fault.ID = ""
			result = append(result, fault)
		}
	}
	return result
}

// drawn returns a schedule, and skips a case in which there is no time for all nemeses.
func drawn(t *rapid.T, o nemesis.Options) nemesis.Schedule {
	s, err := nemesis.Draw(o)
	if errors.Is(err, nemesis.ErrCrowded) {
		t.Skip(err)
	}
	require.NoError(t, err)
	return s
}

func TestADrawnScheduleIsValidAndHealthyAtBothEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := options().Draw(t, "options")
		s := drawn(t, o)
		require.NotEmpty(t, s)
		require.NoError(t, s.Validate(o.Nodes, o.Time-o.Interval/6))
		require.Equal(t, s, s.Ordered())
		for _, fault := range s {
			require.GreaterOrEqual(t, fault.At, o.Health)
			require.LessOrEqual(t, fault.For, o.Interval)
			require.GreaterOrEqual(t, fault.For, (o.Interval / 3).Truncate(time.Millisecond))
			require.Zero(t, fault.At%time.Millisecond)
			require.Zero(t, fault.For%time.Millisecond)
			resolved, err := fault.Resolve(o.Nodes)
			require.NoError(t, err)
			require.Equal(t, fault, resolved, "it is resolved already")
		}
	})
}

func TestEqualOptionsDrawEqualSchedules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := options().Draw(t, "options")
		first := drawn(t, o)
		slices.Reverse(o.Nemeses)
		second, err := nemesis.Draw(o)
		require.NoError(t, err)
		require.Equal(t, first, second, "the order in which nemeses are named does not count")
	})
}

func TestANemesisDoesNotShiftTheFaultsOfAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := options().Draw(t, "options")
		draw := func(names ...string) nemesis.Schedule {
			o.Nemeses = names
			s, err := nemesis.Draw(o)
			require.NoError(t, err)
			return s
		}
		alone, both := draw("partition"), draw("partition", "kill")
		require.Equal(t, withoutIDs(alone, nemesis.Partition), withoutIDs(both, nemesis.Partition))
		require.Equal(t, withoutIDs(draw("kill"), nemesis.Kill), withoutIDs(both, nemesis.Kill))
	})
}

func TestNemesesDoNotStartTogether(t *testing.T) {
	together := 0
	for seed := range uint64(100) {
		s := defaultRun(t, seed, 20*time.Second)
		partitions, kills := withoutIDs(s, nemesis.Partition), withoutIDs(s, nemesis.Kill)
		if partitions[0].At == kills[0].At {
			together++
		}
	}
	require.Less(t, together, 5)
}

// defaultRun returns the schedule of a run with nothing but its length and seed chosen.
func defaultRun(t *testing.T, seed uint64, length time.Duration) nemesis.Schedule {
	t.Helper()
	s, err := nemesis.Draw(nemesis.Options{
		Seed: seed, Nodes: names(5), Nemeses: []string{"partition", "kill"}, Time: length,
	})
	require.NoError(t, err)
	return s
}

func TestADefaultRunHasSeveralFaultsOfEachKindAndSomeOverlap(t *testing.T) {
	overlapping, before := 0, map[string]bool{}
	for seed := range uint64(300) {
		s := defaultRun(t, seed, 20*time.Second)
		require.GreaterOrEqual(t, len(withoutIDs(s, nemesis.Partition)), 3)
		require.GreaterOrEqual(t, len(withoutIDs(s, nemesis.Kill)), 3)
		require.GreaterOrEqual(t, s[0].At, 2500*time.Millisecond)
		for _, fault := range s {
			if len(s.Active(fault.At)) > 1 {
				overlapping++
			}
		}
		require.NotContains(t, before, fmt.Sprint(s), "two seeds draw the same")
		before[fmt.Sprint(s)] = true
	}
	require.Greater(t, overlapping, 3*300, "on average three faults start during another")
}

func TestEveryPartitionIsDrawnBeforeAnyRepeats(t *testing.T) {
	isolated, later := 0, 0
	for seed := range uint64(300) {
		partitions := withoutIDs(defaultRun(t, seed, time.Minute), nemesis.Partition)
		require.GreaterOrEqual(t, len(partitions), 7)
		seen := map[string]bool{}
		for _, fault := range partitions[:7] {
			seen[fault.Name] = true
		}
		require.Len(t, seen, 7)
		for _, fault := range partitions[7:] {
			later++
			if fault.Name == nemesis.NameIsolateOne {
				isolated++
			}
		}
	}
	require.InDelta(t, later*5/14, isolated, float64(later)/20, "isolate-one has weight")
}

func TestKillsTakeOneNodeAMinorityAMajorityOrAll(t *testing.T) {
	victims := map[int]int{}
	for seed := range uint64(100) {
		for _, fault := range withoutIDs(defaultRun(t, seed, 20*time.Second), nemesis.Kill) {
			require.Empty(t, fault.Name)
			require.True(t, slices.IsSorted(fault.Nodes))
			victims[len(fault.Nodes)]++
		}
	}
	require.Len(t, victims, 4)
	require.Greater(t, victims[1], victims[2])
	require.Greater(t, victims[2], victims[5])
}

func TestAShortRunHasLessHealthAtTheStart(t *testing.T) {
	s := defaultRun(t, 1, 4*time.Second)
	require.GreaterOrEqual(t, s[0].At, 500*time.Millisecond)
	require.LessOrEqual(t, s[0].At, 1500*time.Millisecond)
}

func TestNoNemesisDrawsNothing(t *testing.T) {
	for _, chosen := range [][]string{nil, {nemesis.None}} {
		s, err := nemesis.Draw(nemesis.Options{Nodes: names(3), Nemeses: chosen, Time: time.Second})
		require.NoError(t, err)
		require.Empty(t, s)
	}
}

func TestFewNodesLimitWhatAGeneralNemesisDoes(t *testing.T) {
	s, err := nemesis.Draw(nemesis.Options{
		Nodes: names(2), Nemeses: []string{"partition", "kill"}, Time: 5 * time.Minute,
	})
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, fault := range s {
		seen[fault.Name] = true
	}
	require.Equal(t, map[string]bool{
		"": true, "isolate-one": true, "halves": true, "one-way": true, "random": true,
	}, seen)
}

func TestDrawSaysWhatIsWrongAndWhatIsAccepted(t *testing.T) {
	good := nemesis.Options{Nodes: names(5), Nemeses: []string{"kill"}, Time: 20 * time.Second}
	for _, test := range []struct {
		change func(*nemesis.Options)
		wrong  string
	}{
		{
			func(o *nemesis.Options) { o.Nemeses = []string{"kil"} },
			`nemesis "kil" is unknown: want some of partition, kill, stop, pause, wipe, packets, ` +
				"crash, slow-disk, broken-disk, full-disk, rot, drift, isolate-one, halves, majority-minority",
		},
		{
			func(o *nemesis.Options) { o.Nemeses = []string{"kill", "kill"} },
			`nemesis "kill" is named twice`,
		},
		{
			func(o *nemesis.Options) { o.Nemeses = []string{"kill", "none"} },
			`nemesis "none" cannot be combined with anything`,
		},
		{
			func(o *nemesis.Options) { o.Nemeses = []string{"kill=5"} },
			`nemesis "kill=5": "5" is not an interval: want one from 10ms, such as kill=5s`,
		},
		{
			func(o *nemesis.Options) { o.Nemeses = []string{"kill=1ms"} },
			`nemesis "kill=1ms": "1ms" is not an interval: want one from 10ms`,
		},
		{
			func(o *nemesis.Options) { o.Nodes, o.Nemeses = names(2), []string{"wipe-minority"} },
			`nemesis "wipe-minority" needs at least 3 nodes, not 2`,
		},
		{
			func(o *nemesis.Options) { o.Nodes, o.Nemeses = names(2), []string{"bridge"} },
			`nemesis "bridge" needs at least 3 nodes, not 2`,
		},
		{
			func(o *nemesis.Options) { o.Nodes, o.Nemeses = names(1), []string{"partition"} },
			`nemesis "partition" needs at least 2 nodes, not 1`,
		},
		{func(o *nemesis.Options) { o.Nodes = []string{"a", "a"} }, "two nodes are called a"},
		{func(o *nemesis.Options) { o.Nodes = []string{""} }, `a node is called "": want`},
		{
			func(o *nemesis.Options) { o.Interval = time.Millisecond },
			"interval 1ms is too short: want at least 10ms",
		},
		{func(o *nemesis.Options) { o.Health = -time.Second }, "health -1s: want the time without"},
		{func(o *nemesis.Options) { o.Health = time.Microsecond }, "health 1µs: want the time"},
		{
			func(o *nemesis.Options) { o.Health = 19 * time.Second },
			"time 20s is too short for a fault: want at least 20.5s, for 19s of health and an " +
				"interval of 3s",
		},
		{
			func(o *nemesis.Options) { o.Time = 0 },
			"time 0s is too short for a fault: want at least 1.5s",
		},
	} {
		o := good
		test.change(&o)
		_, err := nemesis.Draw(o)
		require.ErrorContains(t, err, test.wrong)
	}
	for _, health := range []time.Duration{0, 19 * time.Second} {
		good.Health, good.Time = health, health+1500*time.Millisecond
		s, err := nemesis.Draw(good)
		require.NoError(t, err, "what the error asks for is enough")
		require.Len(t, s, 1)
	}
}

func TestEveryNemesisIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range nemesis.Nemeses() {
		require.NotEmpty(t, n.Description)
		require.NotContains(t, seen, n.Name)
		seen[n.Name] = true
		require.LessOrEqual(t, len(n.Name)+len(n.Description), 90, "it fits on a line")
	}
}

func TestANemesisMayHaveAnIntervalOfItsOwn(t *testing.T) {
	draw := func(names5 ...string) nemesis.Schedule {
		s, err := nemesis.Draw(nemesis.Options{
			Seed: 1, Nodes: names(5), Nemeses: names5, Time: time.Minute,
		})
		require.NoError(t, err)
		return s
	}
	usual, own := draw("partition", "kill-one"), draw("partition", "kill-one=12s")
	require.Equal(t,
		withoutIDs(usual, nemesis.Partition), withoutIDs(own, nemesis.Partition))
	require.Greater(t, len(withoutIDs(usual, nemesis.Kill)), 15)
	require.Less(t, len(withoutIDs(own, nemesis.Kill)), 7)
	require.NotEmpty(t, withoutIDs(own, nemesis.Kill))
	o := nemesis.Options{Nemeses: []string{"partition", "kill-one=12s"}, Time: time.Minute}
	require.Equal(t, 25, nemesis.Estimate(o))
}
