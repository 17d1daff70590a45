package nemesis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history/stream"
	"ordeal/nemesis"
)

// connected returns the nodes that node is connected to in both directions, itself included.
func connected(nodes []string, cut nemesis.Graph, node string) []string {
	var peers []string
	for _, peer := range nodes {
		if cut.Reaches(node, peer) && cut.Reaches(peer, node) {
			peers = append(peers, peer)
		}
	}
	return peers
}

// sizes returns how many nodes each node is connected to, ordered.
func sizes(nodes []string, cut nemesis.Graph) []int {
	var result []int
	for _, node := range nodes {
		result = append(result, len(connected(nodes, cut, node)))
	}
	slices.Sort(result)
	return result
}

// everySeed draws a partition with many seeds, on every number of nodes from least to 7.
func everySeed(
	t *testing.T, least int, build func(*rand.Rand, []string) nemesis.Graph,
	check func(t *testing.T, nodes []string, cut nemesis.Graph),
) {
	for n := least; n <= 7; n++ {
		t.Run(fmt.Sprintf("%d nodes", n), func(t *testing.T) {
			nodes := names(n)
			different := map[string]bool{}
			for seed := range uint64(60) {
				cut := build(stream.New(seed, "test"), nodes)
				require.NoError(t, cut.Validate(nodes))
				require.NotEmpty(t, cut)
				require.Equal(t, names(n), nodes, "the argument is left alone")
				different[fmt.Sprint(cut)] = true
				check(t, nodes, cut)
			}
			require.True(t, len(different) > 1 || n == 2, "every seed draws %v", different)
		})
	}
}

func TestIsolateOneCutsOneNodeFromAllOthers(t *testing.T) {
	everySeed(t, 2, nemesis.IsolateOne, func(t *testing.T, nodes []string, cut nemesis.Graph) {
		require.True(t, cut.Symmetric())
		want := slices.Repeat([]int{len(nodes) - 1}, len(nodes))
		want[0] = 1
		require.Equal(t, want, sizes(nodes, cut))
	})
}

func TestHalvesAreAsEqualAsCanBe(t *testing.T) {
	everySeed(t, 2, nemesis.Halves, func(t *testing.T, nodes []string, cut nemesis.Graph) {
		require.True(t, cut.Symmetric())
		small := len(nodes) / 2
		want := slices.Repeat([]int{len(nodes) - small}, len(nodes))
		copy(want, slices.Repeat([]int{small}, small))
		require.Equal(t, want, sizes(nodes, cut))
	})
}

func TestMajorityMinorityLeavesAMajorityAndCutsEverySizeOfMinority(t *testing.T) {
	seen := map[[2]int]bool{}
	check := func(t *testing.T, nodes []string, cut nemesis.Graph) {
		require.True(t, cut.Symmetric())
		small := sizes(nodes, cut)[0]
		require.Less(t, 2*small, len(nodes))
		want := slices.Repeat([]int{len(nodes) - small}, len(nodes))
		copy(want, slices.Repeat([]int{small}, small))
		require.Equal(t, want, sizes(nodes, cut))
		require.Len(t, nemesis.HealthyCore(nodes, cut, nil), len(nodes)-small)
		seen[[2]int{len(nodes), small}] = true
	}
	everySeed(t, 3, nemesis.MajorityMinority, check)
	for n := 3; n <= 7; n++ {
		for size := 1; size <= (n-1)/2; size++ {
			require.Contains(t, seen, [2]int{n, size})
		}
	}
}

func TestInAMajoritiesRingAllSeeAMajorityAndNoTwoTheSame(t *testing.T) {
	everySeed(t, 3, nemesis.MajoritiesRing, func(t *testing.T, nodes []string, cut nemesis.Graph) {
		require.True(t, cut.Symmetric())
		checkRing(t, nodes, cut)
	})
}

// checkRing also asks for the smallest majorities: only where nodes and connections are odd in
// number one node has one more.
func checkRing(t *testing.T, nodes []string, cut nemesis.Graph) {
	t.Helper()
	seen := map[string]string{}
	beyond := 0
	for _, node := range nodes {
		peers := connected(nodes, cut, node)
		require.Contains(t, peers, node)
		require.GreaterOrEqual(t, len(peers), nemesis.Majority(len(nodes)))
		require.NotContains(t, seen, fmt.Sprint(peers), "%s sees the same", node)
		seen[fmt.Sprint(peers)] = node
		beyond += len(peers) - nemesis.Majority(len(nodes))
	}
	odd := len(nodes)%2 == 1 && nemesis.Majority(len(nodes))%2 == 0
	require.Equal(t, map[bool]int{true: 1}[odd], beyond)
}

