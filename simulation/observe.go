package simulation

import (
	"time"

	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/node/paxos"
	"ordeal/node/replica"
)

// A Happening is what an observer is told of an event. What it points to is valid until the
// observer returns.
type Happening struct {
	At time.Duration
	// Kind is one of the names below, such as KindSend.
	Kind string
	// Node is the one it happens to, "" for a fault.
	Node string
	// Message is set for what happens to a datagram, and Datagram is its number: what is sent, held,
	// repeated, lost and what arrives under one number is one datagram. A KindViolation has the
	// message that shows it.
	Message  *paxos.Message
	Datagram uint64
	// Operation is set for what happens to a client's operation, with its result where there is
	// one already.
	Operation *history.Operation
	// Request is the number of the client's operation that a datagram, a timer or a happening of
	// that operation serves, 0 for none. It is not the operation's ID: that one depends on what
	// else was called.
	Request uint64
	// Live tells of a timer that its node waits for it: one that it has dropped has no effect.
	Live bool
	// Persists are what a KindWrite puts on the disk.
	Persists []replica.Persist
	// Fault is set for the beginning and the end of one.
	Fault *nemesis.Fault
	// Detail says more, in words: why a process started or ended, what a violation is.
	Detail string
}

// The kinds of happenings.
const (
	// KindSend: a node sends a datagram. It is then delivered, lost or held; KindRepeat tells that
	// it will be delivered once more. To a paused node it is delivered twice: to its socket, and
	// when it goes on.
	KindSend    = "send"
	KindDeliver = "deliver"
	KindRepeat  = "repeat"
	// KindLose: by chance, or because nobody receives it. KindCutOff: the link is cut as it arrives.
	// KindHold: a fault keeps it until it ends.
	KindLose   = "lose"
	KindCutOff = "cut off"
	KindHold   = "hold"
	// KindCall: a client calls an operation. KindArrive: the node has it. KindRespond: it answers,
	// or the connection ends. Then the client gets the answer (KindReturn), or gets it
	// too late (KindLate), since it has given up (KindGiveUp).
	KindCall    = "call"
	KindArrive  = "request"
	KindRespond = "respond"
	KindReturn  = "answer"
	KindGiveUp  = "give up"
	KindLate    = "late"
	// KindWrite: a node begins to write a batch. KindSync: the batch is durable, or, where the
	// detail says so, only written. There is one of a node at a time.
	KindWrite = "write"
	KindSync  = "synced"
	// KindTimeout: a timer of a node is due. What it leads to follows at once.
	KindTimeout = "timeout"
	// KindMute: one is due that is listed as unheard. It leads to nothing.
	KindMute = "mute"
	// KindStart, KindEnd, KindPause and KindResume are those of a node's process.
	KindStart  = "start"
	KindEnd    = "end"
	KindPause  = "pause"
	KindResume = "resume"
	// KindFaultBegins: it is in force. KindFaultEnds: it is healed.
	KindFaultBegins = "fault begins"
	KindFaultEnds   = "fault ends"
	// KindViolation: a node did what no correct node does.
	KindViolation = "violation"
)

// Names of what an observer is told.
var happeningNames = map[happening]string{
	happensDelivery: KindDeliver, happensTimer: KindTimeout, happensSync: KindSync,
	happensRequest: KindArrive, happensReply: KindReturn, happensGivingUp: KindGiveUp,
	happensLoss: KindLose, happensCut: KindCutOff, happensRepeat: KindRepeat, happensStart: KindStart,
	happensEnd: KindEnd, happensPause: KindPause, happensResume: KindResume,
	happensMute: KindMute,
}

// note records that something happened, and tells the observer. The caller has no message to
// show.
func (w *World) note(kind happening, n *node, number uint64, detail string) {
	place := int32(-1)
	if n != nil {
		place = int32(n.index)
	}
	w.trace.add(w.now, kind, place, number)
	w.trace.hash = mixText(w.trace.hash, detail)
	if w.config.Observe != nil {
		w.tell(happeningNames[kind], n, Happening{Detail: detail})
	}
}

// noteMessage is note for a datagram with its number.
func (w *World) noteMessage(kind happening, m *paxos.Message, number uint64) {
	w.trace.addMessage(w.now, kind, m)
	if w.config.Observe != nil {
		w.tell(happeningNames[kind], w.nodes[m.To-1], Happening{Message: m, Datagram: number})
	}
}

// noteCall is note for a client's operation.
func (w *World) noteCall(kind happening, c *call) {
	w.trace.addCall(w.now, kind, c)
	w.tellCall(happeningNames[kind], c)
}

// noteTimer is note for a timer that serves a client's operation.
func (w *World) noteTimer(kind happening, n *node, e *event) {
	w.trace.add(w.now, kind, int32(n.index), e.number)
	if w.config.Observe != nil {
		live := n.state == running && n.replica.Waits(e.number)
		w.tell(happeningNames[kind], n, Happening{Request: e.origin, Live: live})
	}
}

// tell tells the observer, of whom the caller knows that there is one. What is only told, and not
// noted, is no part of the trace.
func (w *World) tell(kind string, n *node, h Happening) {
	h.At, h.Kind = w.Now(), kind
	if n != nil {
		h.Node = n.name
	}
	w.config.Observe(h)
}

// tellSend tells the observer, if there is one, what becomes of a datagram before it arrives.
func (w *World) tellSend(kind string, m *paxos.Message, number, origin uint64) {
	if w.config.Observe != nil {
		w.tell(kind, w.nodes[m.From-1], Happening{Message: m, Datagram: number, Request: origin})
	}
}

// tellCall tells the observer, if there is one, of a client's operation.
func (w *World) tellCall(kind string, c *call) {
	if w.config.Observe == nil {
		return
	}
	op := c.op
	op.Result = c.result
	w.tell(kind, c.node, Happening{Operation: &op, Request: c.number})
}

// tellWrite tells the observer, if there is one, of a batch that is being written.
func (w *World) tellWrite(n *node, batch []replica.Persist) {
	if w.config.Observe != nil {
		w.tell(KindWrite, n, Happening{Persists: batch})
	}
}

// tellFault returns done, which also tells the observer, if there is one, that a fault has begun or
// ended.
func (w *World) tellFault(
	kind string, f nemesis.Fault, done func(history.Evidence, error),
) func(history.Evidence, error) {
	if w.config.Observe == nil {
		return done
	}
	return func(e history.Evidence, err error) {
		if err == nil {
			w.tell(kind, nil, Happening{Fault: &f})
		}
		done(e, err)
	}
}
