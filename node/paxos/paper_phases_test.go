package paxos

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// 2.2, phase 1 (a): "A proposer selects a proposal number n and sends a prepare request with number
// n to a majority of acceptors."
//
// Here to every acceptor: those that have not answered are asked, and asked again.
func TestPhase1aTheProposerAsksAcceptorsToPromise(t *testing.T) {
	rules := Correct()
	p := NewProposer(&rules, 3)
	p.Prepare(ballot(4))
	for to := NodeID(1); to <= 3; to++ {
		m, ok := p.Request(1, to, decree)
		require.True(t, ok)
		require.Equal(t, Message{Kind: Prepare, From: 1, To: to, Key: decree, Ballot: ballot(4)}, m)
	}
}

// 2.2, phase 1 (b): "If an acceptor receives a prepare request with number n greater than that of
// any prepare request to which it has already responded, then it responds to the request with a
// promise not to accept any more proposals numbered less than n and with the highest-numbered
// proposal (if any) that it has accepted."
func TestPhase1bTheAcceptorPromisesAndReports(t *testing.T) {
	s := newSynod(1)
	answer := s.prepare(1, ballot(2))
	require.Equal(t, Promise, answer.Kind)
	require.Equal(t, Proposal{}, answer.Proposal, "it accepted nothing")

	s.accept(1, ballot(3), value("v"), Ballot{})
	s.accept(1, ballot(5), value("w"), Ballot{})
	answer = s.prepare(1, ballot(7))
	require.Equal(t, Promise, answer.Kind)
	require.Equal(t, ballot(7), answer.Ballot)
	require.Equal(t, Proposal{ballot(5), value("w")}, answer.Proposal)
	require.Equal(t, Refusal, s.accept(1, ballot(6), value("x"), Ballot{}).Kind)
}

// 2.2: "Suppose an acceptor receives a prepare request numbered n, but it has already responded to
// a prepare request numbered greater than n … So we have the acceptor ignore such a prepare
// request."
//
// The code answers with a refusal, as the paper recommends further down.
func TestALowerPrepareIsNotPromised(t *testing.T) {
	s := newSynod(1)
	s.prepare(1, ballot(5))
	answer := s.prepare(1, ballot(4))
	require.Equal(t, Refusal, answer.Kind)
	require.Equal(t, ballot(5), s.acceptors[0].Promised)
}

// 2.2: "We also have it ignore a prepare request for a proposal it has already accepted."
//
// The code departs, and so does it for a prepare that it has promised already: an equal number is
// answered again, since the answer may have been lost. It is the same promise: nothing changes, and
// nothing needs to be written. The proposer has no use for it once it is in phase 2.
func TestAnEqualPrepareIsAnsweredAgain(t *testing.T) {
	rules := Correct()
	a := Acceptor{}
	m := Message{Kind: Prepare, From: 1, To: 2, Key: decree, Ballot: ballot(5)}
	first, changed := a.Prepare(&rules, m)
	require.True(t, changed)
	again, changed := a.Prepare(&rules, m)
	require.False(t, changed)
	require.Equal(t, first, again)

	a.Accept(&rules, Message{
		Kind: Accept, Ballot: ballot(5), Proposal: Proposal{State: value("v")},
	})
	again, changed = a.Prepare(&rules, m)
	require.False(t, changed)
	require.Equal(t, Promise, again.Kind)
}

// 2.2, phase 2 (a): "If the proposer receives a response to its prepare requests (numbered n) from
// a majority of acceptors, then it sends an accept request to each of those acceptors for a
// proposal numbered n with a value v …"
//
// And to the others too: "This need not be the same set of acceptors that responded to the initial
// requests."
func TestPhase2aAMajorityOfPromisesComesFirst(t *testing.T) {
	s := newSynod(5)
	p := s.proposer(ballot(1), 1, 2)
	require.Equal(t, Preparing, p.Stage())
	require.Panics(t, func() { p.Propose(value("v"), Ballot{}) }, "two of five are no majority")

	require.True(t, p.Promise(s.prepare(3, ballot(1))))
	require.Equal(t, Prepared, p.Stage())
	p.Propose(value("v"), Ballot{})
	for to := NodeID(1); to <= 5; to++ {
		m, ok := p.Request(1, to, decree)
		require.True(t, ok)
		require.Equal(t, Accept, m.Kind)
		require.Equal(t, ballot(1), m.Ballot)
		require.Equal(t, value("v"), m.Proposal.State)
	}
}

// 2.2, phase 2 (a): "… where v is the value of the highest-numbered proposal among the responses,
// or is any value if the responses reported no proposals."
func TestPhase2aTheValueIsTheRecoveredOneOrAny(t *testing.T) {
	s := newSynod(3)
	require.Equal(t, "own", string(s.issue(s.proposer(ballot(1), 1, 2), "own", 1).Content))
	require.Equal(t, "own", string(s.issue(s.proposer(ballot(2), 1, 3), "other", 3).Content))
}

// 2.2, phase 2 (a), for registers: the proposal is a change of the recovered state, and keeps, of
// every node, the stamp of its last operation that is part of it. (Not in the paper.)
func TestPhase2aARegisterProposesAChangeOfTheRecoveredState(t *testing.T) {
	recovered := State{}.With([]byte("v"), Stamp{Node: 2, Boot: 1, Sequence: 9})
	mine := Stamp{Node: 1, Boot: 1, Sequence: 1}
	after, changed, _ := Change{Kind: ChangeWrite, Content: []byte("w")}.Apply(recovered, mine)
	require.True(t, changed)
	require.True(t, after.Has(mine))
	require.True(t, after.Has(Stamp{Node: 2, Boot: 1, Sequence: 9}))
}

