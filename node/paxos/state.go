package paxos

import (
	"bytes"
	"slices"
)

// A State is what proposals carry and what is chosen: the content of a register together with, for
// every node, the last operation of that node that is part of it. States are immutable: a change
// makes a new one.
type State struct {
	// Present is false while nothing was ever written.
	Present bool
	Content []byte
	// Applied holds at most one stamp a node, sorted by node. It never grows beyond that, and it
	// is exact, because a node has one operation in flight per key.
	Applied []Stamp
}

// A Stamp identifies an operation: the Sequence-th of a node's life.
type Stamp struct {
	Node     NodeID
	Boot     uint64
	Sequence uint64
}

// Equal tells whether two states are the same.
func (s State) Equal(other State) bool {
	return s.Present == other.Present && bytes.Equal(s.Content, other.Content) &&
		slices.Equal(s.Applied, other.Applied)
}

// Has tells whether the operation with this stamp is the last of its node that is part of s.
func (s State) Has(stamp Stamp) bool { return slices.Contains(s.Applied, stamp) }

// With returns s with new content, written by the operation with this stamp.
func (s State) With(content []byte, stamp Stamp) State {
	applied := make([]Stamp, 0, len(s.Applied)+1)
	for _, other := range s.Applied {
		if other.Node < stamp.Node {
			applied = append(applied, other)
		}
	}
	applied = append(applied, stamp)
	for _, other := range s.Applied {
		if other.Node > stamp.Node {
			applied = append(applied, other)
		}
	}
	return State{Present: true, Content: bytes.Clone(content), Applied: applied}
}

// A Proposal is a state under a ballot. The zero Proposal is "none": what an acceptor that has
// accepted nothing reports.
type Proposal struct {
	Ballot Ballot
	State  State
}
