package paxos

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func promiseOf(from NodeID, b Ballot) Message {
	return Message{Kind: Promise, From: from, Ballot: b}
}

func acceptedBy(from NodeID, b, next Ballot) Message {
	return Message{Kind: Accepted, From: from, Ballot: b, Next: next}
}

// accepting returns a proposer of three nodes in phase 2, whose acceptors are asked to promise
// next.
func accepting(b, next Ballot) *Proposer {
	rules := Correct()
	p := NewProposer(&rules, 3)
	p.Prepare(b)
	p.Promise(promiseOf(1, b))
	p.Promise(promiseOf(2, b))
	p.Propose(value("v"), next)
	return &p
}

// An answer counts only for the ballot and the phase that it names.
func TestAnAnswerCountsForItsBallotAndPhase(t *testing.T) {
	rules := Correct()
	p := NewProposer(&rules, 3)
	require.False(t, p.Promise(promiseOf(1, Ballot{})), "an idle proposer waits for nothing")

	p.Prepare(ballot(2))
	p.Promise(promiseOf(1, ballot(2)))
	for _, other := range []Ballot{ballot(1), ballot(3), {2, 2, 1}, {2, 1, 2}} {
		require.False(t, p.Promise(promiseOf(2, other)), "promise of %s", other)
		refusal := Message{Kind: Refusal, Ballot: other, Promised: ballot(9), Refused: Prepare}
		require.False(t, p.Refused(refusal), "refusal of %s", other)
	}
	require.False(t, p.Accepted(acceptedBy(2, ballot(2), Ballot{})), "nothing was proposed")
	refusal := Message{Kind: Refusal, Ballot: ballot(2), Promised: ballot(9), Refused: Accept}
	require.False(t, p.Refused(refusal), "of the other phase")
	refusal.Refused, refusal.Promised = Prepare, ballot(2)
	require.False(t, p.Refused(refusal), "by nothing higher")
	require.Equal(t, Preparing, p.Stage())

	q := accepting(ballot(2), Ballot{})
	q.Accepted(acceptedBy(1, ballot(2), Ballot{}))
	for _, other := range []Ballot{ballot(1), ballot(3), {2, 2, 1}, {2, 1, 2}} {
		require.False(t, q.Accepted(acceptedBy(2, other, Ballot{})), "acceptance of %s", other)
	}
	require.False(t, q.Promise(promiseOf(3, ballot(2))), "a late promise")
	refusal.Promised = ballot(9)
	require.False(t, q.Refused(refusal), "a late refusal of phase 1")
	require.Equal(t, Accepting, q.Stage())
	require.True(t, q.Accepted(acceptedBy(3, ballot(2), Ballot{})))
	require.Equal(t, Chosen, q.Stage())
	require.False(t, q.Accepted(acceptedBy(2, ballot(2), Ballot{})), "chosen is said once")
}

// A repeated answer of one acceptor is one vote.
func TestAProposerCountsDistinctAcceptors(t *testing.T) {
	rules := Correct()
	p := NewProposer(&rules, 3)
	p.Prepare(ballot(1))
	for range 5 {
		require.False(t, p.Promise(promiseOf(2, ballot(1))))
	}
	_, reports := p.Recovered()
	require.Len(t, reports, 1)

	q := accepting(ballot(1), Ballot{})
	for range 5 {
		require.False(t, q.Accepted(acceptedBy(2, ballot(1), Ballot{})))
	}
}

