package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
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

// Nemeses returns everything that a run can choose, the general ones first. "partition" and "kill"
// vary what they do; the others do one thing.
func Nemeses() []Nemesis {
	partitions, kills := partitionNemeses(), killNemeses()
	all := []Nemesis{
		general("partition", "cuts the network in all the ways below, in turn and at random",
			partitions),
		general("kill", "kills one node or a minority by SIGKILL and starts it again with its disk",
			kills),
	}
	all = append(append(all, partitions...), kills...)
	return append(all, Nemesis{Name: None, Description: "injects nothing"})
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
		return Nemesis{name, description, []variant{{least, weight, draw}}}
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

// killNemeses returns one nemesis for each choice of victims. Single crashes have weight: most
// crash-recovery bugs need few (Gao et al., An Empirical Study on Crash Recovery Bugs in
// Large-Scale Distributed Systems, FSE 2018).
func killNemeses() []Nemesis {
	kill := func(
		name, description string, least, weight int, count func(nodes int) int,
	) Nemesis {
		draw := func(r *rand.Rand, nodes []string) Fault {
			victims := shuffled(r, nodes)[:count(len(nodes))]
			slices.Sort(victims)
			return Fault{Kind: Kill, Nodes: victims}
		}
		return Nemesis{name, description, []variant{{least, weight, draw}}}
	}
	return []Nemesis{
		kill("kill-one", "kills one node by SIGKILL and starts it again with its disk", 1, 2,
			func(int) int { return 1 }),
		kill("kill-minority", "kills as many nodes at once as can die while a majority lives", 3, 1,
			minority),
	}
}

// choose returns the nemeses with the given names, in the order of Nemeses, each with the variants
// that so many nodes allow. It returns none for "none" and for no names at all.
func choose(names []string, nodes int) ([]Nemesis, error) {
	all := Nemeses()
	accepted := make([]string, len(all))
	for i, nemesis := range all {
		accepted[i] = nemesis.Name
	}
	for i, name := range names {
		if !slices.Contains(accepted, name) {
			return nil, fmt.Errorf("nemesis %q is unknown: want some of %s",
				name, strings.Join(accepted, ", "))
		}
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("nemesis %q is named twice", name)
		}
		if name == None && len(names) > 1 {
			return nil, fmt.Errorf("nemesis %q cannot be combined with others", None)
		}
	}
	var chosen []Nemesis
	for _, nemesis := range all {
		if nemesis.Name == None || !slices.Contains(names, nemesis.Name) {
			continue
		}
		fitting, err := nemesis.fitting(nodes)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, fitting)
	}
	return chosen, nil
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
