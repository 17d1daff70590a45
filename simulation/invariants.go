package simulation

import (
	"fmt"

	"ordeal/node/paxos"
)

// violationsMax bounds what is kept of what no correct node does.
const violationsMax = 20

// invariants compare what nodes say with what no correct node says. A history may hide such a
// mistake for long; a datagram shows it at once.
type invariants struct {
	world *World
	keys  map[paxos.Key]*statements
	// present is of the key that was asked for last: most datagrams are about the same as the one
	// before.
	present *statements
	found   []finding
}

// statements are what was said about one key.
type statements struct {
	key paxos.Key
	// proposed holds the state that was proposed under each ballot, said what each acceptor has
	// given its word for, by its number.
	proposed map[paxos.Ballot]paxos.State
	said     [paxos.NodesMax + 1]word
}

// A finding is one violation.
type finding struct{ class, what string }

// The classes of violations.
const (
	classTwoValues = "two values under one ballot"
	classPromise   = "a broken promise"
	classForgotten = "a forgotten acceptance"
)

// A word is the highest ballot that an acceptor said it promised, and that it said it accepted.
type word struct{ promised, accepted paxos.Ballot }

func newInvariants(w *World) invariants {
	return invariants{world: w, keys: make(map[paxos.Key]*statements)}
}

// of returns what was said about a key.
func (v *invariants) of(key paxos.Key) *statements {
	if v.present != nil && v.present.key == key {
		return v.present
	}
	s := v.keys[key]
	if s == nil {
		s = &statements{key: key, proposed: make(map[paxos.Ballot]paxos.State)}
		v.keys[key] = s
	}
	v.present = s
	return s
}

// sent looks at a datagram that a node sends.
func (v *invariants) sent(n *node, m *paxos.Message) {
	switch m.Kind {
	case paxos.Accept:
		v.accept(n, m)
	case paxos.Promise, paxos.Accepted:
		v.answer(n, m)
	case paxos.Report:
		v.reports(n, m)
	}
}

// accept holds that one ballot carries one value ("Paxos Made Simple", 2.2: a proposal is one value
// under one number).
func (v *invariants) accept(n *node, m *paxos.Message) {
	proposed := v.of(m.Key).proposed
	before, known := proposed[m.Ballot]
	if !known {
		proposed[m.Ballot] = m.Proposal.State
		return
	}
	if !before.Equal(m.Proposal.State) {
		v.violated(n, m, classTwoValues, "proposes two values of %s under ballot %s: %q and %q",
			m.Key, m.Ballot, before.Content, m.Proposal.State.Content)
	}
}

// answer holds that an acceptor gives its word for no ballot below one that it has promised (P1a),
// and that a promise reports what was accepted (P2c needs it). What was accepted before the promise
// may be confirmed once more: the first answer may have been lost.
func (v *invariants) answer(n *node, m *paxos.Message) {
	w := &v.of(m.Key).said[m.From]
	again := m.Kind == paxos.Accepted && m.Ballot == w.accepted
	if m.Ballot.Less(w.promised) && !again {
		v.violated(n, m, classPromise, "%s %s at ballot %s, below its promise of %s",
			verbs[m.Kind], m.Key, m.Ballot, w.promised)
	}
	w.promised = paxos.MaxBallot(w.promised, m.Ballot)
	if m.Kind == paxos.Accepted {
		w.promised = paxos.MaxBallot(w.promised, m.Next)
		w.accepted = paxos.MaxBallot(w.accepted, m.Ballot)
	}
	if m.Kind == paxos.Promise {
		v.reports(n, m)
	}
}

var verbs = map[paxos.MessageKind]string{paxos.Promise: "promises", paxos.Accepted: "accepts"}

// reports holds that an acceptor reports nothing older than what it said it accepted.
func (v *invariants) reports(n *node, m *paxos.Message) {
	w := &v.of(m.Key).said[m.From]
	if m.Proposal.Ballot.Less(w.accepted) {
		v.violated(n, m, classForgotten,
			"reports of %s what it accepted at ballot %s, and had accepted at %s",
			m.Key, m.Proposal.Ballot, w.accepted)
	}
	if w.accepted.Less(m.Proposal.Ballot) {
		w.accepted = m.Proposal.Ballot
	}
}

func (v *invariants) violated(
	n *node, m *paxos.Message, class, format string, arguments ...any,
) {
	what := fmt.Sprintf(format, arguments...)
	if v.world.config.Observe != nil {
		v.world.tell(KindViolation, n, Happening{Message: m, Detail: class + ": " + what})
	}
	if len(v.found) < violationsMax {
		v.found = append(v.found, finding{class, fmt.Sprintf("%s at %s: %s",
			n.name, milliseconds(v.world.now), what)})
	}
}
