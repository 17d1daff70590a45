package paxos

import (
	"cmp"
	"fmt"
)

// NodesMax is the largest number of nodes in a cluster.
const NodesMax = 15

// The highest round, boot number and sequence number. What is beyond is refused by the decoder: so
// the encoding of every message is bounded (MessageMax), and rounds never overflow. At 100,000 a
// second the rounds last 178 years, and the operations of one life of a node 16 months.
const (
	RoundMax    = 1<<49 - 1
	BootMax     = 1<<24 - 1
	SequenceMax = 1<<42 - 1
)

// A NodeID names a node of the cluster: 1 to NodesMax.
type NodeID uint16

// A Ballot numbers a proposal. Ballots are totally ordered, by Round, then Node, then Boot, and no
// two nodes, nor two lives of one node, can ever make the same one ("Paxos Made Simple", 2.5: each
// proposer chooses from a disjoint set of numbers). The zero Ballot is lower than every other and
// stands for "none".
type Ballot struct {
	Round uint64
	Node  NodeID
	// Boot is the node's boot number, which is durable before the node sends its first message: a
	// node that forgot the ballots it used in a former life cannot use one again.
	Boot uint64
}

// Compare returns -1, 0 or +1 as b is lower than, equal to or higher than other.
func (b Ballot) Compare(other Ballot) int {
	return cmp.Or(
		cmp.Compare(b.Round, other.Round),
		cmp.Compare(b.Node, other.Node),
		cmp.Compare(b.Boot, other.Boot),
	)
}

// Less tells whether b is lower than other.
func (b Ballot) Less(other Ballot) bool { return b.Compare(other) < 0 }

// IsZero tells whether b is the zero Ballot, "none".
func (b Ballot) IsZero() bool { return b == Ballot{} }

// String shows the ballot as round.node.boot, the zero Ballot as "none".
func (b Ballot) String() string {
	if b.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%d.%d.%d", b.Round, b.Node, b.Boot)
}

// MaxBallot returns the higher of two ballots.
func MaxBallot(a, b Ballot) Ballot {
	if a.Less(b) {
		return b
	}
	return a
}
