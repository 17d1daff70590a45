package docker

import (
	"cmp"
	"fmt"
	"slices"

	"ordeal/nemesis"
)

// A link is the way of packets from one node to another.
type link struct{ from, to string }

// String writes the link as records do.
func (l link) String() string { return l.from + "→" + l.to }

// reverse is the way back.
func (l link) reverse() link { return link{from: l.to, to: l.from} }

// linksOf returns the links that a graph cuts, in order, if they are links between nodes.
func linksOf(cut nemesis.Graph, nodes []string) ([]link, error) {
	var links []link
	for from, receivers := range cut {
		for _, to := range receivers {
			if from == to || !slices.Contains(nodes, from) || !slices.Contains(nodes, to) {
				return nil, fmt.Errorf("%w: %s is no link between two nodes",
					nemesis.ErrPrecondition, link{from, to})
			}
			links = append(links, link{from, to})
		}
	}
	if len(links) == 0 {
		return nil, fmt.Errorf("%w: it cuts no link", nemesis.ErrPrecondition)
	}
	slices.SortFunc(links, func(a, b link) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	return slices.Compact(links), nil
}

// A cutSet is the faults that cut links now, and what they cut together.
type cutSet struct {
	nodes  []string
	faults map[string][]link
	// turns counts, for each link, how often it went from open to cut or back: a link whose count
	// is the same as before has not been touched since.
	turns map[link]int
}

func newCutSet(nodes []string) *cutSet {
	return &cutSet{nodes: nodes, faults: make(map[string][]link), turns: make(map[link]int)}
}

// add brings a fault into force, and returns the receivers that it concerns.
func (s *cutSet) add(fault string, links []link) (receivers []string) {
	for _, l := range links {
		if !s.isCut(l) {
			s.turns[l]++
		}
	}
	s.faults[fault] = links
	return receiversOf(links)
}

// remove ends a fault, and returns the receivers that it concerns.
func (s *cutSet) remove(fault string) (receivers []string) {
	links := s.faults[fault]
	delete(s.faults, fault)
	for _, l := range links {
		if !s.isCut(l) {
			s.turns[l]++
		}
	}
	return receiversOf(links)
}

// isCut tells whether any fault cuts the link.
func (s *cutSet) isCut(l link) bool {
	for _, links := range s.faults {
		if slices.Contains(links, l) {
			return true
		}
	}
	return false
}

// dropsAt returns the senders that a receiver cannot hear, for all faults together.
func (s *cutSet) dropsAt(receiver string) []string {
	var senders []string
	for _, from := range s.nodes {
		if s.isCut(link{from, receiver}) {
			senders = append(senders, from)
		}
	}
	return senders
}

// open returns the links that nothing cuts, each with its turns.
func (s *cutSet) open() map[link]int {
	open := make(map[link]int)
	for _, from := range s.nodes {
		for _, to := range s.nodes {
			if l := (link{from, to}); from != to && !s.isCut(l) {
				open[l] = s.turns[l]
			}
		}
	}
	return open
}

// receiversOf returns the receiving ends of links, each once.
func receiversOf(links []link) []string {
	var receivers []string
	for _, l := range links {
		receivers = append(receivers, l.to)
	}
	slices.Sort(receivers)
	return slices.Compact(receivers)
}