// The next ballot is promised once a majority accepted and, in the same answer, promised it. It
// is not before the proposal is chosen, nor by acceptances without it.
func TestTheNextBallotCountsFromAMajorityThatAccepted(t *testing.T) {
	b, next := ballot(1), ballot(2)
	p := accepting(b, next)
	p.Accepted(acceptedBy(1, b, next))
	_, ok := p.Next()
	require.False(t, ok, "one acceptance")
	p.Accepted(acceptedBy(1, b, next))
	_, ok = p.Next()
	require.False(t, ok, "and the same again")
	p.Accepted(acceptedBy(3, b, next))
	promised, ok := p.Next()
	require.True(t, ok)
	require.Equal(t, next, promised)

	p = accepting(b, next)
	p.Accepted(acceptedBy(1, b, next))
	p.Accepted(acceptedBy(3, b, Ballot{}))
	require.Equal(t, Chosen, p.Stage())
	_, ok = p.Next()
	require.False(t, ok, "only one of the two promised it")

	p = accepting(b, Ballot{})
	p.Accepted(acceptedBy(1, b, Ballot{}))
	p.Accepted(acceptedBy(3, b, Ballot{}))
	_, ok = p.Next()
	require.False(t, ok, "none was asked for")
}

// A ballot whose phase 1 was carried along proposes at once, and only once.
func TestAResumedBallotProposesOnce(t *testing.T) {
	rules := Correct()
	p := NewProposer(&rules, 3)
	p.Resume(ballot(2))
	require.Equal(t, Prepared, p.Stage())
	_, ok := p.Request(1, 2, decree)
	require.False(t, ok, "there is nothing to ask before")
	p.Propose(value("v"), ballot(3))
	require.Equal(t, value("v"), p.Proposed())
	require.Panics(t, func() { p.Propose(value("w"), ballot(3)) })
	m, ok := p.Request(1, 2, decree)
	require.True(t, ok)
	require.Equal(t, Accept, m.Kind)
	require.Equal(t, ballot(3), m.Next)
}

// Whoever has answered is not asked again.
func TestAProposerAsksOnlyThoseThatHaveNotAnswered(t *testing.T) {
	rules := Correct()
	p := NewProposer(&rules, 5)
	_, ok := p.Request(1, 2, decree)
	require.False(t, ok, "an idle proposer asks nothing")
	p.Prepare(ballot(1))
	p.Promise(promiseOf(2, ballot(1)))
	_, ok = p.Request(1, 2, decree)
	require.False(t, ok)
	_, ok = p.Request(1, 3, decree)
	require.True(t, ok)

	q := accepting(ballot(1), Ballot{})
	_, ok = q.Request(1, 2, decree)
	require.True(t, ok, "a new phase is a new question")
	q.Accepted(acceptedBy(2, ballot(1), Ballot{}))
	_, ok = q.Request(1, 2, decree)
	require.False(t, ok)
}

func reportOf(from NodeID, nonce uint64, p Proposal) Message {
	return Message{Kind: Report, From: from, Nonce: nonce, Proposal: p}
}

// A report counts only for the question that it answers, and once an acceptor.
func TestAReaderCountsAnswersToItsOwnQuestion(t *testing.T) {
	rules := Correct()
	old, now := Proposal{ballot(1), value("old")}, Proposal{ballot(2), value("now")}
	r := NewReader(&rules, 3, 7)
	require.False(t, r.Report(reportOf(1, 6, old)), "an answer to an older question")
	require.False(t, r.Report(reportOf(2, 6, old)))
	require.False(t, r.Report(reportOf(1, 7, now)))
	require.False(t, r.Report(reportOf(1, 7, now)), "the same acceptor again")
	_, ok := r.Request(1, 1, decree)
	require.False(t, ok, "it has answered")
	m, ok := r.Request(1, 2, decree)
	require.True(t, ok)
	require.Equal(t, uint64(7), m.Nonce)

	require.True(t, r.Report(reportOf(2, 7, now)))
	newest, confirmed := r.Result()
	require.True(t, confirmed)
	require.Equal(t, now, newest)
	require.False(t, r.Report(reportOf(3, 7, old)), "a majority is said once")
}

// Where nobody accepted anything, that is what the read returns: any value that had been chosen
// would have been reported.
func TestAReaderMayReturnNothing(t *testing.T) {
	rules := Correct()
	r := NewReader(&rules, 3, 1)
	r.Report(reportOf(2, 1, Proposal{}))
	r.Report(reportOf(3, 1, Proposal{}))
	newest, confirmed := r.Result()
	require.True(t, confirmed)
	require.Equal(t, Proposal{}, newest)
}
