package nemesis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

func kill(id string, at, length time.Duration, nodes ...string) nemesis.Fault {
	return nemesis.Fault{ID: id, At: at, For: length, Kind: nemesis.Kill, Nodes: nodes}
}

func ids(faults []nemesis.Fault) []string {
	var result []string
	for _, fault := range faults {
		result = append(result, fault.ID)
	}
	return result
}

func TestOrderedSortsByTimeAndGivesTheIDsThatAreLeft(t *testing.T) {
	s := nemesis.Schedule{
		kill("", 3*time.Second, 1, "n3"),
		kill("f2", 2*time.Second, 1, "n2"),
		kill("", time.Second, 1, "n1"),
		kill("f10", 3*time.Second, 1, "n5"),
		kill("", 3*time.Second, 1, "n4"),
	}
	ordered := s.Ordered()
	require.Equal(t, nemesis.Schedule{
		kill("f1", time.Second, 1, "n1"),
		kill("f2", 2*time.Second, 1, "n2"),
		kill("f3", 3*time.Second, 1, "n3"),
		kill("f4", 3*time.Second, 1, "n4"),
		kill("f10", 3*time.Second, 1, "n5"),
	}, ordered)
	require.Equal(t, ordered, ordered.Ordered())
	require.Empty(t, s[0].ID, "the original is left alone")
}

func TestOrderedBringsCutsIntoCanonicalForm(t *testing.T) {
	s := nemesis.Schedule{{Cut: nemesis.Graph{"n1": {"n3", "n2"}}}}
	require.Equal(t, nemesis.Graph{"n1": {"n2", "n3"}}, s.Ordered()[0].Cut)
	require.Equal(t, nemesis.Graph{"n1": {"n3", "n2"}}, s[0].Cut)
}

func TestAFaultIsActiveFromItsStartUntilJustBeforeItsEnd(t *testing.T) {
	s := nemesis.Schedule{kill("f1", 10, 5, "n1"), kill("f2", 12, 10, "n1")}
	for at, want := range map[time.Duration][]string{
		9: nil, 10: {"f1"}, 12: {"f1", "f2"}, 14: {"f1", "f2"}, 15: {"f2"}, 21: {"f2"}, 22: nil,
	} {
		require.Equal(t, want, ids(s.Active(at)), "at %d", at)
	}
	require.Equal(t, time.Duration(22), s.End())
	require.Zero(t, nemesis.Schedule(nil).End())
}

func TestANamedPartitionIsResolvedFromItsTargets(t *testing.T) {
	type groups = [][]string
	one, two, rest := []string{"n3"}, []string{"n1", "n2"}, []string{"n3", "n4", "n5"}
	for _, test := range []struct {
		name   string
		nodes  []string
		groups groups
		want   nemesis.Graph
	}{
		{"isolate-one", one, nil, nemesis.Split(one, []string{"n1", "n2", "n4", "n5"})},
		{"halves", nil, groups{two, rest}, nemesis.Split(two, rest)},
		{"majority-minority", two, nil, nemesis.Split(two, rest)},
		{"majorities-ring", names(5), nil, nemesis.Ring(names(5))},
		{"bridge", one, groups{two, {"n4", "n5"}}, nemesis.Split(two, []string{"n4", "n5"})},
		{"one-way", nil, groups{two, {"n5"}}, nemesis.Graph{"n1": {"n5"}, "n2": {"n5"}}},
		{"", nil, groups{two, {"n5"}, one}, nemesis.Split(two, []string{"n5"}, one)},
	} {
		fault := nemesis.Fault{
			ID: "f1", At: 1, For: 2, Kind: nemesis.Partition,
			Name: test.name, Nodes: test.nodes, Groups: test.groups,
		}
		resolved, err := nemesis.Schedule{fault}.Resolve(names(5))
		require.NoError(t, err, test.name)
		require.Equal(t, nemesis.Schedule{{
			ID: "f1", At: 1, For: 2, Kind: nemesis.Partition, Name: test.name, Cut: test.want,
		}}, resolved)
		again, err := resolved.Resolve(names(5))
		require.NoError(t, err)
		require.Equal(t, resolved, again)
	}
}

