package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Losses returns the nodes that the schedule wipes, sorted, each once. What such a node had
// promised is forgotten, and nothing but a change of membership makes it safe again: it is lost for
// good.
func (s Schedule) Losses() []string {
	var lost []string
	for _, fault := range s {
		if fault.Kind.Loses() {
			lost = append(lost, fault.Nodes...)
		}
	}
	slices.Sort(lost)
	return slices.Compact(lost)
}

// ValidateLosses returns an error if the schedule wipes more nodes than a minority, counted over
// the whole run: then what was acknowledged may be gone, and no protocol could help it.
func (s Schedule) ValidateLosses(nodes []string) error {
	lost := s.Losses()
	if len(lost) <= minority(len(nodes)) {
		return nil
	}
	return fmt.Errorf("the schedule wipes %s over the whole run, %d of %d nodes: want at most %d, "+
		"or data-loss: expected", strings.Join(lost, " "), len(lost), len(nodes),
		minority(len(nodes)))
}

// limitLosses takes victims away from wipes until no more nodes are lost than a minority, and takes
// away the wipes that are left without any. Which wipes stay is random, so that they come at any
// time of a run.
func limitLosses(r *rand.Rand, s []*drawn, nodes int) []*drawn {
	var wipes []int
	for i, fault := range s {
		if fault.Kind.Loses() {
			wipes = append(wipes, i)
		}
	}
	r.Shuffle(len(wipes), func(i, j int) { wipes[i], wipes[j] = wipes[j], wipes[i] })
	lost := map[string]bool{}
	for _, i := range wipes {
		var victims []string
		for _, victim := range s[i].Nodes {
			if !lost[victim] && len(lost) < minority(nodes) {
				lost[victim] = true
				victims = append(victims, victim)
			}
		}
		s[i].Nodes = victims
	}
	return slices.DeleteFunc(s, func(f *drawn) bool { return f.Kind.Loses() && len(f.Nodes) == 0 })
}
