package explore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"ordeal/history"
	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/simulation/invariants"
)

// A broken is a set of what went wrong in a node.
type broken uint8

const (
	brokeTwoValues broken = 1 << iota
	brokePromise
	brokeForgotten
	brokeAssertion
)

var brokenBy = map[string]broken{
	invariants.TwoValues: brokeTwoValues, invariants.Promise: brokePromise,
	invariants.Forgotten: brokeForgotten, Assertion: brokeAssertion,
}

// A beginning is what a life of a node begins with, and what is kept of the lives before.
type beginning struct {
	node paxos.NodeID
	boot uint64
	disk paxos.Acceptor
	// out: it takes no part, for good.
	out bool
	// word is what its acceptor has said, sent the datagrams to other nodes that were ever sent,
	// sorted.
	word invariants.Word
	sent []uint32
}

// An openOp is an operation that the node has taken and not answered.
type openOp struct {
	number uint8
	kind   history.Kind
	// proposed: an accept was sent for it.
	proposed bool
}

// An answer is what a client hears: done or not applied.
type answer struct {
	number, value    uint8
	applied, refused bool
}

// A live is one real node, with its disk and what is still to be done about it.
type live struct {
	beginning
	x       *locals
	replica *replica.Replica
	// found is what the disk held when this life began.
	found  paxos.Acceptor
	timers []alarm
	// self are the node's messages to itself that it has not taken.
	self []paxos.Message
	open []openOp
	// log is what was synced in this life, oldest first, if damage to it matters.
	log []paxos.Acceptor
	// Of the last event:
	answers []answer
	broke   broken
	taken   int
}

type alarm struct {
	id       uint64
	deadline bool
}

// begin starts a life.
func (x *locals) begin(b beginning) *live {
	n := &live{beginning: b, x: x, found: b.disk}
	n.sent = slices.Clone(b.sent)
	if !b.out {
		n.replica = replica.New(x.config(b.node, b.boot), n.stored())
	}
	return n
}

// config is that of a node. Which random numbers its waits are made of plays no part: timers run
// out in any order.
func (x *locals) config(node paxos.NodeID, boot uint64) replica.Config {
	c := replica.DefaultConfig
	c.Self, c.Boot, c.Rules, c.Nodes = node, boot, x.rules, x.ids
	c.Random = rand.New(rand.NewPCG(1, 1))
	return c
}

// stored is what is on the disk.
func (n *live) stored() iter.Seq2[paxos.Key, paxos.Acceptor] {
	return func(yield func(paxos.Key, paxos.Acceptor) bool) {
		if n.disk.Promised != (paxos.Ballot{}) || n.disk.Accepted.Ballot != (paxos.Ballot{}) {
			yield(n.x.key, n.disk)
		}
	}
}

// apply lets an event happen, and what follows at the node itself.
func (n *live) apply(e event) {
	n.answers, n.broke, n.taken = n.answers[:0], 0, 0
	switch e.kind {
	case Call:
		c := n.x.calls[e.argument]
		n.open = append(n.open, openOp{number: c.number, kind: c.kind})
		n.step(requestOf(c.operation(), n.x.key))
	case Deliver:
		n.step(replica.Receive{Message: n.x.messages[e.argument]})
	case Timeout:
		n.step(replica.Timeout{Timer: n.timer(int(e.argument))})
	case Crash:
		n.crash()
		return
	case Wipe:
		n.wipe()
		return
	case Rot:
		n.rot(int(e.argument))
		return
	}
	for len(n.self) > 0 && (e.self == All || n.taken < int(e.self)) && n.broke&brokeAssertion == 0 {
		m := n.self[0]
		n.self = n.self[1:]
		n.taken++
		n.step(replica.Receive{Message: m})
	}
	n.timers = slices.DeleteFunc(n.timers, func(a alarm) bool { return !n.replica.Waits(a.id) })
	if e.crashes {
		n.crash()
	}
}

// timer returns the name of a timer by its place, as Action.Timer counts; 0 if there is none.
func (n *live) timer(place int) uint64 {
	for _, a := range n.timers {
		switch {
		case !a.deadline && place == 0, a.deadline && place == 1:
			return a.id
		case a.deadline && place > 1:
			place--
		}
	}
	return 0
}

// crash ends the node's life, and the next begins with what is on the disk. Where that leaves the
// node as it was, the crash is none: it is another life by its number alone, under which nothing
// was said.
func (n *live) crash() {
	next := n.beginning
	next.boot++
	if !n.out && len(n.self) == 0 && n.broke == 0 {
		again := n.x.begin(next)
		if bytes.Equal(again.replica.AppendState(nil), n.replica.AppendState(nil)) {
			return
		}
	}
	n.become(next)
}

