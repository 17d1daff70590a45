package replica

import (
	"time"

	"ordeal/node/paxos"
)

// An Event is something that happens to a node: a Request, a Receive or a Timeout.
type Event interface{ event() }

// A Request is a client's operation. Numbers are the caller's, from 1, and must be unique among the
// requests in flight.
type Request struct {
	Number uint64
	Key    paxos.Key
	Change paxos.Change
	// Local asks for a read of what this node's acceptor holds, right or wrong.
	Local bool
	// Learn asks what this node's learner knows of a decree; Change is ignored.
	Learn bool
}

// A Receive is a message that arrived. A pointer to one is the same event: whoever steps often
// can use one Receive for all.
type Receive struct{ Message paxos.Message }

// A Timeout is a timer that fired.
type Timeout struct{ Timer uint64 }

func (Request) event() {}
func (Receive) event() {}
func (Timeout) event() {}

// An Effect is something that the node wants done: a *Send, a *Persist, a *SetTimer or an Answer.
// What a pointer points to is valid until the next Step, as the effects are.
type Effect interface{ effect() }

// A Send is a message to a node, which may be the sender itself.
type Send struct {
	Message paxos.Message
	// AfterSync holds the message back until every Persist before it is synced, or written, where
	// it asks for no more.
	AfterSync bool
	// Request is the Number of the client's request that the message serves: what a proposer or a
	// reader asks for it, first or again, and the queries that a learn leaves behind, although it
	// is answered already. It is 0 for what an acceptor answers or tells a learner: whom that
	// serves, its asker knows. No node looks at it; it is for telling the messages of a run apart.
	Request uint64
}

// A Persist is an acceptor's memory that must be on disk before the Sends behind it.
type Persist struct {
	Key      paxos.Key
	Acceptor paxos.Acceptor
	// Unsynced asks for less: that it is written before the Sends behind it, so that it survives
	// the end of the process. Only a bug asks for that: see paxos.Rules.DurableAccept.
	Unsynced bool
}

// A SetTimer asks for a Timeout after some time.
type SetTimer struct {
	Timer uint64
	After time.Duration
	// Request is the Number of the client's request that the timer serves, as that of a Send.
	Request uint64
}

// An Answer ends a request.
type Answer struct {
	Number  uint64
	Outcome Outcome
	Result  paxos.Result
	// Reason says why an operation was not applied, or is unknown.
	Reason string
}

func (*Send) effect()     {}
func (*Persist) effect()  {}
func (*SetTimer) effect() {}
func (Answer) effect()    {}

// An Outcome is what a node can say of an operation.
type Outcome uint8

const (
	// Done: the operation took place, with the result given. A condition that failed is Done.
	Done Outcome = iota + 1
	// NotApplied: the operation has no effect and never will.
	NotApplied
	// Unknown: it may have taken place, or may yet.
	Unknown
)

// String names the outcome as the node's interface for clients does.
func (o Outcome) String() string {
	switch o {
	case Done:
		return "done"
	case NotApplied:
		return "not applied"
	default:
		return "unknown"
	}
}
