package docker

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/nemesis"
)

func TestLinksOf(t *testing.T) {
	nodes := []string{"n1", "n2", "n3"}
	links, err := linksOf(nemesis.Graph{"n2": {"n1"}, "n1": {"n3", "n2", "n3"}}, nodes)
	require.NoError(t, err)
	require.Equal(t, []link{{"n1", "n2"}, {"n1", "n3"}, {"n2", "n1"}}, links)
	for _, bad := range []nemesis.Graph{
		nil, {"n1": nil}, {"n1": {"n1"}}, {"n1": {"n4"}}, {"n4": {"n1"}},
	} {
		_, err := linksOf(bad, nodes)
		require.ErrorIs(t, err, nemesis.ErrPrecondition, "%v", bad)
	}
}

// Whatever faults come and go in whatever order, a link is cut exactly while one of them cuts it,
// and its turns tell how often that changed.
func TestCutSetIsTheUnionOfItsFaults(t *testing.T) {
	nodes := []string{"n1", "n2", "n3"}
	rapid.Check(t, func(t *rapid.T) {
		set := newCutSet(nodes)
		active := make(map[string]map[link]bool)
		isCut := func(l link) bool {
			for _, links := range active {
				if links[l] {
					return true
				}
			}
			return false
		}
		turns := make(map[link]int)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			before := make(map[link]bool)
			forLinks(nodes, func(l link) { before[l] = isCut(l) })
			fault := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "fault")
			if active[fault] == nil {
				links := drawLinks(t, nodes)
				active[fault] = make(map[link]bool)
				for _, l := range links {
					active[fault][l] = true
				}
				set.add(fault, links)
			} else {
				delete(active, fault)
				set.remove(fault)
			}
			open := set.open()
			forLinks(nodes, func(l link) {
				if before[l] != isCut(l) {
					turns[l]++
				}
				require.Equal(t, isCut(l), set.isCut(l))
				require.Equal(t, isCut(l), slices.Contains(set.dropsAt(l.to), l.from))
				require.Equal(t, turns[l], set.turns[l])
				listed, ok := open[l]
				require.Equal(t, !isCut(l), ok)
				if ok {
					require.Equal(t, turns[l], listed)
				}
			})
		}
	})
}

func forLinks(nodes []string, do func(link)) {
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to {
				do(link{from, to})
			}
		}
	}
}

func drawLinks(t *rapid.T, nodes []string) []link {
	graph := nemesis.Graph{}
	forLinks(nodes, func(l link) {
		if rapid.Bool().Draw(t, l.String()) {
			graph[l.from] = append(graph[l.from], l.to)
		}
	})
	links, err := linksOf(graph, nodes)
	if err != nil {
		return []link{{"n1", "n2"}}
	}
	return links
}
