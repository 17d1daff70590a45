package nemesis

import "fmt"

// Split returns the graph that cuts every link between nodes of different groups, in both
// directions. A node that is in no group reaches everybody.
func Split(groups ...[]string) Graph {
	result := Graph{}
	for i, from := range groups {
		for j, to := range groups {
			if i != j {
				result = Union(result, OneDirection(from, to))
			}
		}
	}
	return result
}

// OneDirection returns the graph that drops what any node of from sends to any node of to, and
// nothing in the other direction.
func OneDirection(from, to []string) Graph {
	result := Graph{}
	for _, sender := range from {
		result[sender] = append(result[sender], to...)
	}
	return result.Canonical()
}

// Ring returns the graph in which every node is connected, in both directions, to a majority of all
// nodes (itself included), and no two nodes to the same one, so that all see majorities and no two
// agree on which. All other links are cut.
//
// The nodes stand in a circle, in the order given. Each is connected to its nearest neighbours, the
// same number on either side; if that leaves it one short of a majority of n, a chord connects node
// i to node i+n/2, for the first n/2 nodes (dividing downwards). An odd number of nodes cannot all
// have an odd number of connections, so then the last node's chord goes to node n/2-1, which has
// two. That is:
//
//	n = 3  a line: 1-0-2; the two ends are cut from each other
//	n = 4  a square: each node is cut from the opposite one
//	n = 5  a pentagon: each node is connected to its two neighbours
//	n = 6  a hexagon with its three diagonals
//	n = 7  a heptagon with the chords 0-3, 1-4, 2-5 and 6-2
//
// It panics for fewer than 3 nodes: two have only one majority.
func Ring(nodes []string) Graph {
	n := len(nodes)
	if n < 3 {
		panic(fmt.Sprintf("nemesis: a ring of %d nodes", n))
	}
	connected := make([][]bool, n)
	for i := range connected {
		connected[i] = make([]bool, n)
		connected[i][i] = true
	}
	connect := func(i, j int) { connected[i][j], connected[j][i] = true, true }
	peers := Majority(n) - 1
	for i := range n {
		for distance := 1; distance <= peers/2; distance++ {
			connect(i, (i+distance)%n)
		}
	}
	if peers%2 == 1 {
		for i := range n / 2 {
			connect(i, i+n/2)
		}
		if n%2 == 1 {
			connect(n-1, n/2-1)
		}
	}
	result := Graph{}
	for i, from := range nodes {
		for j, to := range nodes {
			if !connected[i][j] {
				result[from] = append(result[from], to)
			}
		}
	}
	return result.Canonical()
}
