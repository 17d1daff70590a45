package replica

import (
	"fmt"
	"math/bits"

	"ordeal/node/paxos"
)

// A watcher checks, while a walk goes on, what holds inside a cluster at every moment:
//
//   - one ballot, one value;
//   - an acceptor's memory never goes back, and it accepts nothing below a promise that it gave;
//   - what is accepted was proposed;
//   - chosen is stable: all chosen proposals of a decree have one state, and of the chosen
//     proposals of a register each descends from the one below it.
type watcher struct {
	majority int
	issued   []*issued
	// promised holds the highest ballot that each acceptor promised aloud.
	promised map[acceptorOf]paxos.Ballot
	// adopted is what the rule Adopt found last: the parent of a proposal made in the same step.
	adopted paxos.Ballot
	// broken is the first violation.
	broken string
}

type acceptorOf struct {
	node paxos.NodeID
	key  paxos.Key
}

// issued is a proposal that was sent to acceptors.
type issued struct {
	key       paxos.Key
	ballot    paxos.Ballot
	next      paxos.Ballot
	state     paxos.State
	parent    paxos.Ballot
	acceptors uint32
}

func newWatcher(size int) *watcher {
	return &watcher{majority: size/2 + 1, promised: make(map[acceptorOf]paxos.Ballot)}
}

// watch makes the rule Adopt tell what it found.
func (w *watcher) watch(rules paxos.Rules) paxos.Rules {
	adopt := rules.Adopt
	rules.Adopt = func(reports []paxos.Proposal) paxos.Proposal {
		found := adopt(reports)
		w.adopted = found.Ballot
		return found
	}
	return rules
}

func (w *watcher) fail(format string, values ...any) {
	if w.broken == "" {
		w.broken = fmt.Sprintf(format, values...)
	}
}

func (w *watcher) find(key paxos.Key, ballot paxos.Ballot) *issued {
	for _, p := range w.issued {
		if p.ballot == ballot && p.key == key {
			return p
		}
	}
	return nil
}

// sent looks at what acceptors promise aloud, and at what is proposed.
func (w *watcher) sent(m paxos.Message) {
	at := acceptorOf{m.From, m.Key}
	switch m.Kind {
	case paxos.Promise:
		w.promised[at] = higher(w.promised[at], m.Ballot)
	case paxos.Accepted:
		w.promised[at] = higher(w.promised[at], higher(m.Ballot, m.Next))
	case paxos.Accept:
		w.proposed(m)
	}
}

func (w *watcher) proposed(m paxos.Message) {
	if p := w.find(m.Key, m.Ballot); p != nil {
		if !p.state.Equal(m.Proposal.State) {
			w.fail("one ballot, two values: %s of %s carries %q and %q", m.Ballot, m.Key,
				p.state.Content, m.Proposal.State.Content)
		}
		return
	}
	p := &issued{key: m.Key, ballot: m.Ballot, next: m.Next, state: m.Proposal.State}
	p.parent = w.adopted
	for _, earlier := range w.issued {
		if earlier.key == m.Key && earlier.next == m.Ballot {
			p.parent = earlier.ballot // its phase 1 was carried along
		}
	}
	w.issued = append(w.issued, p)
}

// written looks at an acceptor's new memory that is said before it is synced.
func (w *watcher) written(on *member, p Persist) {
	if p.Unsynced {
		w.compareWithPromise(on, p)
	}
}

// compareWithPromise looks whether an acceptor accepts less than it has promised aloud.
func (w *watcher) compareWithPromise(on *member, p Persist) {
	given := w.promised[acceptorOf{on.id, p.Key}]
	if accepted := p.Acceptor.Accepted.Ballot; accepted.Less(given) {
		w.fail("n%d promised %s and accepts %s", on.id, given, accepted)
	}
}

// synced looks at an acceptor's new memory, while the old one is still on the disk.
func (w *watcher) synced(on *member, p Persist) {
	before, after := on.disk[p.Key], p.Acceptor
	if after.Promised.Less(before.Promised) || after.Accepted.Ballot.Less(before.Accepted.Ballot) {
		w.fail("n%d goes back: from %v to %v", on.id, before, after)
	}
	if after.Accepted.Ballot == before.Accepted.Ballot {
		return
	}
	if !p.Unsynced {
		w.compareWithPromise(on, p)
	}
	proposal := w.find(p.Key, after.Accepted.Ballot)
	if proposal == nil {
		w.fail("n%d accepts %s, which nobody proposed", on.id, after.Accepted)
		return
	}
	proposal.acceptors |= 1 << on.id
	if bits.OnesCount32(proposal.acceptors) == w.majority {
		w.chosen(proposal)
	}
}

// chosen compares a proposal that was just chosen with those that were chosen before.
func (w *watcher) chosen(now *issued) {
	for _, other := range w.issued {
		if other == now || other.key != now.key ||
			bits.OnesCount32(other.acceptors) < w.majority {
			continue
		}
		low, high := other, now
		if high.ballot.Less(low.ballot) {
			low, high = high, low
		}
		switch {
		case now.key.Space == paxos.Decrees && !low.state.Equal(high.state):
			w.fail("two values are chosen: %q and %q", low.state.Content, high.state.Content)
		case now.key.Space == paxos.Registers && !w.descends(high, low):
			w.fail("%s and %s are chosen, and neither descends from the other", low.ballot,
				high.ballot)
		}
	}
}

// descends tells whether a proposal was made from another, in any number of steps.
func (w *watcher) descends(p, from *issued) bool {
	for p != nil && from.ballot.Less(p.ballot) {
		p = w.find(p.key, p.parent)
	}
	return p == from
}

func higher(a, b paxos.Ballot) paxos.Ballot {
	if a.Less(b) {
		return b
	}
	return a
}
