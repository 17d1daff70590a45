package paxos

import "fmt"

// A MessageKind says what a message asks or answers.
type MessageKind uint8

// The kinds of messages. A proposer sends Prepare, Accept and Query; an acceptor answers with
// Promise, Accepted and Report, or with a Refusal.
const (
	Prepare MessageKind = iota + 1
	Promise
	Accept
	Accepted
	Refusal
	Query
	Report
)

var messageKindNames = map[MessageKind]string{
	Prepare: "prepare", Promise: "promise", Accept: "accept", Accepted: "accepted",
	Refusal: "refusal", Query: "query", Report: "report",
}

// String names the kind.
func (k MessageKind) String() string {
	if name, ok := messageKindNames[k]; ok {
		return name
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// A Message is what nodes send each other. Messages may be lost, delayed, repeated and reordered.
//
//	kind      Ballot     Proposal                   Next              Promised    Refused
//	prepare   asked for
//	promise   asked for  accepted last, or none
//	accept    proposed   .State: what is proposed   promised with it
//	accepted  accepted   .State: as accepted, to    as promised
//	                     learners of decrees
//	refusal   refused                                                 the higher  prepare, accept
//	query     (Nonce)
//	report    (Nonce)    accepted last, or none
type Message struct {
	Kind     MessageKind
	From, To NodeID
	Key      Key

	Ballot   Ballot
	Proposal Proposal
	Next     Ballot
	Promised Ballot
	Refused  MessageKind
	// Nonce ties a report to its query.
	Nonce uint64
}

// String shows a message on one line, for transcripts.
func (m Message) String() string {
	head := fmt.Sprintf("n%d→n%d %s %s", m.From, m.To, m.Kind, m.Key)
	switch m.Kind {
	case Prepare:
		return fmt.Sprintf("%s ballot=%s", head, m.Ballot)
	case Promise:
		return fmt.Sprintf("%s ballot=%s accepted=%s", head, m.Ballot, m.Proposal)
	case Accept:
		return fmt.Sprintf("%s %s next=%s", head, Proposal{m.Ballot, m.Proposal.State}, m.Next)
	case Accepted:
		return fmt.Sprintf("%s ballot=%s next=%s", head, m.Ballot, m.Next)
	case Refusal:
		return fmt.Sprintf("%s of %s ballot=%s promised=%s", head, m.Refused, m.Ballot, m.Promised)
	case Query:
		return fmt.Sprintf("%s nonce=%x", head, m.Nonce)
	default:
		return fmt.Sprintf("%s nonce=%x accepted=%s", head, m.Nonce, m.Proposal)
	}
}

// String shows a proposal as ballot and content.
func (p Proposal) String() string {
	if p.Ballot.IsZero() && !p.State.Present {
		return "none"
	}
	if !p.State.Present {
		return fmt.Sprintf("%s:nothing", p.Ballot)
	}
	return fmt.Sprintf("%s:%q", p.Ballot, p.State.Content)
}
