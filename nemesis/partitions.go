package nemesis

import (
	"math/rand/v2"
	"slices"
)

// The names of the partitions.
const (
	NameIsolateOne       = "isolate-one"
	NameHalves           = "halves"
	NameMajorityMinority = "majority-minority"
	NameMajoritiesRing   = "majorities-ring"
	NameBridge           = "bridge"
	NameOneWay           = "one-way"
	NameRandom           = "random"
)

// IsolateOne cuts one node from all others, in both directions. It needs 2 nodes.
func IsolateOne(r *rand.Rand, nodes []string) Graph {
	order := shuffled(r, nodes)
	return Split(order[:1], order[1:])
}

// Halves cuts two halves from each other, as equal as can be; which of them is the larger one, if
// the number of nodes is odd, is random too. It needs 2 nodes.
func Halves(r *rand.Rand, nodes []string) Graph {
	return Split(halves(shuffled(r, nodes))...)
}

// MajorityMinority cuts a minority from the rest. Its size is random, from 1 to the largest that is
// a minority. It needs 3 nodes.
func MajorityMinority(r *rand.Rand, nodes []string) Graph {
	order := shuffled(r, nodes)
	size := 1 + r.IntN(minority(len(nodes)))
	return Split(order[:size], order[size:])
}

// MajoritiesRing lays a [Ring] through the nodes in random order: each sees a majority, no two the
// same. It needs 3 nodes.
func MajoritiesRing(r *rand.Rand, nodes []string) Graph {
	return Ring(shuffled(r, nodes))
}

// Bridge cuts two halves from each other but for one node, which belongs to neither and reaches
// both. It needs 3 nodes.
func Bridge(r *rand.Rand, nodes []string) Graph {
	return Split(halves(shuffled(r, nodes)[1:])...)
}

// OneWay cuts a group from the rest in one direction only: either nobody outside hears it, or it
// hears nobody outside. The group is one node or more, at most half of all. It needs 2 nodes.
func OneWay(r *rand.Rand, nodes []string) Graph {
	order := shuffled(r, nodes)
	size := 1 + r.IntN(len(nodes)/2)
	group, rest := order[:size], order[size:]
	if r.IntN(2) == 0 {
		return OneDirection(group, rest)
	}
	return OneDirection(rest, group)
}

// Random cuts each directed link independently, one in three on average, and at least one: so a
// cluster of five keeps a node that is connected both ways to a majority more often than not. It
// needs 2 nodes.
func Random(r *rand.Rand, nodes []string) Graph {
	for {
		result := Graph{}
		for _, from := range nodes {
			for _, to := range nodes {
				if from != to && r.IntN(3) == 0 {
					result[from] = append(result[from], to)
				}
			}
		}
		if len(result) > 0 {
			return result.Canonical()
		}
	}
}

// minority returns the largest number of n nodes that is a minority: as many as can fail while a
// majority lives.
func minority(n int) int { return n - Majority(n) }

// halves divides order in two; the first part is the smaller one.
func halves(order []string) [][]string {
	return [][]string{order[:len(order)/2], order[len(order)/2:]}
}

// shuffled returns nodes in random order, in memory of its own.
func shuffled(r *rand.Rand, nodes []string) []string {
	order := slices.Clone(nodes)
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}
