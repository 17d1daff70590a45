package explore

import (
	"fmt"

	"ordeal/history"
	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/simulation"
)

// A Kind is what an Action is.
type Kind uint8

// The kinds of actions. A Call is free; each other one counts once.
const (
	// Call: a client calls an operation at a node.
	Call Kind = iota
	// Deliver: a datagram that was sent arrives, for the first time or again.
	Deliver
	// Timeout: a timer runs out.
	Timeout
	// Crash: a node loses what is not on its disk, and starts again at once.
	Crash
	// Wipe: a node loses its disk too.
	Wipe
	// Rot: a node's log is damaged at a batch that another follows, and the node starts again.
	Rot
)

// All is the Self of an Action after which the node takes all its messages to itself.
const All = -1

// An Action is one step of a run.
type Action struct {
	Kind Kind
	// Node is where it happens.
	Node paxos.NodeID
	// Operation is what a Call calls; its ID is from 1.
	Operation history.Operation
	// Message is what a Deliver delivers.
	Message paxos.Message
	// Timer is which of the timers of the node runs out: 0 is the one after which it asks again or
	// tries again, 1 the deadline of the operation that has waited longest, 2 of the next.
	Timer int
	// Batch is which batch of the log, since the node started last, a Rot damages, from 0.
	Batch int
	// Self is how many messages of the node to itself it takes after that: All, or fewer.
	Self int
	// Crashes tells that the node crashes then. That counts once more.
	Crashes bool
}

// String shows the action on one line.
func (a Action) String() string {
	line := a.event()
	if a.Self != All {
		line += fmt.Sprintf(", and n%d takes %d of its messages to itself", a.Node, a.Self)
	}
	if a.Crashes {
		line += fmt.Sprintf(", and n%d crashes", a.Node)
	}
	return line
}

func (a Action) event() string {
	switch a.Kind {
	case Call:
		return fmt.Sprintf("n%d is asked: %s", a.Node, callText(a.Operation))
	case Deliver:
		return a.Message.String()
	case Timeout:
		if a.Timer == 0 {
			return fmt.Sprintf("n%d tries again", a.Node)
		}
		return fmt.Sprintf("n%d gives up its operation %d by its deadline", a.Node, a.Timer)
	case Crash:
		return fmt.Sprintf("n%d crashes and starts again", a.Node)
	case Rot:
		return fmt.Sprintf("n%d starts again, and batch %d of its log is damaged", a.Node, a.Batch)
	default:
		return fmt.Sprintf("n%d loses its disk and starts again", a.Node)
	}
}

func callText(op history.Operation) string {
	switch op.Kind {
	case history.Write, history.Propose:
		return fmt.Sprintf("%s %s", op.Kind, op.Value)
	case history.CompareAndSet:
		return fmt.Sprintf("cas %s to %s", op.Expected, op.Value)
	default:
		return string(op.Kind)
	}
}

// A Size is what counts in a run.
type Size struct{ Deliveries, Crashes, Timeouts int }

// Total returns the size as one number.
func (s Size) Total() int { return s.Deliveries + s.Crashes + s.Timeouts }

// SizeOf returns the size of a run.
func SizeOf(path []Action) (s Size) {
	for _, a := range path {
		switch a.Kind {
		case Deliver:
			s.Deliveries++
		case Timeout:
			s.Timeouts++
		case Crash, Wipe, Rot:
			s.Crashes++
		}
		if a.Crashes {
			s.Crashes++
		}
	}
	return s
}

// valueOf is what the operation of that number writes; number 0 stands for nothing.
func valueOf(number uint8) history.Value {
	if number == 0 {
		return history.Value{}
	}
	return history.NewValue(string([]byte{'v', '0' + number}))
}

// numberOf is the reverse of valueOf, for what a node answers.
func numberOf(r paxos.Result) uint8 {
	if !r.Present {
		return 0
	}
	return r.Content[1] - '0'
}

// requestOf is what a node is asked for an operation on the key.
func requestOf(op history.Operation, key paxos.Key) replica.Request {
	r := simulation.RequestOf(op)
	r.Number, r.Key = uint64(op.ID), key
	return r
}

// resultOf is what a client was told.
func resultOf(op history.Operation, a replica.Answer) history.Result {
	switch {
	case a.Outcome == replica.NotApplied:
		return history.Result{Outcome: history.Fail}
	case a.Outcome == replica.Unknown:
		return history.Result{Outcome: history.Info}
	case op.Kind == history.Write:
		return history.Result{Outcome: history.OK}
	case op.Kind == history.CompareAndSet && a.Result.Swapped:
		return history.Result{Outcome: history.OK, Applied: true}
	}
	return history.Result{Outcome: history.OK, Returned: valueOf(numberOf(a.Result))}
}
