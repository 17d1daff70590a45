package nemesis_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/nemesis"
)

// names returns n1, n2, … up to n nodes.
func names(n int) []string {
	nodes := make([]string, n)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("n%d", i+1)
	}
	return nodes
}

// graphs generates canonical graphs on nodes.
func graphs(nodes []string) *rapid.Generator[nemesis.Graph] {
	return rapid.Custom(func(t *rapid.T) nemesis.Graph {
		g := nemesis.Graph{}
		for _, from := range nodes {
			for _, to := range nodes {
				if from != to && rapid.Bool().Draw(t, from+"→"+to) {
					g[from] = append(g[from], to)
				}
			}
		}
		return g
	})
}

func TestUnionCutsWhatAnyGraphCuts(t *testing.T) {
	nodes := names(4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := graphs(nodes).Draw(t, "a"), graphs(nodes).Draw(t, "b")
		union := nemesis.Union(a, b)
		require.NoError(t, union.Validate(nodes))
		for _, from := range nodes {
			require.True(t, union.Reaches(from, from))
			for _, to := range nodes {
				require.Equal(t, a.Cuts(from, to) || b.Cuts(from, to), union.Cuts(from, to))
				require.Equal(t, from == to || !union.Cuts(from, to), union.Reaches(from, to))
			}
		}
		require.Equal(t, union, nemesis.Union(b, a))
		require.Equal(t, a, nemesis.Union(a), "canonical already")
	})
}

func TestAGraphIsSymmetricExactlyWhenItEqualsItsReverse(t *testing.T) {
	nodes := names(3)
	rapid.Check(t, func(t *rapid.T) {
		g := graphs(nodes).Draw(t, "g")
		reverse := nemesis.Graph{}
		for _, link := range g.Links() {
			reverse[link.To] = append(reverse[link.To], link.From)
		}
		reverse = reverse.Canonical()
		require.Equal(t, fmt.Sprint(g.Links()) == fmt.Sprint(reverse.Links()), g.Symmetric())
		require.True(t, nemesis.Union(g, reverse).Symmetric())
	})
}

func TestCanonicalSortsAndDropsWhatSaysNothing(t *testing.T) {
	g := nemesis.Graph{"n1": {"n3", "n2", "n3"}, "n2": {}, "n3": nil}
	require.Equal(t, nemesis.Graph{"n1": {"n2", "n3"}}, g.Canonical())
	require.Equal(t, []string{"n3", "n2", "n3"}, g["n1"], "the original is left alone")
}

func TestLinksAreOrderedAndNamedAsInTheRecord(t *testing.T) {
	g := nemesis.Graph{"n2": {"n1"}, "n1": {"n2", "n3"}}
	require.Equal(t, "[n1→n2 n1→n3 n2→n1]", fmt.Sprint(g.Links()))
}

func TestValidateNamesWhatIsWrongWithAGraph(t *testing.T) {
	nodes := names(3)
	for _, test := range []struct {
		graph nemesis.Graph
		wrong string
	}{
		{nemesis.Graph{"n9": {"n1"}}, `"n9" is not a node: want some of n1, n2, n3`},
		{nemesis.Graph{"n1": {"n9"}}, `"n9" is not a node: want some of n1, n2, n3`},
		{nemesis.Graph{"n1": {"n1"}}, "n1 cannot be cut from itself"},
		{nemesis.Graph{"n1": {}}, "n1 is listed without receivers"},
		{nemesis.Graph{"n1": {"n3", "n2"}}, "the receivers of n1 are not sorted"},
		{nemesis.Graph{"n1": {"n2", "n2"}}, "the receivers of n1 are not sorted, each once"},
	} {
		require.ErrorContains(t, test.graph.Validate(nodes), test.wrong)
	}
	require.NoError(t, nemesis.Graph{"n1": {"n2", "n3"}}.Validate(nodes))
	require.NoError(t, nemesis.Graph(nil).Validate(nodes))
}

func TestAGraphIsDescribedByItsGroupsOrItsLinks(t *testing.T) {
	for _, test := range []struct {
		graph nemesis.Graph
		want  string
	}{
		{nil, "nothing"},
		{nemesis.Split([]string{"n1", "n2"}, []string{"n3"}), "n3 | n1 n2"},
		{nemesis.Split([]string{"n1"}, []string{"n3"}, []string{"n2"}), "n1 | n2 | n3"},
		{nemesis.Graph{"n1": {"n2", "n3"}, "n2": {"n1"}}, "n1→n2 n3, n2→n1"},
		{nemesis.Ring(names(4)), "n1→n3, n2→n4, n3→n1, n4→n2"},
	} {
		require.Equal(t, test.want, test.graph.String())
	}
}

// The core is compared with the definition, word by word, on every subset of nodes.
func TestHealthyCoreIsConnectedBothWaysToALiveMajority(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := names(rapid.IntRange(2, 6).Draw(t, "n"))
		cut := graphs(nodes).Draw(t, "cut")
		dead := rapid.SliceOfNDistinct(rapid.SampledFrom(nodes), 0, len(nodes), rapid.ID).
			Draw(t, "dead")
		core := nemesis.HealthyCore(nodes, cut, dead)
		for _, node := range nodes {
			require.Equal(t, hasMajority(nodes, node, cut, dead), slices.Contains(core, node))
		}
	})
}

// hasMajority tries every majority.
func hasMajority(nodes []string, node string, cut nemesis.Graph, dead []string) bool {
	for set := range 1 << len(nodes) {
		size, good, contains := 0, true, false
		for i, member := range nodes {
			if set&(1<<i) == 0 {
				continue
			}
			size++
			contains = contains || member == node
			good = good && !slices.Contains(dead, member) &&
				cut.Reaches(node, member) && cut.Reaches(member, node)
		}
		if good && contains && 2*size > len(nodes) {
			return true
		}
	}
	return false
}

func TestTheCoreOfWhatHappensInARun(t *testing.T) {
	nodes := names(5)
	isolated := nemesis.Fault{
		Kind: nemesis.Partition,
		Cut:  nemesis.Split([]string{"n3"}, []string{"n1", "n2", "n4", "n5"}),
	}
	kill := func(nodes ...string) nemesis.Fault {
		return nemesis.Fault{Kind: nemesis.Kill, Nodes: nodes}
	}
	for _, test := range []struct {
		active []nemesis.Fault
		core   []string
	}{
		{nil, nodes},
		{[]nemesis.Fault{isolated}, []string{"n1", "n2", "n4", "n5"}},
		{[]nemesis.Fault{isolated, kill("n1")}, []string{"n2", "n4", "n5"}},
		{[]nemesis.Fault{isolated, kill("n1", "n2")}, nil},
		{[]nemesis.Fault{kill("n1", "n2"), kill("n2")}, []string{"n3", "n4", "n5"}},
		{[]nemesis.Fault{isolated, {Kind: nemesis.Pause, Nodes: []string{"n1"}}},
			[]string{"n2", "n4", "n5"}},
		{[]nemesis.Fault{kill("n1"), {Kind: nemesis.Wipe, Nodes: []string{"n2"}},
			{Kind: nemesis.Stop, Nodes: []string{"n3"}}}, nil},
	} {
		cut, dead := nemesis.Effect(test.active)
		require.Equal(t, test.core, nemesis.HealthyCore(nodes, cut, dead), "%v", test.active)
	}
}
