package simulation

import (
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
	happensMute
)

// An event is something that is to happen. The message is that of a delivery.
type event struct {
	what
	message paxos.Message
}

// A what is an event without its message.
type what struct {
	kind happening
	// node is the index of the node it happens to; life tells whether that is the process which
	// it was meant for.
	node int32
	life uint32
	// number is that of a timer or a datagram, or of how many writes a sync makes durable.
	number uint64
	// origin is the client's operation that this serves, 0 for none.
	origin uint64
	call   *call
	fire   func()
	// slot is where it stands in the queue.
	slot int32
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

// addMessage takes a datagram into the hash, with all that it says.
func (t *trace) addMessage(at int64, kind happening, m *paxos.Message) {
	t.add(at, kind, int32(m.From)<<16|int32(m.To)<<8|int32(m.Kind), m.Nonce)
	state := &m.Proposal.State
	flags := uint64(m.Refused)<<16 | uint64(m.Key.Space)<<8
	if state.Present {
		flags |= 1
	}
	h := mixText(t.hash^flags, m.Key.Name)
	h = mixBallot(h, m.Ballot)
	h = mixBallot(h, m.Proposal.Ballot)
	h = mixBallot(h, m.Next)
	h = mixBallot(h, m.Promised)
	h = mixText(h, state.Content)
	for _, stamp := range state.Applied {
		h = mix(h^stamp.Sequence, stamp.Boot<<16|uint64(stamp.Node))
	}
	t.hash = mix(h, uint64(len(state.Applied)))
}

// addCall takes a client's operation into the hash, with how it ended if it did.
func (t *trace) addCall(at int64, kind happening, c *call) {
	t.add(at, kind, int32(c.node.index), c.number)
	flags := uint64(0)
	for i, set := range [...]bool{
		c.op.Value.IsSet(), c.op.Expected.IsSet(), c.result.Returned.IsSet(), c.result.Applied,
	} {
		if set {
			flags |= 1 << i
		}
	}
	h := mixText(t.hash^flags, string(c.op.Kind))
	h = mixText(h, c.op.Key)
	h = mixText(h, c.op.Value.Text())
	h = mixText(h, c.op.Expected.Text())
	h = mixText(h, string(c.result.Outcome))
	h = mixText(h, c.result.Returned.Text())
	t.hash = mixText(h, c.result.Error)
}

func mixBallot(h uint64, b paxos.Ballot) uint64 { return mix(h^b.Round, b.Boot<<16|uint64(b.Node)) }

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
