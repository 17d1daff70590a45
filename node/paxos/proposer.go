package paxos

import "fmt"

// A Stage is how far a Proposer's ballot has come.
type Stage uint8

// The stages of a ballot.
const (
	// Idle: no ballot was begun.
	Idle Stage = iota
	// Preparing: promises are being gathered (phase 1).
	Preparing
	// Prepared: a majority promised, and nothing was proposed yet.
	Prepared
	// Accepting: acceptances are being gathered (phase 2).
	Accepting
	// Chosen: a majority accepted.
	Chosen
	// GivenUp: an acceptor named a higher ballot.
	GivenUp
)

// A Proposer takes one ballot of one key through the two phases. It may abandon it at any moment
// ("Paxos Made Simple", 2.2): whatever was accepted stays for a higher ballot to find. An answer
// counts only for the ballot and phase that it names.
type Proposer struct {
	rules    *Rules
	nodes    int
	stage    Stage
	ballot   Ballot
	promises Votes
	reports  []Proposal
	proposed State
	next     Ballot
	accepts  Votes
	nexts    Votes
}

// NewProposer returns an idle proposer in a cluster of that many nodes.
func NewProposer(rules *Rules, nodes int) Proposer { return Proposer{rules: rules, nodes: nodes} }

// Stage returns how far the ballot has come.
func (p *Proposer) Stage() Stage { return p.stage }

// Ballot returns the ballot in hand.
func (p *Proposer) Ballot() Ballot { return p.ballot }

// Prepare begins phase 1 of a ballot that was never used before.
func (p *Proposer) Prepare(ballot Ballot) {
	*p = Proposer{rules: p.rules, nodes: p.nodes, stage: Preparing, ballot: ballot}
}

// Resume begins a ballot whose phase 1 a majority answered together with its acceptance of the
// proposal before: see Next.
func (p *Proposer) Resume(ballot Ballot) {
	*p = Proposer{rules: p.rules, nodes: p.nodes, stage: Prepared, ballot: ballot}
}

// Promise counts a Promise and tells whether it completed the majority.
func (p *Proposer) Promise(m Message) bool {
	if p.stage != Preparing || m.Ballot != p.ballot {
		return false
	}
	votes := p.rules.Vote(p.promises, m.From)
	if votes == p.promises {
		return false
	}
	p.promises = votes
	if p.reports == nil {
		p.reports = make([]Proposal, 0, p.rules.PromiseQuorum(p.nodes))
	}
	p.reports = append(p.reports, m.Proposal)
	if p.promises.Count() < p.rules.PromiseQuorum(p.nodes) {
		return false
	}
	p.stage = Prepared
	return true
}

// Recovered returns the proposal whose state the proposer must take over (P2c), the zero Proposal
// where it is free, and the reports that came with the promises.
func (p *Proposer) Recovered() (found Proposal, reports []Proposal) {
	return p.rules.Adopt(p.reports), p.reports
}

// Propose begins phase 2 with a state that follows from what was recovered. next is the ballot
// that the acceptors are asked to promise along with it, or the zero Ballot for none.
func (p *Proposer) Propose(state State, next Ballot) {
	if p.stage != Prepared {
		panic(fmt.Sprintf("paxos: ballot %s proposes in stage %d, without a majority's promise",
			p.ballot, p.stage))
	}
	p.stage, p.proposed, p.next = Accepting, state, next
}

// Proposed returns the state that was proposed.
func (p *Proposer) Proposed() State { return p.proposed }

// Accepted counts an Accepted and tells whether it completed the majority: then the proposal is
// chosen.
func (p *Proposer) Accepted(m Message) bool {
	if p.stage != Accepting || m.Ballot != p.ballot {
		return false
	}
	p.accepts = p.rules.Vote(p.accepts, m.From)
	if m.Next == p.next {
		p.nexts = p.rules.Vote(p.nexts, m.From)
	}
	if p.accepts.Count() < p.rules.AcceptQuorum(p.nodes) {
		return false
	}
	p.stage = Chosen
	return true
}

// Next returns the ballot that a majority promised together with its acceptance, once the proposal
// is chosen. Its phase 1 is done: each of these acceptors promised it at the very moment at which
// the proposal was the last one that it had accepted.
func (p *Proposer) Next() (Ballot, bool) {
	ok := p.stage == Chosen && !p.next.IsZero() &&
		p.nexts.Count() >= p.rules.PromiseQuorum(p.nodes)
	return p.next, ok
}

// Refused takes a Refusal and tells whether it ends this ballot.
func (p *Proposer) Refused(m Message) bool {
	inPhase := p.stage == Preparing && m.Refused == Prepare ||
		p.stage == Accepting && m.Refused == Accept
	if !inPhase || m.Ballot != p.ballot || !p.ballot.Less(m.Promised) {
		return false
	}
	p.stage = GivenUp
	return true
}

// Missing returns how many more acceptors must answer before the phase in hand is over.
func (p *Proposer) Missing() int {
	switch p.stage {
	case Preparing:
		return p.rules.PromiseQuorum(p.nodes) - p.promises.Count()
	case Accepting:
		return p.rules.AcceptQuorum(p.nodes) - p.accepts.Count()
	default:
		return 0
	}
}

// Request returns the message of the phase in hand to an acceptor that has not answered it, and
// whether there is one.
func (p *Proposer) Request(from, to NodeID, key Key) (Message, bool) {
	m := Message{From: from, To: to, Key: key, Ballot: p.ballot}
	switch {
	case p.stage == Preparing && !p.promises.Has(to):
		m.Kind = Prepare
	case p.stage == Accepting && !p.accepts.Has(to):
		m.Kind = Accept
		m.Proposal.State = p.proposed
		m.Next = p.next
	default:
		return Message{}, false
	}
	return m, true
}
