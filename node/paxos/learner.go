package paxos

import "maps"

// learnerBallotsMax bounds the ballots that a learner counts votes for. Votes for the lowest are
// forgotten first; a learner that forgot some can ask the acceptors again.
const learnerBallotsMax = 32

// A Learner finds out what was chosen for one key: what a majority of distinct acceptors accepted
// under the same ballot ("Paxos Made Simple", 2.3). Acceptors tell every learner of each proposal
// that they accept; such messages may be lost, so that a learner may not know yet. The zero Learner
// knows nothing.
type Learner struct {
	known   bool
	learned State
	votes   map[Ballot]Votes
}

// Learned returns what was learned, and whether anything was.
func (l *Learner) Learned() (State, bool) { return l.learned, l.known }

// Accepted counts that an acceptor accepted a proposal, as it said itself.
func (l *Learner) Accepted(rules *Rules, nodes int, from NodeID, p Proposal) {
	if p.Ballot.IsZero() || l.known && !rules.MayLearnAgain {
		return
	}
	if l.votes == nil {
		l.votes = make(map[Ballot]Votes)
	}
	l.votes[p.Ballot] = rules.Vote(l.votes[p.Ballot], from)
	if l.votes[p.Ballot].Count() >= rules.LearnQuorum(nodes) {
		l.known, l.learned, l.votes = true, p.State, nil
		return
	}
	if len(l.votes) > learnerBallotsMax {
		delete(l.votes, lowest(l.votes))
	}
}

func lowest(votes map[Ballot]Votes) Ballot {
	var low Ballot
	for ballot := range maps.Keys(votes) {
		if low.IsZero() || ballot.Less(low) {
			low = ballot
		}
	}
	return low
}
