// Package invariants compares what the nodes of the register say with what no correct node says. A
// history may hide such a mistake for long; a datagram shows it at once. The package is pure, and
// knows neither time nor network: whoever carries the datagrams shows them to it.
package invariants

import (
	"fmt"

	"ordeal/node/paxos"
)

// The classes of violations.
const (
	TwoValues = "two values under one ballot"
	Promise   = "a broken promise"
	Forgotten = "a forgotten acceptance"
)

// A Violation is what no correct node says: its class, and a sentence without its subject, which is
// the sender.
type Violation struct{ Class, What string }

// A Checker holds what was said in a cluster so far.
type Checker struct {
	keys map[paxos.Key]*statements
	// present is of the key that was asked for last: most datagrams are about the same as the one
	// before.
	present *statements
}

// statements are what was said about one key.
type statements struct {
	key paxos.Key
	// proposed holds the state that was proposed under each ballot, said what each acceptor has
	// given its word for, by its number.
	proposed map[paxos.Ballot]paxos.State
	said     [paxos.NodesMax + 1]Word
}

// NewChecker returns a Checker for a cluster in which nothing was said yet.
func NewChecker() Checker { return Checker{keys: make(map[paxos.Key]*statements)} }

// of returns what was said about a key.
func (c *Checker) of(key paxos.Key) *statements {
	if c.present != nil && c.present.key == key {
		return c.present
	}
	s := c.keys[key]
	if s == nil {
		s = &statements{key: key, proposed: make(map[paxos.Ballot]paxos.State)}
		c.keys[key] = s
	}
	c.present = s
	return s
}

// Sent looks at a datagram that a node sends and returns what is wrong with it, nil for nothing.
func (c *Checker) Sent(m *paxos.Message) []Violation {
	switch m.Kind {
	case paxos.Accept:
		return c.accept(m)
	case paxos.Promise, paxos.Accepted, paxos.Report:
		return c.of(m.Key).said[m.From].Say(m)
	}
	return nil
}

func (c *Checker) accept(m *paxos.Message) []Violation {
	proposed := c.of(m.Key).proposed
	before, known := proposed[m.Ballot]
	if !known {
		proposed[m.Ballot] = m.Proposal.State
		return nil
	}
	return Compare(m, before)
}

// Compare holds that one ballot carries one value ("Paxos Made Simple", 2.2: a proposal is one
// value under one number): an Accept, and the state that was proposed before under its ballot.
func Compare(m *paxos.Message, before paxos.State) []Violation {
	if before.Equal(m.Proposal.State) {
		return nil
	}
	return violated(nil, TwoValues, "proposes two values of %s under ballot %s: %q and %q",
		m.Key, m.Ballot, before.Content, m.Proposal.State.Content)
}

// A Word is what an acceptor has given its word for: the highest ballot that it said it promised,
// and that it said it accepted.
type Word struct{ Promised, Accepted paxos.Ballot }

// Say holds that an acceptor gives its word for no ballot below one that it has promised (P1a), and
// that what it reports, by a promise too (P2c needs it), is not older than what it said it
// accepted. What was accepted before a promise may be confirmed once more: the first answer may
// have been lost. The message is a Promise, an Accepted or a Report.
func (w *Word) Say(m *paxos.Message) (found []Violation) {
	if m.Kind != paxos.Report {
		again := m.Kind == paxos.Accepted && m.Ballot == w.Accepted
		if m.Ballot.Less(w.Promised) && !again {
			found = violated(found, Promise, "%s %s at ballot %s, below its promise of %s",
				verbs[m.Kind], m.Key, m.Ballot, w.Promised)
		}
		w.Promised = paxos.MaxBallot(w.Promised, m.Ballot)
	}
	if m.Kind == paxos.Accepted {
		w.Promised = paxos.MaxBallot(w.Promised, m.Next)
		w.Accepted = paxos.MaxBallot(w.Accepted, m.Ballot)
		return found
	}
	if m.Proposal.Ballot.Less(w.Accepted) {
		found = violated(found, Forgotten,
			"reports of %s what it accepted at ballot %s, and had accepted at %s",
			m.Key, m.Proposal.Ballot, w.Accepted)
	}
	w.Accepted = paxos.MaxBallot(w.Accepted, m.Proposal.Ballot)
	return found
}

var verbs = map[paxos.MessageKind]string{paxos.Promise: "promises", paxos.Accepted: "accepts"}

func violated(found []Violation, class, format string, arguments ...any) []Violation {
	return append(found, Violation{class, fmt.Sprintf(format, arguments...)})
}