// invalid lists what can be wrong with a schedule on five nodes that ends at 20 s.
var invalid = []struct {
	fault nemesis.Fault
	wrong string
}{
	{kill("", time.Second, 1, "n1"), "fault number 2: it has no id"},
	{kill("f0", time.Second, 1, "n1"), "fault f0: the id is used twice"},
	{kill("1", time.Second, 1, "n1"), `fault 1: id "1": want a letter, then up to 62 letters`},
	{kill("f1", -time.Second, 1, "n1"), "fault f1: at -1s is negative"},
	{kill("f1", 0, 0, "n1"), "fault f1: for 0s is not positive: want how long it lasts"},
	{
		kill("f1", 19*time.Second, 2*time.Second, "n1"),
		"fault f1: at 19s for 2s ends after the run: want an end by 20s",
	},
	{kill("f1", 1<<62, 1<<62, "n1"), "ends after the run"},
	{kill("f1", time.Second, 1), "fault f1: a kill has no victims"},
	{
		kill("f1", time.Second, 1, "n6"),
		`fault f1: "n6" is not a node: want some of n1, n2, n3, n4, n5`,
	},
	{kill("f1", time.Second, 1, "n1", "n1"), "fault f1: n1 is named twice"},
	{kill("f1", 0, 1, "n1"), "fault f1: it stands after f0, which starts later"},
	{
		partition("", nemesis.Fault{Kind: "freeze", Nodes: names(1)}),
		`kind "freeze" is unknown: want one of partition, kill, stop, pause, wipe`,
	},
	{
		partition("", nemesis.Fault{Kind: nemesis.Kill, Nodes: names(1), Name: "bridge"}),
		"a kill has no name, groups or cut",
	},
	{
		partition("", nemesis.Fault{Kind: nemesis.Pause, Nodes: []string{"n5"}}),
		"fault f1: it cannot pause n5 from 1s to 2s: it is dead all the time for f0, from 1s to 20s",
	},
	{
		partition("", nemesis.Fault{Kind: nemesis.Kill, Nodes: []string{"n1", "n5"}}),
		"fault f1: it cannot kill n1 n5 from 1s to 2s: they are dead all the time for f0",
	},
	{partition("", nemesis.Fault{}), "a partition without a name wants groups: two or more"},
	{partition("", nemesis.Fault{Nodes: names(1)}), "a partition without a name wants groups"},
	{partition("", nemesis.Fault{Groups: [][]string{{"n1"}}}), "wants groups: two or more"},
	{partition("", nemesis.Fault{Groups: [][]string{{"n1"}, {}}}), "one of them is empty"},
	{partition("", nemesis.Fault{Groups: [][]string{{"n1"}, {"n1"}}}), "n1 is named twice"},
	{
		partition("split", nemesis.Fault{Nodes: names(1)}),
		`name "split" is unknown: want one of isolate-one, halves, majority-minority, ` +
			"majorities-ring, bridge, one-way, random",
	},
	{partition("random", nemesis.Fault{}), "random wants a cut"},
	{partition("isolate-one", nemesis.Fault{}), "isolate-one wants nodes: the one"},
	{
		partition("isolate-one", nemesis.Fault{Nodes: names(2)}),
		"isolate-one wants nodes: the one that is isolated, such as [n3]; the nodes are n1, n2",
	},
	{
		partition("halves", nemesis.Fault{Groups: [][]string{names(1), {"n2", "n3", "n4", "n5"}}}),
		"halves wants groups: two, of all nodes, as equal as can be",
	},
	{partition("halves", nemesis.Fault{Groups: [][]string{{"n1"}, {"n2"}}}), "halves wants groups"},
	{partition("halves", nemesis.Fault{Groups: [][]string{names(5)}}), "halves wants groups"},
	{
		partition("majority-minority", nemesis.Fault{Nodes: names(3)}),
		"majority-minority wants nodes: a minority",
	},
	{
		partition("majorities-ring", nemesis.Fault{Nodes: names(4)}),
		"majorities-ring wants nodes: all",
	},
	{partition("bridge", nemesis.Fault{Nodes: names(1)}), "bridge wants nodes: the bridge, and"},
	{partition("bridge", nemesis.Fault{
		Nodes: names(1), Groups: [][]string{{"n2"}, {"n3", "n4", "n5"}},
	}), "bridge wants nodes: the bridge, and groups: two"},
	{
		partition("one-way", nemesis.Fault{Groups: [][]string{{"n1"}, {"n2"}, {"n3"}}}),
		"one-way wants groups: two",
	},
	{partition("", nemesis.Fault{Cut: nemesis.Graph{}}), "a cut has no links"},
	{partition("", nemesis.Fault{Cut: nemesis.Graph{"n1": nil}}), "a cut has no links"},
	{
		partition("an isle", nemesis.Fault{Cut: nemesis.Graph{"n1": {"n2"}}}),
		`name "an isle": want a letter`,
	},
	{partition("", nemesis.Fault{Cut: nemesis.Graph{"n1": {"n7"}}}), `cut: "n7" is not a node`},
	{
		partition("", nemesis.Fault{Cut: nemesis.Graph{"n1": {"n2"}}, Nodes: names(1)}),
		"a partition has a cut and also nodes or groups: want one of them",
	},
}

