package simulation

import (
	"fmt"
	"strconv"
	"strings"

	"ordeal/nemesis"
	"ordeal/node/paxos"
)

// Omissions are what a plan lists to be left out: datagrams that are lost, timers that run out
// unheard. A nil map lists nothing, and costs nothing.
type omissions map[omission]bool

// An omission names a datagram by what random decisions about it depend on, or a timer by the index
// of its node.
type omission struct{ place, origin, occurrence uint64 }

// placeOf is the place of a datagram of which random decisions depend.
func placeOf(from, to paxos.NodeID, kind paxos.MessageKind) uint64 {
	return uint64(from)<<16 | uint64(to)<<8 | uint64(kind)
}

// originOf is the number that an operation has in the simulator.
func originOf(o nemesis.OperationName) uint64 {
	return uint64(o.Client+1)<<clientShift | uint64(o.Number)
}

// operationOf is the operation of a number that is not 0.
func operationOf(origin uint64) nemesis.OperationName {
	return nemesis.OperationName{
		Client: int(origin>>clientShift) - 1, Number: int(origin & (1<<clientShift - 1)),
	}
}

// CheckOmissions returns an error that names the first listed datagram of a kind that there is not.
func CheckOmissions(c nemesis.Conditions) error {
	_, err := lost(c.Lose)
	return err
}

// lost returns the listed datagrams, nil for none.
func lost(list []nemesis.Datagram) (omissions, error) {
	if len(list) == 0 {
		return nil, nil
	}
	kinds, names := make(map[string]paxos.MessageKind), []string{}
	for kind := paxos.Prepare; kind <= paxos.Report; kind++ {
		kinds[kind.String()] = kind
		names = append(names, kind.String())
	}
	all := make(omissions, len(list))
	for i, d := range list {
		kind, known := kinds[d.Kind]
		if !known {
			return nil, fmt.Errorf("simulation: lose: datagram %d: kind is %q (accepted: %s)",
				i+1, d.Kind, strings.Join(names, ", "))
		}
		all[omission{
			placeOf(numberOf(d.From), numberOf(d.To), kind), originOf(d.Operation),
			uint64(d.Occurrence),
		}] = true
	}
	return all, nil
}

// muted returns the listed timers, nil for none.
func muted(list []nemesis.Timer) omissions {
	if len(list) == 0 {
		return nil
	}
	all := make(omissions, len(list))
	for _, t := range list {
		place := uint64(numberOf(t.Node)) - 1
		all[omission{place, originOf(t.Operation), uint64(t.Occurrence)}] = true
	}
	return all
}

// numberOf returns the number of a node by its name, 0 for none.
func numberOf(name string) paxos.NodeID {
	n, err := strconv.ParseUint(strings.TrimPrefix(name, "n"), 10, 8)
	if err != nil {
		return 0
	}
	return paxos.NodeID(n)
}

// timerPlaces tells the places of timers from others where occurrences are counted.
const timerPlaces = 1 << 61

// mutes tells whether a timer that is due is listed as one that runs out unheard.
func (n *node) mutes(e *event) bool {
	if !n.replica.Waits(e.number) {
		return false
	}
	place := uint64(n.index)
	occurrence := n.world.queue.occurrences.next(mix(place|timerPlaces, e.origin))
	return n.world.mute[omission{place, e.origin, occurrence}]
}
