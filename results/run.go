package results

import (
	"time"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
)

// FormatVersion is the version of run.json.
const FormatVersion = 1

// A Run is the record of one run, as run.json holds it. Durations are nanoseconds.
type Run struct {
	Format int    `json:"format"`
	ID     string `json:"id"`

	Verdict  Verdict   `json:"verdict"`
	ExitCode int       `json:"exitCode"`
	Findings []Finding `json:"findings"`

	// Version is the module's version or the commit that Ordeal was built from, where known.
	Version  string    `json:"version"`
	Command  string    `json:"command"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	// Environment says where the run took place, in words.
	Environment map[string]string `json:"environment,omitempty"`
	Plan        plan.Plan         `json:"plan"`

	Operations Operations `json:"operations"`
	// Load counts those of the operations that were called while faults were injected: not the
	// proof of recovery and the final reads.
	Load   Operations `json:"load"`
	Faults []Fault    `json:"faults"`
	// Windows are the times in which the same faults were in force, in order.
	Windows []Window `json:"windows"`
	// Spans are the times in which a node had a majority while faults that bit came and went.
	Spans      []Span     `json:"spans"`
	Recovery   Recovery   `json:"recovery"`
	FinalReads FinalReads `json:"finalReads"`
	Exits      []Exit     `json:"exits,omitempty"`
	// EndedEarly is the violation that ended a run with the plan's FailFast before its time.
	EndedEarly *EarlyFinding `json:"endedEarly,omitempty"`
	Check      *Check        `json:"check,omitempty"`
	// Trace identifies a run in virtual time.
	Trace *Trace `json:"trace,omitempty"`
	// Drawings are the files of pictures of the run, in its directory.
	Drawings []string      `json:"drawings,omitempty"`
	Elapsed  time.Duration `json:"elapsed"`
	// Stages are what the run went through, in order.
	Stages []Stage `json:"stages,omitempty"`
}

// A Trace is what a run in virtual time comes to: equal traces are equal runs, event by event.
type Trace struct {
	Events uint64 `json:"events"`
	Hash   string `json:"hash"`
}

// A Stage is a part of a run, such as "start the cluster".
type Stage struct {
	Name string `json:"name"`
	// After is when it began, since the run's Started.
	After time.Duration `json:"after"`
}

// Operations count what clients did.
type Operations struct {
	Total int `json:"total"`
	OK    int `json:"ok"`
	Fail  int `json:"fail"`
	Info  int `json:"info"`
	// Kinds counts the same for each kind of operation.
	Kinds map[history.Kind]Outcomes `json:"kinds"`
}

// Outcomes count operations by how they ended.
type Outcomes struct {
	OK   int `json:"ok"`
	Fail int `json:"fail"`
	Info int `json:"info"`
}

// Count adds an operation that ended so.
func (o *Outcomes) Count(outcome history.Outcome) {
	switch outcome {
	case history.OK:
		o.OK++
	case history.Fail:
		o.Fail++
	default:
		o.Info++
	}
}

// Plus returns the sums of both.
func (o Outcomes) Plus(p Outcomes) Outcomes {
	return Outcomes{OK: o.OK + p.OK, Fail: o.Fail + p.Fail, Info: o.Info + p.Info}
}

// Minus returns what is left of o without p.
func (o Outcomes) Minus(p Outcomes) Outcomes {
	return Outcomes{OK: o.OK - p.OK, Fail: o.Fail - p.Fail, Info: o.Info - p.Info}
}

// Total returns how many operations there are.
func (o Outcomes) Total() int { return o.OK + o.Fail + o.Info }

// Count adds an operation.
func (o *Operations) Count(op history.Operation) {
	if o.Kinds == nil {
		o.Kinds = make(map[history.Kind]Outcomes)
	}
	all := Outcomes{OK: o.OK, Fail: o.Fail, Info: o.Info}
	kind := o.Kinds[op.Kind]
	all.Count(op.Outcome)
	kind.Count(op.Outcome)
	o.Total, o.OK, o.Fail, o.Info = o.Total+1, all.OK, all.Fail, all.Info
	o.Kinds[op.Kind] = kind
}

// A Fault is what became of one fault of the schedule. Times are since the run began.
type Fault struct {
	ID    string   `json:"id"`
	Kind  string   `json:"kind"`
	Name  string   `json:"name,omitempty"`
	Nodes []string `json:"nodes,omitempty"`
	// Stays tells that it was to stay in force until the end of the run.
	Stays bool `json:"stays,omitempty"`
	// Text describes the fault and its targets in words.
	Text string `json:"text"`
	// Phase is the last one that was recorded.
	Phase history.Phase `json:"phase"`
	// Effective tells that measurements show that it bit, Healed that they show its end.
	Effective bool   `json:"effective"`
	Healed    bool   `json:"healed"`
	Reason    string `json:"reason,omitempty"`
	// BegunAt is when its injection was asked for, and InjectedAt when that was answered; HealingAt
	// and HealedAt are the same of its heal.
	BegunAt    time.Duration `json:"begunAt,omitempty"`
	InjectedAt time.Duration `json:"injectedAt,omitempty"`
	HealingAt  time.Duration `json:"healingAt,omitempty"`
	HealedAt   time.Duration `json:"healedAt,omitempty"`
	// Attempts count the operations that were called between BegunAt and HealedAt, at any node.
	Attempts Outcomes `json:"attempts"`
	// FirstOK holds, for each node that it touched, the time from HealingAt until an operation
	// through it ended ok.
	FirstOK map[string]time.Duration `json:"firstOK,omitempty"`
	// Evidence is what was measured, when it was injected and when it was healed.
	Evidence []history.Measurement `json:"evidence,omitempty"`
}

// A Window is a time in which the same faults were in force: a new one begins whenever the
// injection or the heal of a fault begins or is answered. Times are since the run began.
type Window struct {
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	// Faults are the IDs of those in force.
	Faults []string `json:"faults"`
	// Core are the nodes that were alive and connected both ways to a live majority.
	Core []string `json:"core"`
	// Effective tells whether one of them bit, from its injection's answer to its heal's beginning.
	Effective bool `json:"effective"`
	// Attempts count the operations that were called at the core and ended in the window.
	Attempts Outcomes `json:"attempts"`
	// Asked tells whether success could be asked for: a fault that bit was in force, there was a
	// core, for two timeouts at least and with 20 attempts at least.
	Asked bool `json:"asked"`
}

// A Span is a time, of two timeouts at least, in which one node was alive and connected both ways
// to a live majority while faults that bit were in force, whichever these were.
type Span struct {
	Node string        `json:"node"`
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
	// Attempts count the operations that were called at the node and ended in the span.
	Attempts Outcomes `json:"attempts"`
	// Asked tells whether they were enough, 20, to ask for success in this span alone.
	Asked bool `json:"asked"`
}

// Recovery tells whether every node served every live key again after the last heal.
type Recovery struct {
	Proved bool `json:"proved"`
	// Duration runs from the last heal to the proof.
	Duration time.Duration `json:"duration"`
	// Nodes holds, for each node, the time from the last heal until all that was asked through it
	// had succeeded.
	Nodes map[string]time.Duration `json:"nodes,omitempty"`
	// FirstOK holds, for each node, the time from when the last heal began until an operation
	// through it ended ok.
	FirstOK map[string]time.Duration `json:"firstOK,omitempty"`
	// Lost are the nodes that lost their disks, of which nothing is asked.
	Lost []string `json:"lost,omitempty"`
	// Missing says what was still not served at the deadline.
	Missing string `json:"missing,omitempty"`
	// Stuck is the longest time in which nothing succeeded of what was asked through a node that did
	// not serve everything at the deadline.
	Stuck time.Duration `json:"stuck,omitempty"`
}

// FinalReads count the reads after the end.
type FinalReads struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	// Unread keys were not read, for lack of time or of an answer.
	Unread int `json:"unread"`
	// Silent nodes answered none of the reads that they were asked for, or were down at the end.
	Silent []string `json:"silent,omitempty"`
}

// An Exit is a node that ended without having been asked to.
type Exit struct {
	Node   string        `json:"node"`
	At     time.Duration `json:"at"`
	Detail string        `json:"detail"`
	// ByItself tells a node's own doing, which is a violation, from somebody else's.
	ByItself bool `json:"byItself"`
}

// An EarlyFinding is a violation that was found while a run went on: of a key, or of a node.
type EarlyFinding struct {
	// At is when it was found, since the run began; it happened before that.
	At time.Duration `json:"at"`
	// Key is the one whose operations are illegal, "" if it is a node's violation.
	Key string `json:"key,omitempty"`
	// Node is the one that ended by itself, "" if it is a key's violation.
	Node string `json:"node,omitempty"`
}

// String says in words what was found, without the time.
func (v EarlyFinding) String() string {
	if v.Node != "" {
		return v.Node + " ended by itself"
	}
	return "the history of " + v.Key + " is illegal"
}

// A Check is what judging the history came to.
type Check struct {
	Model           string                 `json:"model"`
	Linearizability linearizability.Report `json:"linearizability"`
	// Decisions is set for single-decree consensus only.
	Decisions *linearizability.DecisionReport `json:"decisions,omitempty"`
	// Pages are the files of porcupine's pages, for the first keys that violate.
	Pages []string `json:"pages,omitempty"`
}

// Illegal returns the keys that violate, as far as they are listed.
func (c *Check) Illegal() []string {
	var keys []string
	for _, key := range c.Linearizability.Keys {
		if key.Verdict == linearizability.Illegal {
			keys = append(keys, key.Key)
		}
	}
	if c.Decisions != nil {
		for _, v := range c.Decisions.Violations {
			keys = append(keys, v.Key)
		}
	}
	return keys
}

// Find adds a finding; the verdict becomes the worst of all.
func (r *Run) Find(f Finding) {
	r.Findings = append(r.Findings, f)
	r.Verdict = Worse(r.Verdict, f.Verdict)
	r.ExitCode = r.Verdict.ExitCode()
}
