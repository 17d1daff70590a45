package paxos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// 2.3: "To learn that a value has been chosen, a learner must find out that a proposal has been
// accepted by a majority of acceptors."
func TestALearnerNeedsAMajority(t *testing.T) {
	rules := Correct()
	var l Learner
	p := Proposal{ballot(1), value("v")}
	l.Accepted(&rules, 5, 1, p)
	l.Accepted(&rules, 5, 2, p)
	_, known := l.Learned()
	require.False(t, known)
	l.Accepted(&rules, 5, 5, p)
	learned, known := l.Learned()
	require.True(t, known)
	require.Equal(t, value("v"), learned)
}

// 2.3: "a proposal" has been accepted: one proposal, with one number. Acceptances of the same value
// under different numbers are not added up.
func TestALearnerCountsOneProposalAtATime(t *testing.T) {
	rules := Correct()
	var l Learner
	for node := NodeID(1); node <= 5; node++ {
		l.Accepted(&rules, 5, node, Proposal{ballot(uint64(node)), value("v")})
	}
	_, known := l.Learned()
	require.False(t, known)
}

// 2.1: "A process never learns that a value has been chosen unless it actually has been."
//
// Messages "can be duplicated": a repeated acceptance is one acceptor's all the same.
func TestALearnerCountsDistinctAcceptors(t *testing.T) {
	rules := Correct()
	var l Learner
	for range 10 {
		l.Accepted(&rules, 3, 2, Proposal{ballot(1), value("v")})
	}
	_, known := l.Learned()
	require.False(t, known)
}

// 2.3: "The obvious algorithm is to have each acceptor, whenever it accepts a proposal, respond to
// all learners, sending them the proposal."
//
// Package replica does, for decrees; its transcript learner.txt shows it. 2.3 goes on: "The learner
// could ask the acceptors what proposals they have accepted". That is a Query: it promises nothing.
func TestAnAcceptorTellsWhatItAccepted(t *testing.T) {
	s := newSynod(1)
	s.accept(1, ballot(2), value("v"), ballot(3))
	before := s.acceptors[0]
	report := s.acceptors[0].Query(Message{Kind: Query, From: 2, To: 1, Key: decree, Nonce: 7})
	require.Equal(t, Message{
		Kind: Report, From: 1, To: 2, Key: decree, Nonce: 7,
		Proposal: Proposal{ballot(2), value("v")},
	}, report)
	require.Equal(t, before, s.acceptors[0])
}

// 2.3: "… failure of an acceptor could make it impossible to know whether or not a majority had
// accepted a particular proposal. In that case, learners will find out what value is chosen only
// when a new proposal is chosen."
func TestANewProposalSettlesWhatCannotBeKnown(t *testing.T) {
	s := newSynod(3)
	s.issue(s.proposer(ballot(1), 1, 2), "v", 2) // node 1 may have accepted too, and fails
	var l Learner
	l.Accepted(&s.rules, 3, 2, s.acceptors[1].Accepted)
	l.Accepted(&s.rules, 3, 3, s.acceptors[2].Accepted)
	_, known := l.Learned()
	require.False(t, known)

	p := s.proposer(ballot(2), 2, 3)
	s.issue(p, "w", 2, 3)
	require.Equal(t, Chosen, p.Stage())
	l.Accepted(&s.rules, 3, 2, s.acceptors[1].Accepted)
	l.Accepted(&s.rules, 3, 3, s.acceptors[2].Accepted)
	learned, known := l.Learned()
	require.True(t, known)
	require.Equal(t, "v", string(learned.Content))
}

// 2.3: "If a learner needs to know whether a value has been chosen, it can have a proposer issue a
// proposal". A register's read does less where it can: when a majority that was asked after the
// read began reports one and the same proposal, that one is chosen, and nothing is issued. (Not in
// the paper.)
func TestAReadIssuesAProposalOnlyIfItMust(t *testing.T) {
	s := newSynod(3)
	s.issue(s.proposer(ballot(1), 1, 2, 3), "v", 1, 2)
	read := func(ask ...NodeID) (Proposal, bool) {
		r := NewReader(&s.rules, 3, 1)
		for _, to := range ask {
			m, _ := r.Request(1, to, decree)
			r.Report(s.acceptors[to-1].Query(m))
		}
		return r.Result()
	}
	newest, confirmed := read(1, 2)
	require.True(t, confirmed)
	require.Equal(t, "v", string(newest.State.Content))
	newest, confirmed = read(2, 3)
	require.False(t, confirmed, "one of these two has not accepted it")
	require.Equal(t, "v", string(newest.State.Content), "and it must be completed first")
}

// 2.4: "It's easy to construct a scenario in which two proposers each keep issuing a sequence of
// proposals with increasing numbers, none of which are ever chosen."
func TestTwoProposersCanHinderEachOtherForEver(t *testing.T) {
	s := newSynod(3)
	p := s.proposer(ballot(1), 1, 2, 3)
	for round := uint64(2); round < 50; round++ {
		q := s.proposer(ballot(round), 1, 2, 3)
		s.issue(p, "v", 1, 2, 3)
		require.NotEqual(t, Chosen, p.Stage())
		p = q
	}
	s.issue(p, "v", 1, 2, 3)
	require.Equal(t, Chosen, p.Stage(), "until one of them pauses")
}

// 2.4: "… a reliable algorithm for electing a proposer must use either randomness or real time".
//
// There is no distinguished proposer here. A proposer that was refused waits for a random time, up
// to a limit that doubles.
func TestARefusedProposerWaitsForARandomTime(t *testing.T) {
	rules := Correct()
	const limit, most = 4 * time.Millisecond, 50 * time.Millisecond
	for attempt, longest := range map[int]time.Duration{
		1: limit, 2: 2 * limit, 3: 4 * limit, 4: 8 * limit, 5: most, 6: most, 1000: most,
	} {
		high := func(n int64) int64 { return n - 1 }
		require.Equal(t, longest, rules.Backoff(attempt, limit, most, high), "attempt %d", attempt)
		low := func(int64) int64 { return 0 }
		require.Zero(t, rules.Backoff(attempt, limit, most, low))
	}
}

// 2.4: "By abandoning a proposal and trying again if it detects some request with a higher proposal
// number, the distinguished proposer will eventually choose a high enough proposal number."
//
// Sooner than eventually: the refusal names the number, and the next one is above it.
func TestTheNextNumberIsAboveTheOneThatWasNamed(t *testing.T) {
	rules := Correct()
	named := Ballot{Round: 1000, Node: 5, Boot: 3}
	next := rules.NextBallot(rules.LearnRound(1, named.Round), 1, 1)
	require.True(t, named.Less(next))
	require.Equal(t, uint64(7), rules.LearnRound(7, 3), "a lower one changes nothing")
}

// 2.5: "Different proposers choose their numbers from disjoint sets of numbers, so two different
// proposers never issue a proposal with the same number. Each proposer remembers (in stable
// storage) the highest-numbered proposal it has tried to issue".
//
// The code departs: instead of its highest number a node has its boot number in stable storage,
// which is part of the ballot. It is written once a life, not once a ballot.
func TestNoTwoProposersNorTwoLivesOfOneMakeTheSameBallot(t *testing.T) {
	rules := Correct()
	made := make(map[Ballot]bool)
	for node := NodeID(1); node <= 5; node++ {
		for boot := uint64(1); boot <= 3; boot++ {
			round := uint64(0) // a new life may have forgotten everything but its boot number
			for range 4 {
				b := rules.NextBallot(round, node, boot)
				require.False(t, made[b], "%s twice", b)
				made[b], round = true, b.Round
			}
		}
	}
}