// wipe does so with an empty disk. The boot number stood on it, too.
func (n *live) wipe() {
	next := n.beginning
	next.boot, next.disk, next.out = 1, paxos.Acceptor{}, !n.x.rules.MayTakePart(false)
	n.become(next)
}

// rot ends the life, too, and damages a batch of the log that another follows. A node that takes
// that for the log's end finds what stood before.
func (n *live) rot(batch int) {
	next := n.beginning
	next.boot++
	next.disk = n.found
	if batch > 0 {
		next.disk = n.log[batch-1]
	}
	n.become(next)
}

func (n *live) become(b beginning) {
	fresh := n.x.begin(b)
	fresh.answers, fresh.broke, fresh.taken = n.answers, n.broke, n.taken
	*n = *fresh
}

// step gives the replica an event and carries out the effects.
func (n *live) step(e replica.Event) {
	for _, effect := range n.take(e) {
		switch effect := effect.(type) {
		case *replica.Persist:
			if !effect.Unsynced {
				n.disk = effect.Acceptor
				if !n.x.rules.DamageIsRefused {
					n.log = append(n.log, effect.Acceptor)
				}
			}
		case *replica.Send:
			n.send(effect)
		case *replica.SetTimer:
			n.timers = append(n.timers,
				alarm{effect.Timer, effect.After == replica.DefaultConfig.RequestTimeout})
		case replica.Answer:
			n.answer(effect)
		}
	}
}

// take lets the replica take a step. What panics is an assertion of the node's.
func (n *live) take(e replica.Event) []replica.Effect {
	defer func() {
		if recover() != nil {
			n.broke |= brokeAssertion
		}
	}()
	return n.replica.Step(e)
}

func (n *live) send(s *replica.Send) {
	m := &s.Message
	if m.Kind == paxos.Accept {
		for i := range n.open {
			n.open[i].proposed = n.open[i].proposed || uint64(n.open[i].number) == s.Request
		}
	}
	if n.x.watched {
		n.watch(m)
	}
	if m.To == n.node {
		n.self = append(n.self, *m)
		return
	}
	id := n.x.message(*m)
	if place, sent := slices.BinarySearch(n.sent, id); !sent {
		n.sent = slices.Insert(n.sent, place, id)
	}
}

// watch compares what the node says with what it said before.
func (n *live) watch(m *paxos.Message) {
	var found []invariants.Violation
	switch m.Kind {
	case paxos.Promise, paxos.Accepted, paxos.Report:
		found = n.word.Say(m)
	case paxos.Accept:
		for _, id := range n.sent {
			before := &n.x.messages[id]
			if before.Kind == paxos.Accept && before.Ballot == m.Ballot {
				found = append(found, invariants.Compare(m, before.Proposal.State)...)
			}
		}
	}
	for _, v := range found {
		n.broke |= brokenBy[v.Class]
	}
}

func (n *live) answer(a replica.Answer) {
	number := uint8(a.Number)
	n.open = slices.DeleteFunc(n.open, func(o openOp) bool { return o.number == number })
	if a.Outcome == replica.Unknown {
		return
	}
	n.answers = append(n.answers, answer{
		number: number, value: numberOf(a.Result), applied: a.Result.Swapped,
		refused: a.Outcome == replica.NotApplied,
	})
}

// appendState encodes all that determines what becomes of the node.
func (n *live) appendState(buffer []byte) []byte {
	buffer = binary.AppendUvarint(append(buffer, byte(n.node)), n.boot)
	buffer = paxos.AppendAcceptor(buffer, n.disk)
	if n.x.watched {
		buffer = fmt.Appendf(buffer, "%v", n.word)
	}
	buffer = binary.AppendUvarint(buffer, uint64(len(n.sent)))
	for _, id := range n.sent {
		buffer = binary.AppendUvarint(buffer, uint64(id))
	}
	if !n.x.rules.DamageIsRefused {
		buffer = append(paxos.AppendAcceptor(buffer, n.found), byte(len(n.log)))
		for _, a := range n.log {
			buffer = paxos.AppendAcceptor(buffer, a)
		}
	}
	buffer = append(buffer, byte(len(n.self)))
	for _, m := range n.self {
		buffer = paxos.AppendMessage(buffer, m)
	}
	if n.out {
		return append(buffer, 0)
	}
	for _, o := range n.open {
		mark := byte(1)
		if o.proposed {
			mark = 2
		}
		buffer = append(buffer, mark, o.number)
	}
	return n.replica.AppendState(append(buffer, 0))
}
