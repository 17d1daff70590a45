package nemesis

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
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

// machineFaults are what only the simulator can do to nodes.
func machineFaults() []processFault {
	all := []size{sizeOne, sizeMinority, sizeMajority, sizeAll}
	return []processFault{
		{Crash, "crashes the machines of", "nodes: what was not synced is lost", "", all},
		{SlowDisk, "slows the disks of", "nodes", "", all},
		{BrokenDisk, "lets the disks fail of", "nodes, which ends them", "",
			[]size{sizeOne, sizeMinority}},
		{FullDisk, "fills the disks of", "nodes in the middle of a write, which ends them", "",
			[]size{sizeOne, sizeMinority}},
		{Rot, "flips a bit in the logs of", "nodes, of a minority in a run", "",
			[]size{sizeOneOfThree, sizeMinority}},
		{Drift, "lets the clocks run wrong of", "nodes", "", all},
	}
}

// slowDiskMin and slowDiskMax bound how much longer a sync takes at a slow disk, in milliseconds.
const slowDiskMin, slowDiskMax = 1, 100

// driftRates are how much too fast clocks run, in percent: by a little, and by far too much.
var driftRates = []int{-80, -50, -10, 10, 50, 400}

// drawParameters draws what a fault has beyond its kind and victims.
func (f *Fault) drawParameters(r *rand.Rand) {
	switch f.Kind {
	case SlowDisk:
		f.Delay = time.Duration(slowDiskMin+r.IntN(slowDiskMax)) * time.Millisecond
	case Drift:
		f.Rate = driftRates[r.IntN(len(driftRates))]
	}
}

// nemeses returns one nemesis for each number of victims.
func (p processFault) nemeses() []Nemesis {
	var result []Nemesis
	for _, s := range p.sizes {
		draw := func(r *rand.Rand, nodes []string) Fault {
			victims := shuffled(r, nodes)[:s.count(len(nodes))]
			slices.Sort(victims)
			f := Fault{Kind: p.kind, Nodes: victims}
			f.drawParameters(r)
			return f
		}
		result = append(result, Nemesis{
			Name:        string(p.kind) + "-" + s.name,
			Description: strings.TrimSpace(p.does + " " + s.words + " " + p.then),
			variants:    []variant{{s.least, s.weight, draw}},
		})
	}
	return result
}
