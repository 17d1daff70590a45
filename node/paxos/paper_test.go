package paxos

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The tests in paper_*_test.go follow Leslie Lamport, "Paxos Made Simple" (2001), sentence by
// sentence. Each quotes its sentence and names the section, and says where the code departs. Two
// departures go through all of them:
//
//   - a "value" is a State, and a register's proposer does not propose the recovered one again but
//     a change of it: then "has value v" reads "descends from the proposal with value v" (CASPaxos,
//     Rystsov 2018). Decrees, whose change never replaces anything, are as in the paper; these
//     tests use them where the two differ.
//   - requests are sent to all acceptors, not to a majority picked beforehand.

// A synod is some acceptors that a test asks one by one.
type synod struct {
	rules     Rules
	acceptors []Acceptor
}

func newSynod(size int) *synod { return &synod{Correct(), make([]Acceptor, size)} }

var decree = Key{Space: Decrees, Name: "d"}

// ballot makes one by its round; all are of node 1 where only their order counts.
func ballot(round uint64) Ballot { return Ballot{Round: round, Node: 1, Boot: 1} }

func value(content string) State { return State{Present: true, Content: []byte(content)} }

func (s *synod) prepare(to NodeID, b Ballot) Message {
	m := Message{Kind: Prepare, From: b.Node, To: to, Key: decree, Ballot: b}
	answer, _ := s.acceptors[to-1].Prepare(&s.rules, m)
	return answer
}

func (s *synod) accept(to NodeID, b Ballot, state State, next Ballot) Message {
	m := Message{Kind: Accept, From: b.Node, To: to, Key: decree, Ballot: b, Next: next}
	m.Proposal.State = state
	answer, _ := s.acceptors[to-1].Accept(&s.rules, m)
	return answer
}

// proposer takes phase 1 of a ballot through the acceptors given.
func (s *synod) proposer(b Ballot, ask ...NodeID) *Proposer {
	p := NewProposer(&s.rules, len(s.acceptors))
	p.Prepare(b)
	for _, to := range ask {
		if answer := s.prepare(to, b); answer.Kind == Promise {
			p.Promise(answer)
		} else {
			p.Refused(answer)
		}
	}
	return &p
}

// issue takes phase 2 through the acceptors given: the recovered value, or else the wish.
func (s *synod) issue(p *Proposer, wish string, ask ...NodeID) (proposed State) {
	found, _ := p.Recovered()
	proposed, _, _ = Change{Kind: ChangePropose, Content: []byte(wish)}.Apply(found.State, Stamp{})
	p.Propose(proposed, Ballot{})
	for _, to := range ask {
		if answer := s.accept(to, p.Ballot(), proposed, Ballot{}); answer.Kind == Accepted {
			p.Accepted(answer)
		}
	}
	return proposed
}

// 2.2, P1: "An acceptor must accept the first proposal that it receives."
//
// As P1a restates it: unless it has promised a higher number. An acceptor that promised nothing
// accepts whatever comes first.
func TestP1AnAcceptorAcceptsTheFirstProposalThatItReceives(t *testing.T) {
	s := newSynod(3)
	require.Equal(t, Accepted, s.accept(1, ballot(7), value("v"), Ballot{}).Kind)
	require.Equal(t, Proposal{ballot(7), value("v")}, s.acceptors[0].Accepted)
}

// 2.2, P1a: "An acceptor can accept a proposal numbered n iff it has not responded to a prepare
// request having a number greater than n."
//
// The code departs in one thing: accepting n counts as having promised n. By the letter an acceptor
// that accepted 5 without a prepare may accept 3 afterwards; by the intent ("remember only the
// highest-numbered proposal that it has ever accepted") it may not, and systems that went by the
// letter have lost values (scylladb#6139).
func TestP1aAnAcceptorAcceptsUnlessItPromisedAGreaterNumber(t *testing.T) {
	for _, c := range []struct {
		promised, numbered uint64
		accepts            bool
	}{{0, 1, true}, {4, 5, true}, {5, 5, true}, {6, 5, false}, {100, 5, false}} {
		s := newSynod(3)
		if c.promised > 0 {
			s.prepare(1, ballot(c.promised))
		}
		answer := s.accept(1, ballot(c.numbered), value("v"), Ballot{})
		require.Equal(t, c.accepts, answer.Kind == Accepted, "%+v", c)
		require.Equal(t, c.accepts, s.acceptors[0].Accepted.Ballot == ballot(c.numbered), "%+v", c)
	}
	s := newSynod(3)
	s.accept(1, ballot(5), value("v"), Ballot{})
	require.Equal(t, Refusal, s.accept(1, ballot(3), value("w"), Ballot{}).Kind)
}

