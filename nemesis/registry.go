package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// None is the nemesis that does nothing. It can only be chosen alone.
const None = "none"

// A Nemesis is a source of faults that a run can choose by name. Each one that is chosen draws a
// schedule of its own, so that the faults of different ones overlap.
type Nemesis struct {
	// Name is what a run chooses it by, such as "partition" or "isolate-one".
	Name string
	// Description says what it does in one line, without a full stop.
	Description string

	variants []variant
	// interval is that of its own schedule, 0 for the run's.
	interval time.Duration
}

// A variant is one kind of thing that a nemesis does.
type variant struct {
	// least is how many nodes it needs.
	least int
	// weight is how often it is drawn, relative to the others of its nemesis.
	weight int
	// draw returns a fault with its kind and targets, without its id and times.
	draw func(r *rand.Rand, nodes []string) Fault
}

// Nemeses returns everything that a run can choose, the general ones first. Those that are called
// like a kind of fault vary what they do; the others do one thing.
func Nemeses() []Nemesis { return slices.Clone(registry) }

// registry holds them; they are always the same.
var registry = allNemeses()

func allNemeses() []Nemesis {
	partitions := partitionNemeses()
	all := []Nemesis{general(string(Partition),
		"cuts the network in all the ways below, in turn and at random", partitions)}
	parts := partitions
	for _, p := range processFaults() {
		ways := p.nemeses()
		all = append(all, general(string(p.kind), p.does+" "+p.whom, ways))
		parts = append(parts, ways...)
	}
	packets := packetNemeses()
	all = append(all, general(string(Packets),
		"does to packets what stands below, in turn and at random (simulator)", packets))
	for _, p := range machineFaults() {
		ways := p.nemeses()
		all = append(all, general(string(p.kind), p.does+" "+p.whom+" (simulator)", ways))
		for i := range ways {
			ways[i].Description += " (simulator)"
		}
		packets = append(packets, ways...)
	}
	return append(append(append(all, parts...), packets...),
		Nemesis{Name: None, Description: "injects nothing"})
}

// general returns the nemesis that does what each of the given ones does.
func general(name, description string, parts []Nemesis) Nemesis {
	result := Nemesis{Name: name, Description: description}
	for _, part := range parts {
		result.variants = append(result.variants, part.variants...)
	}
	return result
}

// partitionNemeses returns one nemesis for each named partition. The weights follow a study of 136
// partition failures in 25 systems (Alquraan et al., An Analysis of Network-Partitioning Failures
// in Cloud Systems, OSDI 2018): 88 % need no more than one isolated node, 69 % a complete
// partition, 29 % a partial one and 2 % a one-way cut.
func partitionNemeses() []Nemesis {
	partition := func(
		name, description string, least, weight int, build func(*rand.Rand, []string) Graph,
	) Nemesis {
		draw := func(r *rand.Rand, nodes []string) Fault {
			return Fault{Kind: Partition, Name: name, Cut: build(r, nodes)}
		}
		return Nemesis{
			Name: name, Description: description, variants: []variant{{least, weight, draw}},
		}
	}
	return []Nemesis{
		partition(NameIsolateOne, "cuts one node from all others", 2, 5, IsolateOne),
		partition(NameHalves, "cuts two halves from each other, as equal as can be", 2, 2, Halves),
		partition(NameMajorityMinority, "cuts a minority of random size from the rest", 3, 2,
			MajorityMinority),
		partition(NameMajoritiesRing, "lets each node reach a majority, no two the same one", 3, 1,
			MajoritiesRing),
		partition(NameBridge, "cuts two halves from each other but for one node that reaches both",
			3, 2, Bridge),
		partition(NameOneWay, "cuts a group from the rest in one direction only", 2, 1, OneWay),
		partition(NameRandom, "cuts each directed link independently, one in three", 2, 1, Random),
	}
}

// fitting returns the nemesis with only the variants that so many nodes allow, or an error if there
// is none.
func (n Nemesis) fitting(nodes int) (Nemesis, error) {
	least := n.variants[0].least
	var variants []variant
	for _, v := range n.variants {
		least = min(least, v.least)
		if nodes >= v.least {
			variants = append(variants, v)
		}
	}
	if len(variants) == 0 {
		return Nemesis{}, fmt.Errorf("nemesis %q needs at least %d nodes, not %d",
			n.Name, least, nodes)
	}
	n.variants = variants
	return n, nil
}
