package simulation

import (
	"time"

	"ordeal/nemesis"
	"ordeal/node/paxos"
)

// What happens. The first group goes through the queue; the others happen within these.
type happening uint8

const (
	happensNothing happening = iota
	happensCallback
	happensDelivery
	happensTimer
	happensSync
	happensRequest
	happensReply
	happensGivingUp
	happensBoot
	happensDoom
	happensCalm

	happensLoss
	happensCut
	happensRepeat
	happensStart
	happensEnd
	happensPause
	happensResume
)

// An event is something that is to happen.
type event struct {
	kind happening
	// node is the index of the node it happens to; life tells whether that is the process which
	// it was meant for.
	node int32
	life uint32
	// number is that of a timer, or of how many writes a sync makes durable.
	number uint64
	// origin is the client's operation that this serves, 0 for none.
	origin  uint64
	message paxos.Message
	call    *call
	fire    func()
}

// A Happening is what an observer is told of an event.
type Happening struct {
	At   time.Duration
	Kind string
	// Node is the one it happens to, "" for what is between nodes.
	Node string
	// Message is set for what happens to a datagram. It is valid until the observer returns.
	Message *paxos.Message
	// Detail says more, in words.
	Detail string
}

// Names of what an observer is told.
var happeningNames = map[happening]string{
	happensDelivery: "deliver", happensTimer: "timeout", happensSync: "synced",
	happensRequest: "request", happensReply: "answer", happensGivingUp: "give up",
	happensLoss: "lose", happensCut: "cut off", happensRepeat: "repeat", happensStart: "start",
	happensEnd: "end", happensPause: "pause", happensResume: "resume",
}

// A trace is the running hash of what happened.
type trace struct {
	events uint64
	hash   uint64
}

// add takes an event into the hash: what it is, when, where, and a number that says which.
func (t *trace) add(at int64, kind happening, place int32, number uint64) {
	t.events++
	t.hash = mix(t.hash^uint64(at), uint64(kind)<<32|uint64(uint32(place)))
	t.hash = mix(t.hash, number)
}

// addMessage takes a datagram into the hash.
func (t *trace) addMessage(at int64, kind happening, m *paxos.Message) {
	t.add(at, kind, int32(m.From)<<16|int32(m.To)<<8|int32(m.Kind), m.Ballot.Round^m.Nonce)
	t.hash = mix(t.hash^m.Proposal.Ballot.Round, m.Ballot.Boot<<8|uint64(m.Ballot.Node))
}

// note records that something happened, and tells the observer. The caller has no message to
// show.
func (w *World) note(kind happening, n *node, number uint64, detail string) {
	place := int32(-1)
	if n != nil {
		place = int32(n.index)
	}
	w.trace.add(w.now, kind, place, number)
	if w.config.Observe == nil {
		return
	}
	h := Happening{At: w.Now(), Kind: happeningNames[kind], Detail: detail}
	if n != nil {
		h.Node = n.name
	}
	w.config.Observe(h)
}

// noteMessage is note for a datagram.
func (w *World) noteMessage(kind happening, m *paxos.Message) {
	w.trace.addMessage(w.now, kind, m)
	if w.config.Observe == nil {
		return
	}
	w.config.Observe(Happening{
		At: w.Now(), Kind: happeningNames[kind], Node: w.nodes[m.To-1].name, Message: m,
	})
}

// happen carries out an event, and tells whether it called back.
func (w *World) happen(e *event) (calledBack bool) {
	switch e.kind {
	case happensCallback:
		if e.fire == nil {
			return false // it was cancelled
		}
		e.fire()
		return true
	case happensDelivery:
		w.network.arrive(e)
	case happensRequest:
		w.nodes[e.node].request(e.call)
	case happensReply:
		return w.clients.answer(w, e.call)
	case happensGivingUp:
		return w.clients.giveUp(w, e.call)
	case happensTimer, happensSync:
		if n := w.nodes[e.node]; e.life == n.life {
			n.wake(e)
		}
	case happensCalm:
		w.endure(nemesis.DefaultConditions())
	case happensBoot:
		if n := w.nodes[e.node]; e.life == n.life {
			n.boot()
		}
	case happensDoom:
		if n := w.nodes[e.node]; e.life == n.life && n.doom != nil {
			n.end(n.doom.why)
		}
	}
	return false
}
