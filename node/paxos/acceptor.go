package paxos

import "fmt"

// An Acceptor is the memory of one acceptor for one key: what it promised and what it accepted. It
// answers a message only after what the answer claims is on disk, so that an acceptor "that fails
// and then restarts" can "remember" it ("Paxos Made Simple", 2.2). The zero Acceptor has promised
// and accepted nothing.
type Acceptor struct {
	// Promised is the highest ballot that was promised: nothing lower is accepted any more.
	Promised Ballot
	// Accepted is the proposal that was accepted last, the highest-numbered of all that were.
	Accepted Proposal
}

// Prepare answers a Prepare (phase 1b). changed tells whether the acceptor must be on disk again
// before the answer is sent.
func (a *Acceptor) Prepare(rules *Rules, m Message) (answer Message, changed bool) {
	if !rules.MayPromise(*a, m.Ballot) {
		return a.refuse(m), false
	}
	changed = rules.DurablePromise && a.Promised != m.Ballot
	a.Promised = m.Ballot
	answer = reply(m, Promise)
	answer.Ballot = m.Ballot
	answer.Proposal = a.Accepted
	return answer, changed
}

// Accept answers an Accept (phase 2b). A proposal that was accepted already is accepted again
// without a change: the proposer asks again when the first answer was lost.
func (a *Acceptor) Accept(rules *Rules, m Message) (answer Message, changed bool) {
	if a.Accepted.Ballot == m.Ballot {
		if !a.Accepted.State.Equal(m.Proposal.State) {
			panic(fmt.Sprintf("paxos: one ballot, two values: %s accepted %s and is asked for %s",
				m.Key, a.Accepted, Proposal{m.Ballot, m.Proposal.State}))
		}
		return accepted(m), false
	}
	if !rules.MayAccept(*a, m.Ballot) {
		return a.refuse(m), false
	}
	a.Promised = rules.PromiseOnAccept(*a, m.Ballot, m.Next)
	a.Accepted = Proposal{Ballot: m.Ballot, State: m.Proposal.State}
	return accepted(m), true
}

// Query answers a Query with what was accepted last. It promises nothing.
func (a *Acceptor) Query(m Message) Message {
	answer := reply(m, Report)
	answer.Nonce = m.Nonce
	answer.Proposal = a.Accepted
	return answer
}

// refuse tells the proposer of the higher ballot that was promised, so that it gives its own up
// ("Paxos Made Simple", 2.2).
func (a *Acceptor) refuse(m Message) Message {
	answer := reply(m, Refusal)
	answer.Ballot = m.Ballot
	answer.Refused = m.Kind
	answer.Promised = a.Promised
	return answer
}

// accepted confirms an Accept. The promise of Next was recorded together with the proposal.
func accepted(m Message) Message {
	answer := reply(m, Accepted)
	answer.Ballot = m.Ballot
	answer.Next = m.Next
	return answer
}

func reply(m Message, kind MessageKind) Message {
	return Message{Kind: kind, From: m.To, To: m.From, Key: m.Key}
}
