package paxos

// Votes counts the acceptors that gave the same answer.
type Votes struct {
	voters uint32
	count  int
}

// Has tells whether the acceptor's vote was counted.
func (v Votes) Has(from NodeID) bool { return v.voters&(1<<from) != 0 }

// Count returns the number of votes.
func (v Votes) Count() int { return v.count }

// add counts a vote, of a new voter or again.
func (v Votes) add(from NodeID) Votes {
	return Votes{voters: v.voters | 1<<from, count: v.count + 1}
}
