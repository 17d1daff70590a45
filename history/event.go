package history

import "time"

// A Type is what an event of the record is.
type Type string

// The types of events. An operation is an Invoke and later one of OK, Fail and Info (as TypeOK,
// TypeFail, TypeInfo); the others stand alone.
const (
	TypeInvoke Type = "invoke"
	TypeOK     Type = "ok"
	TypeFail   Type = "fail"
	TypeInfo   Type = "info"
	TypeFault  Type = "fault"
	TypeMark   Type = "mark"
)

// An Event is one line of the record. Exactly one of Operation, Fault and Mark is set, as Type
// says. Its JSON is flat for operations, see MarshalJSON.
type Event struct {
	// Index is the event's place in the record, from 0, without gaps.
	Index int64
	// Time is the time since the run began; it never goes back.
	Time time.Duration
	Type Type

	// Operation is set for the types of operations. An invocation has no Result; a completion
	// that came from a Reader is the whole operation, with its Call and Return.
	Operation *Operation
	Fault     *Fault
	Mark      *Mark
}

// A Mark is a moment worth noting: a phase that begins, a node that died unasked.
type Mark struct {
	Name   string `json:"name"`
	Node   string `json:"node,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// The names of marks.
const (
	MarkStart    = "start"     // the clients start
	MarkRecovery = "recovery"  // the last fault was healed; the proof of recovery begins
	MarkReads    = "reads"     // the final reads begin
	MarkEnd      = "end"       // the record is complete
	MarkExit     = "node-exit" // a node ended by itself
	// MarkKilled: a node was ended from outside, by neither Ordeal nor itself.
	MarkKilled = "node-killed"
)

// A Phase is a step in the life of a fault.
type Phase string

// The phases of a fault. Every fault that was due is recorded as Invoked and then as one of
// Injected, Skipped and Indeterminate; an Injected one later as Healing and then as Healed or
// Indeterminate.
const (
	Invoked       Phase = "invoked"
	Injected      Phase = "injected"
	Skipped       Phase = "skipped"
	Healing       Phase = "healing"
	Healed        Phase = "healed"
	Indeterminate Phase = "indeterminate"
)

// A Fault is a step in the life of one fault, as recorded.
type Fault struct {
	ID    string `json:"id"`
	Phase Phase  `json:"phase"`
	Kind  string `json:"kind"`
	// Name is the constructor of a partition, such as "isolate-one".
	Name  string   `json:"name,omitempty"`
	Nodes []string `json:"nodes,omitempty"`
	// Cut maps each sender to the receivers that its packets do not reach.
	Cut map[string][]string `json:"cut,omitempty"`
	// Links maps each sender to the receivers to which its packets are disturbed.
	Links map[string][]string `json:"links,omitempty"`
	// Reason says why a fault was skipped or is indeterminate.
	Reason   string    `json:"reason,omitempty"`
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Evidence is what was measured about a fault and whether that shows what was meant to happen:
// when it was injected that it bites, when it was healed that it is gone.
type Evidence struct {
	// Shown is true when every measurement agrees with what was meant.
	Shown        bool          `json:"shown"`
	Measurements []Measurement `json:"measurements,omitempty"`
}

// Shows tells whether there are measurements of a moment ("before", "during", "end", "after") and
// all of them agree with what was meant.
func (e Evidence) Shows(when string) bool {
	found := false
	for _, m := range e.Measurements {
		if m.When == when {
			found = true
			if !m.Shows {
				return false
			}
		}
	}
	return found
}

// MeasuredDisk is What was measured of a node whose disk a fault was to damage. Shows tells whether
// it did: a disk of which that is false is as it was.
const MeasuredDisk = "damage to the disk"

// A Measurement is one thing that was seen, in numbers or as a state.
type Measurement struct {
	// Subject is a node, "n2", or a directed link, "n1→n2".
	Subject string `json:"subject"`
	// What was measured, such as "probes arrived", "packets dropped", "state".
	What string `json:"what"`
	// When relates it to the fault: "before", "during", "end" (just before the heal) or "after".
	When  string `json:"when"`
	Value string `json:"value"`
	// Shows is true when this agrees with what was meant.
	Shows bool `json:"shows"`
}