func TestRingsOfMoreNodes(t *testing.T) {
	for n := 3; n <= 40; n++ {
		checkRing(t, names(n), nemesis.Ring(names(n)))
	}
	require.Panics(t, func() { nemesis.Ring(names(2)) })
}

func TestTheRingsThatAreDocumented(t *testing.T) {
	for n, want := range map[int]nemesis.Graph{
		3: {"n2": {"n3"}, "n3": {"n2"}},
		4: {"n1": {"n3"}, "n2": {"n4"}, "n3": {"n1"}, "n4": {"n2"}},
		5: {
			"n1": {"n3", "n4"}, "n2": {"n4", "n5"}, "n3": {"n1", "n5"}, "n4": {"n1", "n2"},
			"n5": {"n2", "n3"},
		},
		6: {
			"n1": {"n3", "n5"}, "n2": {"n4", "n6"}, "n3": {"n1", "n5"}, "n4": {"n2", "n6"},
			"n5": {"n1", "n3"}, "n6": {"n2", "n4"},
		},
		7: {
			"n1": {"n3", "n5", "n6"}, "n2": {"n4", "n6", "n7"}, "n3": {"n1", "n5"},
			"n4": {"n2", "n6", "n7"}, "n5": {"n1", "n3", "n7"}, "n6": {"n1", "n2", "n4"},
			"n7": {"n2", "n4", "n5"},
		},
	} {
		require.Equal(t, want, nemesis.Ring(names(n)))
	}
}

func TestExactlyOneNodeOfABridgeReachesAll(t *testing.T) {
	everySeed(t, 3, nemesis.Bridge, func(t *testing.T, nodes []string, cut nemesis.Graph) {
		require.True(t, cut.Symmetric())
		n := len(nodes)
		small, large := (n-1)/2+1, n/2+1 // a half and the bridge
		var want []int
		want = append(want, slices.Repeat([]int{small}, (n-1)/2)...)
		want = append(want, slices.Repeat([]int{large}, n/2)...)
		require.Equal(t, append(want, n), sizes(nodes, cut))
	})
}

func TestOneWayCutsOneDirectionBetweenAGroupAndTheRest(t *testing.T) {
	groups := map[string]bool{}
	check := func(t *testing.T, nodes []string, cut nemesis.Graph) {
		var rest []string
		for _, node := range nodes {
			if len(cut[node]) == 0 {
				rest = append(rest, node)
			}
		}
		for from := range cut {
			require.Equal(t, rest, cut[from], "all receivers are the same, and send freely")
		}
		groups[fmt.Sprint(len(nodes), len(cut))] = true
	}
	everySeed(t, 2, nemesis.OneWay, check)
	for _, size := range []int{1, 2, 3, 4} { // a group of 1 or 2 of 5 that is not heard, or deaf
		require.Contains(t, groups, fmt.Sprint(5, size))
	}
}

func TestRandomCutsLinksIndependently(t *testing.T) {
	nodes := names(5)
	count := map[nemesis.Link]int{}
	oneWay := 0
	const draws = 3000
	r := stream.New(1, "test")
	for range draws {
		cut := nemesis.Random(r, nodes)
		require.NoError(t, cut.Validate(nodes))
		for _, link := range cut.Links() {
			count[link]++
			if cut.Reaches(link.To, link.From) {
				oneWay++
			}
		}
	}
	require.Len(t, count, 20)
	total := 0
	for link, times := range count {
		require.InDelta(t, draws/3, times, draws/20, "%v", link)
		total += times
	}
	require.InDelta(t, total*2/3, oneWay, draws/3, "the reverse link is cut one time in three")
}

func TestRandomIsNeverEmpty(t *testing.T) {
	everySeed(t, 2, nemesis.Random, func(t *testing.T, _ []string, cut nemesis.Graph) {
		require.NotEmpty(t, cut.Links())
	})
}
