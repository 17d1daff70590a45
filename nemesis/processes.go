package nemesis

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// A processFault is a kind of fault that happens to the processes of nodes.
type processFault struct {
	kind Kind
	// does says what it does, whom to whom the general nemesis does it, and then what comes of it.
	does, whom, then string
	sizes            []size
}

// A size is a choice of how many victims there are.
type size struct {
	name, words string
	// least is how many nodes it needs, weight how often it is drawn.
	least, weight int
	count         func(nodes int) int
}

// The sizes. Single faults have weight: most crash-recovery bugs need few (Gao et al., An Empirical
// Study on Crash Recovery Bugs in Large-Scale Distributed Systems, FSE 2018). A majority at once,
// and all, show what is kept by the disks alone.
var (
	sizeOne = size{"one", "one node", 1, 4, func(int) int { return 1 }}
	// One of two is no minority.
	sizeOneOfThree = size{"one", "one node", 3, 4, func(int) int { return 1 }}

	sizeMinority = size{"minority", "a minority at once", 3, 2,
		minority}
	sizeMajority = size{"majority", "a majority at once", 3, 1, Majority}
	sizeAll      = size{"all", "all nodes at once", 1, 1, func(nodes int) int { return nodes }}
)

func processFaults() []processFault {
	all := []size{sizeOne, sizeMinority, sizeMajority, sizeAll}
	some := "one node, a minority, a majority or all "
	return []processFault{
		{Kill, "kills", some + "by SIGKILL and starts them again",
			"by SIGKILL", all},
		{Stop, "stops", some + "by SIGTERM and starts them again",
			"by SIGTERM", all},
		{Pause, "freezes", some + "and lets them go on", "", all},
		{Wipe, "kills", "one node or a minority and empties the disks, of a minority in a run",
			"and empties the disk", []size{sizeOneOfThree, sizeMinority}},
	}
}

// nemeses returns one nemesis for each number of victims.
func (p processFault) nemeses() []Nemesis {
	var result []Nemesis
	for _, s := range p.sizes {
		draw := func(r *rand.Rand, nodes []string) Fault {
			victims := shuffled(r, nodes)[:s.count(len(nodes))]
			slices.Sort(victims)
			return Fault{Kind: p.kind, Nodes: victims}
		}
		result = append(result, Nemesis{
			Name:        string(p.kind) + "-" + s.name,
			Description: strings.TrimSpace(p.does + " " + s.words + " " + p.then),
			variants:    []variant{{s.least, s.weight, draw}},
		})
	}
	return result
}
