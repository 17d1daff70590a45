package nemesis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Graph is a set of directed links that are cut: it maps each sender to the receivers that its
// packets do not reach. Receivers are sorted and without duplicates, and no sender is listed with
// none; Canonical brings any graph into that form. A node always reaches itself.
type Graph map[string][]string

// A Link is a directed connection from one node to another.
type Link struct{ From, To string }

// String returns the link as it is written in the record: "n1→n2".
func (l Link) String() string { return l.From + "→" + l.To }

// Cuts tells whether packets from one node to another are dropped.
func (g Graph) Cuts(from, to string) bool { return slices.Contains(g[from], to) }

// Reaches tells whether packets from one node to another may arrive, as far as g goes.
func (g Graph) Reaches(from, to string) bool { return from == to || !g.Cuts(from, to) }

// Links returns the links that are cut, ordered by sender, then receiver.
func (g Graph) Links() []Link {
	count := 0
	for _, to := range g {
		count += len(to)
	}
	if count == 0 {
		return nil
	}
	links := make([]Link, 0, count)
	for _, from := range g.senders() {
		for _, to := range g[from] {
			links = append(links, Link{From: from, To: to})
		}
	}
	return links
}

// senders returns those that are cut from somebody, in order.
func (g Graph) senders() []string {
	names := make([]string, 0, len(g))
	for from := range g {
		names = append(names, from)
	}
	slices.Sort(names)
	return names
}

// Symmetric tells whether every link that is cut is cut in both directions.
func (g Graph) Symmetric() bool {
	for _, link := range g.Links() {
		if !g.Cuts(link.To, link.From) {
			return false
		}
	}
	return true
}

// Canonical returns the same set of links with the receivers sorted, each once, and without senders
// that are cut from nobody. It shares no memory with g.
func (g Graph) Canonical() Graph {
	result := Graph{}
	for from, to := range g {
		if len(to) > 0 {
			receivers := slices.Clone(to)
			slices.Sort(receivers)
			result[from] = slices.Compact(receivers)
		}
	}
	return result
}

// Union returns the graph that cuts every link that any of the graphs cuts: the effect of
// partitions that overlap in time. It is canonical.
func Union(graphs ...Graph) Graph {
	result := Graph{}
	for _, g := range graphs {
		for from, to := range g {
			result[from] = append(result[from], to...)
		}
	}
	return result.Canonical()
}

// Validate returns an error unless g is canonical, every name in it is one of nodes and no node is
// cut from itself.
func (g Graph) Validate(nodes []string) error {
	for _, from := range g.senders() {
		if err := known(nodes, from); err != nil {
			return err
		}
		if len(g[from]) == 0 {
			return fmt.Errorf("%s is listed without receivers", from)
		}
		for i, to := range g[from] {
			if err := known(nodes, to); err != nil {
				return err
			}
			if to == from {
				return fmt.Errorf("%s cannot be cut from itself", from)
			}
			if i > 0 && g[from][i-1] >= to {
				return fmt.Errorf("the receivers of %s are not sorted, each once: %q",
					from, g[from])
			}
		}
	}
	return nil
}

// String describes the graph for people: "n3 | n1 n2" where it separates groups of nodes
// completely, the links otherwise ("n1→n2 n3, n2→n1"), and "nothing" for the empty graph.
func (g Graph) String() string {
	if len(g) == 0 {
		return "nothing"
	}
	if groups := g.groups(); Split(groups...).equal(g) {
		return joinGroups(groups)
	}
	var parts []string
	for _, from := range g.senders() {
		parts = append(parts, from+"→"+strings.Join(g[from], " "))
	}
	return strings.Join(parts, ", ")
}

// groups returns the nodes named in g, those together between which nothing is cut, the smallest
// group first. It means something only if g separates them completely.
func (g Graph) groups() [][]string {
	named := map[string]bool{}
	for _, link := range g.Links() {
		named[link.From], named[link.To] = true, true
	}
	var groups [][]string
next:
	for _, node := range slices.Sorted(maps.Keys(named)) {
		for i, group := range groups {
			if !g.Cuts(group[0], node) {
				groups[i] = append(group, node)
				continue next
			}
		}
		groups = append(groups, []string{node})
	}
	slices.SortStableFunc(groups, func(a, b []string) int { return len(a) - len(b) })
	return groups
}

func (g Graph) equal(other Graph) bool {
	return maps.EqualFunc(g, other, func(a, b []string) bool { return slices.Equal(a, b) })
}

func joinGroups(groups [][]string) string {
	parts := make([]string, len(groups))
	for i, group := range groups {
		parts[i] = strings.Join(group, " ")
	}
	return strings.Join(parts, " | ")
}

// known returns an error unless node is one of nodes.
func known(nodes []string, node string) error {
	if !slices.Contains(nodes, node) {
		return fmt.Errorf("%q is not a node: want some of %s", node, strings.Join(nodes, ", "))
	}
	return nil
}