// partition returns a fault at 1 s; its kind is Partition unless it has another.
func partition(name string, fault nemesis.Fault) nemesis.Fault {
	fault.ID, fault.At, fault.For = "f1", time.Second, time.Second
	if fault.Kind == "" {
		fault.Kind = nemesis.Partition
	}
	if name != "" {
		fault.Name = name
	}
	return fault
}

func TestValidateNamesTheFaultWhatIsWrongAndWhatIsAccepted(t *testing.T) {
	good := kill("f0", time.Second, 19*time.Second, "n1", "n5")
	for _, test := range invalid {
		s := nemesis.Schedule{good, test.fault}
		err := s.Validate(names(5), 20*time.Second)
		require.ErrorContains(t, err, test.wrong)
		require.NotContains(t, err.Error(), "\n")
	}
	require.NoError(t, nemesis.Schedule{good}.Validate(names(5), 20*time.Second))
	require.NoError(t, nemesis.Schedule(nil).Validate(names(5), 0))
	require.ErrorContains(t, nemesis.Schedule{}.Validate(nil, 0), "there are no nodes")
}

func TestResolveNamesTheFaultThatCannotBeResolved(t *testing.T) {
	s := nemesis.Schedule{kill("a", 1, 1, "n1"), kill("b", 2, 1, "n9")}
	_, err := s.Resolve(names(3))
	require.EqualError(t, err, `fault b: "n9" is not a node: want some of n1, n2, n3`)
}

func TestAFaultIsDescribedInWords(t *testing.T) {
	for want, fault := range map[string]nemesis.Fault{
		"kill n1 n2": kill("f1", 1, 1, "n1", "n2"),
		"partition isolate-one [n3]": {
			Kind: nemesis.Partition, Name: "isolate-one", Nodes: []string{"n3"},
		},
		"partition [n1] [n2 n3]": {
			Kind: nemesis.Partition, Groups: [][]string{{"n1"}, {"n2", "n3"}},
		},
		"partition halves: n1 | n2 n3": {
			Kind: nemesis.Partition, Name: "halves",
			Cut: nemesis.Split([]string{"n1"}, []string{"n2", "n3"}),
		},
		"partition: n1→n2": {Kind: nemesis.Partition, Cut: nemesis.Graph{"n1": {"n2"}}},
	} {
		require.Equal(t, want, fault.String())
	}
}
