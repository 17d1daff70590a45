package history

import "time"

// A Kind is what an operation asks for.
type Kind string

// The kinds of operations. Read, Write and CompareAndSet are asked of a register; Propose and
// Learn of a single-decree consensus instance.
const (
	Read          Kind = "read"
	Write         Kind = "write"
	CompareAndSet Kind = "cas"
	Propose       Kind = "propose"
	Learn         Kind = "learn"
)

// An Outcome is how an operation ended, in Jepsen's words.
type Outcome string

const (
	// OK: it happened, with the result that is recorded. A compare-and-set whose condition did
	// not hold is OK too: it read the value that it reports.
	OK Outcome = "ok"
	// Fail: it certainly did not happen and never will.
	Fail Outcome = "fail"
	// Info: unknown. It may have happened, may happen later, or never.
	Info Outcome = "info"
)

// NoReturn is the Return of an operation whose completion was not recorded, or that ended Info:
// its effect may come at any later time.
const NoReturn int64 = -1

// An Operation is one call of one client, from its invocation to its completion.
type Operation struct {
	// ID numbers the operations of a run from 1, in the order of their invocations.
	ID int64 `json:"op"`
	// Process calls one operation at a time. After an operation of unknown outcome its client
	// goes on under a new process number.
	Process int `json:"process"`
	// Client is the worker that called, numbered from 0; it keeps its number for the whole run.
	Client int `json:"client"`
	// Node is the name of the node that was asked, such as "n2".
	Node string `json:"node"`

	Kind Kind   `json:"f"`
	Key  string `json:"key"`
	// Value is what a Write or Propose carries, and the new value of a CompareAndSet.
	Value Value `json:"value,omitzero"`
	// Expected is the value that a CompareAndSet requires; the zero Value requires that the
	// register was never written.
	Expected Value `json:"expected,omitzero"`
	// Final marks the reads after the heal that look at what a key holds at the end.
	Final bool `json:"final,omitempty"`
	// Number is the how manieth operation of its client it is, from 1, where a plan lists it; 0
	// where it was generated. It is not recorded.
	Number int32 `json:"-"`

	Result

	// Call and Return are the indices of the invocation and of the completion in the record.
	// Return is NoReturn where there is none that counts (no completion, or Info).
	Call   int64 `json:"-"`
	Return int64 `json:"-"`
	// CallTime and ReturnTime are the same moments in time since the run began. ReturnTime is
	// also set for Info: it is when the client gave up.
	CallTime   time.Duration `json:"-"`
	ReturnTime time.Duration `json:"-"`
}

// A Result is what the client was told, or concluded.
type Result struct {
	Outcome Outcome `json:"outcome,omitempty"`
	// Returned is what a Read read, what a CompareAndSet saw that did not apply, what a Propose
	// was told was chosen, and what a Learn learned (the zero Value: nothing yet).
	Returned Value `json:"returned,omitzero"`
	// Applied tells for an OK CompareAndSet whether its condition held and its value was set.
	Applied bool `json:"applied,omitempty"`
	// Blind tells that a CompareAndSet that did not apply did not say what it saw, so that
	// Returned means nothing. Ordeal's own never are; those of imported histories may be.
	Blind bool `json:"blind,omitempty"`
	// Error says why an operation ended Fail or Info, in words.
	Error string `json:"error,omitempty"`
}