// 2.2, P1a, with a promise carried along in the accept: the promise that came with the acceptance
// binds like one that was asked for by a prepare of its own. (Not in the paper.)
func TestP1aHoldsForThePromiseCarriedAlong(t *testing.T) {
	s := newSynod(3)
	answer := s.accept(1, ballot(1), value("v"), ballot(9))
	require.Equal(t, ballot(9), answer.Next)
	require.Equal(t, ballot(9), s.acceptors[0].Promised)
	require.Equal(t, Refusal, s.accept(1, ballot(8), value("w"), Ballot{}).Kind)
	require.Equal(t, Refusal, s.prepare(1, ballot(8)).Kind)
	require.Equal(t, Accepted, s.accept(1, ballot(9), value("w"), Ballot{}).Kind)
}

// 2.2, P2: "If a proposal with value v is chosen, then every higher-numbered proposal that is
// chosen has value v."
//
// 2.2, P2a: "… every higher-numbered proposal accepted by any acceptor has value v."
//
// 2.2, P2b: "… every higher-numbered proposal issued by any proposer has value v."
//
// All three, over every majority of five that a first proposal can be chosen by, and every one that
// a second proposer can ask.
func TestP2HigherNumberedProposalsHaveTheChosenValue(t *testing.T) {
	for _, by := range majorities(5) {
		for _, ask := range majorities(5) {
			s := newSynod(5)
			first := s.proposer(ballot(1), by...)
			s.issue(first, "v", by...)
			require.Equal(t, Chosen, first.Stage())

			second := s.proposer(ballot(2), ask...)
			issued := s.issue(second, "w", 1, 2, 3, 4, 5)
			require.Equal(t, "v", string(issued.Content), "P2b: chosen by %v, asked %v", by, ask)
			require.Equal(t, Chosen, second.Stage(), "P2")
			for _, a := range s.acceptors {
				require.Equal(t, "v", string(a.Accepted.State.Content), "P2a")
			}
		}
	}
}

// 2.2, P2c: "For any v and n, if a proposal with value v and number n is issued, then there is a
// set S consisting of a majority of acceptors such that either (a) no acceptor in S has accepted
// any proposal numbered less than n …"
func TestP2cAProposerIsFreeWhenAMajorityAcceptedNothing(t *testing.T) {
	s := newSynod(5)
	s.proposer(ballot(1), 3, 4, 5)
	s.accept(5, ballot(1), value("v"), Ballot{})
	p := s.proposer(ballot(2), 1, 2, 3)
	found, _ := p.Recovered()
	require.Equal(t, Proposal{}, found, "the acceptance of node 5 was not seen and need not be")
	require.Equal(t, "w", string(s.issue(p, "w", 1, 2, 3).Content))
	require.Equal(t, Chosen, p.Stage())
}

// 2.2, P2c: "… or (b) v is the value of the highest-numbered proposal among all proposals numbered
// less than n accepted by the acceptors in S."
func TestP2cOtherwiseTheHighestNumberedProposalIsTakenOver(t *testing.T) {
	for _, order := range [][]NodeID{{1, 2, 3}, {3, 2, 1}, {2, 3, 1}} {
		s := newSynod(5)
		s.accept(1, ballot(1), value("low"), Ballot{})
		s.accept(2, ballot(3), value("high"), Ballot{})
		s.accept(3, ballot(2), value("middle"), Ballot{})
		p := s.proposer(ballot(4), order...)
		require.Equal(t, "high", string(s.issue(p, "own", order...).Content), "order %v", order)
	}
}

// 2.2: "To ensure that only a single value is chosen, we can let a large enough set consist of any
// majority of the agents. Because any two majorities have at least one acceptor in common …"
func TestAnyTwoMajoritiesHaveAnAcceptorInCommon(t *testing.T) {
	rules := Correct()
	for n := 1; n <= NodesMax; n++ {
		for _, quorum := range []func(int) int{
			rules.PromiseQuorum, rules.AcceptQuorum, rules.LearnQuorum,
		} {
			require.Greater(t, 2*quorum(n), n, "%d nodes", n)
			require.LessOrEqual(t, 2*(quorum(n)-1), n, "%d nodes: and no larger than need be", n)
		}
	}
}

// 2.2: "To prevent confusion, we require that different proposals have different numbers."
//
// An acceptor that is asked to accept another value under a number that it accepted stops: the
// rules were broken, and going on would choose two values.
func TestDifferentProposalsHaveDifferentNumbers(t *testing.T) {
	s := newSynod(3)
	s.accept(1, ballot(1), value("v"), Ballot{})
	require.Panics(t, func() { s.accept(1, ballot(1), value("w"), Ballot{}) })
	require.NotPanics(t, func() { s.accept(1, ballot(1), value("v"), Ballot{}) })
}

// majorities returns all smallest majorities of n nodes.
func majorities(n int) (all [][]NodeID) {
	for set := range uint(1) << n {
		var members []NodeID
		for i := range n {
			if set&(1<<i) != 0 {
				members = append(members, NodeID(i+1))
			}
		}
		if len(members) == majority(n) {
			all = append(all, members)
		}
	}
	return all
}