// 2.2, phase 2 (b): "If an acceptor receives an accept request for a proposal numbered n, it
// accepts the proposal unless it has already responded to a prepare request having a number greater
// than n."
//
// An accept that it has accepted already it accepts again, even if it promised more since: it says
// what is true, and nothing changes.
func TestPhase2bTheAcceptorAccepts(t *testing.T) {
	rules := Correct()
	a := Acceptor{Promised: ballot(5)}
	m := Message{Kind: Accept, From: 1, To: 2, Ballot: ballot(5)}
	m.Proposal.State = value("v")
	answer, changed := a.Accept(&rules, m)
	require.True(t, changed)
	require.Equal(t, Accepted, answer.Kind)
	require.Equal(t, ballot(5), answer.Ballot)

	a.Prepare(&rules, Message{Kind: Prepare, Ballot: ballot(8)})
	answer, changed = a.Accept(&rules, m)
	require.False(t, changed)
	require.Equal(t, Accepted, answer.Kind)
	require.Equal(t, ballot(8), a.Promised)

	m.Ballot = ballot(7)
	answer, changed = a.Accept(&rules, m)
	require.False(t, changed)
	require.Equal(t, Refusal, answer.Kind)
}

// 2.2: "With this optimization, an acceptor needs to remember only the highest-numbered proposal
// that it has ever accepted and the number of the highest-numbered prepare request to which it has
// responded. Because P2c must be kept invariant regardless of failures, an acceptor must remember
// this information even if it fails and then restarts."
//
// That is all that an Acceptor is, and all that the log holds of it. What must be written before an
// answer is reported by Prepare and Accept. Whoever does not remember takes no part any more.
func TestAnAcceptorRemembersAcrossARestart(t *testing.T) {
	s := newSynod(1)
	s.accept(1, ballot(3), value("v"), ballot(4))
	s.prepare(1, ballot(6))
	stored := AppendAcceptor(nil, s.acceptors[0])
	restarted, err := DecodeAcceptor(stored)
	require.NoError(t, err)
	require.Equal(t, s.acceptors[0], restarted)
	s.acceptors[0] = restarted
	require.Equal(t, Refusal, s.accept(1, ballot(5), value("w"), Ballot{}).Kind)
	require.Equal(t, Proposal{ballot(3), value("v")}, s.prepare(1, ballot(7)).Proposal)
	require.True(t, s.rules.MayTakePart(true))
	require.False(t, s.rules.MayTakePart(false))
}

// 2.2: "An acceptor can ignore any request without compromising safety."
//
// Whatever subset of requests arrives: no second value is chosen. Three proposers, each of whose
// requests to each of three acceptors arrives or does not.
func TestAnyRequestCanBeIgnored(t *testing.T) {
	for lost := range uint(1) << 18 {
		s := newSynod(3)
		chosen := ""
		for i := range uint64(3) {
			arrives := func(phase, to uint64) bool { return lost&(1<<(6*i+3*phase+to-1)) == 0 }
			var ask, tell []NodeID
			for to := uint64(1); to <= 3; to++ {
				if arrives(0, to) {
					ask = append(ask, NodeID(to))
				}
				if arrives(1, to) {
					tell = append(tell, NodeID(to))
				}
			}
			p := s.proposer(ballot(i+1), ask...)
			if p.Stage() != Prepared {
				continue
			}
			proposed := string(s.issue(p, string(rune('a'+i)), tell...).Content)
			if p.Stage() == Chosen && chosen != "" && chosen != proposed {
				t.Fatalf("%q and %q are chosen when %018b is lost", chosen, proposed, lost)
			}
			if p.Stage() == Chosen {
				chosen = proposed
			}
		}
	}
}

// 2.2: "Note that the proposer can always abandon a proposal and forget all about it—as long as it
// never tries to issue another proposal with the same number."
//
// 2.2: "Correctness is maintained, even though requests and/or responses for the proposal may
// arrive at their destinations long after the proposal was abandoned."
func TestAnAbandonedProposalsAnswersCountForNothing(t *testing.T) {
	s := newSynod(3)
	p := s.proposer(ballot(1), 1)
	late := s.prepare(2, ballot(1))
	p.Prepare(ballot(2))
	require.False(t, p.Promise(late))
	require.Equal(t, Preparing, p.Stage())

	p.Promise(s.prepare(1, ballot(2)))
	p.Promise(s.prepare(2, ballot(2)))
	p.Propose(value("v"), Ballot{})
	late = s.accept(1, ballot(2), value("v"), Ballot{})
	p.Prepare(ballot(3))
	require.False(t, p.Accepted(late))
	require.Equal(t, Preparing, p.Stage())
	require.Equal(t, ballot(2), s.prepare(1, ballot(3)).Proposal.Ballot, "but it is found")
}

// 2.2: "… if an acceptor ignores a prepare or accept request because it has already received a
// prepare request with a higher number, then it should probably inform the proposer, who should
// then abandon its proposal."
func TestARefusalNamesTheHigherNumberAndEndsTheProposal(t *testing.T) {
	s := newSynod(3)
	s.prepare(1, ballot(9))
	refusal := s.prepare(1, ballot(1))
	require.Equal(t, Refusal, refusal.Kind)
	require.Equal(t, ballot(9), refusal.Promised)
	require.Equal(t, Prepare, refusal.Refused)
	p := s.proposer(ballot(1), 2)
	require.True(t, p.Refused(refusal))
	require.Equal(t, GivenUp, p.Stage())

	p = s.proposer(ballot(2), 2, 3)
	p.Propose(value("v"), Ballot{})
	refusal = s.accept(1, ballot(2), value("v"), Ballot{})
	require.Equal(t, Accept, refusal.Refused)
	require.True(t, p.Refused(refusal))
	require.Equal(t, GivenUp, p.Stage())
}
