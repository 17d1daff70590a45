package nemesis

import "slices"

// Majority returns how many of n nodes are a majority.
func Majority(n int) int { return n/2 + 1 }

// HealthyCore returns those of nodes, in their order, that are alive and connected in both
// directions to a live majority, themselves included, when the links of cut are cut and the dead
// nodes are dead. A client of such a node can expect its operations to succeed: a proposer talks to
// each acceptor directly, so those need not reach one another. An empty core means that nothing can
// be asked of the cluster.
func HealthyCore(nodes []string, cut Graph, dead []string) []string {
	var core []string
	for _, node := range nodes {
		if slices.Contains(dead, node) {
			continue
		}
		connected := 0
		for _, peer := range nodes {
			alive := !slices.Contains(dead, peer)
			if alive && cut.Reaches(node, peer) && cut.Reaches(peer, node) {
				connected++
			}
		}
		if connected >= Majority(len(nodes)) {
			core = append(core, node)
		}
	}
	return core
}

// Effect returns what resolved faults do together while they are all active: the links that are cut
// and the nodes that are dead, or paused and so as good as dead, sorted, each once. A node that was
// wiped stays out when its fault is over; who asks about a later time adds it.
//
// What only slows down, loses some packets or stalls a disk is taken as a cut, or as the death of
// its nodes: it may leave too little for an operation to succeed, and success is never asked for
// where that is in doubt.
func Effect(faults []Fault) (cut Graph, dead []string) {
	cut = Graph{}
	for _, fault := range faults {
		switch fault.Kind {
		case Partition:
			cut = Union(cut, fault.Cut)
		case Packets:
			cut = Union(cut, fault.Links)
		case Drift:
		default:
			dead = append(dead, fault.Nodes...)
		}
	}
	slices.Sort(dead)
	return cut, slices.Compact(dead)
}
