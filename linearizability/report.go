package linearizability

import (
	"time"

	"ordeal/history"
)

// A Verdict is what was found out about a history or a key.
type Verdict string

// The verdicts. Unknown means that a budget, of time or of memory, ran out: neither of the others
// may be concluded from it.
const (
	Legal   Verdict = "legal"
	Illegal Verdict = "illegal"
	Unknown Verdict = "unknown"
)

// A Report is what Check found out.
type Report struct {
	Model string `json:"model"`
	// Verdict is Illegal if a key is, else Unknown if a key is, else Legal.
	Verdict Verdict `json:"verdict"`
	// Operations is how many the model judged, of all keys and outcomes.
	Operations int `json:"operations"`
	// Keys are sorted by name.
	Keys []KeyReport `json:"keys"`
	// Violations explain the illegal keys, those first that were used first, up to
	// Options.Explanations.
	Violations []Explanation `json:"violations,omitempty"`
	// Duration is how long the check took.
	Duration time.Duration `json:"duration"`
	Memory   Memory        `json:"memory"`
}

// Memory is what a check might take and took, beyond what the process held when it began.
type Memory struct {
	// BudgetBytes is Options.Memory, or what the process's own limit (GOMEMLIMIT) left of it.
	BudgetBytes int64 `json:"budgetBytes"`
	// PeakBytes is the most that the process was seen to hold, by the searches after each
	// megabyte; garbage, and what other parts of the process took meanwhile, are included. It is
	// what the check had and not what it needs: with a smaller budget the collector works harder,
	// and the peak is lower.
	PeakBytes int64 `json:"peakBytes"`
}

// A KeyReport is what was found out about one key.
type KeyReport struct {
	Key     string  `json:"key"`
	Verdict Verdict `json:"verdict"`
	// Reason says why the verdict is Unknown. It begins with "out of time" or "out of memory",
	// or is that the check was interrupted.
	Reason string `json:"reason,omitempty"`
	// Operations is how many there are on the key. Failed certainly did not happen and Dropped
	// were proved not to matter; the rest was Searched. Of those, Bounded were of unknown outcome
	// and proved to have happened.
	Operations int `json:"operations"`
	Failed     int `json:"failed"`
	Dropped    int `json:"dropped"`
	Bounded    int `json:"bounded"`
	Searched   int `json:"searched"`
	// Unique tells whether the values written are; if not, nothing can be bounded, and nothing
	// but unknown reads dropped.
	Unique bool `json:"unique"`
	// Duration is how long the key was searched, in all rounds.
	Duration time.Duration `json:"duration"`
}

// Unknown returns the reports of the keys without an answer.
func (r Report) Unknown() []KeyReport {
	var unknown []KeyReport
	for _, k := range r.Keys {
		if k.Verdict == Unknown {
			unknown = append(unknown, k)
		}
	}
	return unknown
}

// An Explanation is a violation that a person can follow.
type Explanation struct {
	Key   string `json:"key"`
	Class Class  `json:"class"`
	// Sentence says in words what went wrong.
	Sentence string `json:"sentence"`
	// Operations are a small set around the violation, in the order of the calls.
	Operations []Involved `json:"operations"`
	// Confirmed tells that the search judged exactly these operations illegal, as they were
	// recorded and without any preparation. Where it is false, time or memory ran out, or the
	// violation is not one of linearizability (CheckDecision); the violation stands all the same.
	Confirmed bool `json:"confirmed"`
	// Minimal tells that none of the operations can be left out by a sound deletion. Where it is
	// false, time or memory ran out.
	Minimal bool `json:"minimal"`
}

// Involved is an operation of an explanation, with what a history's operation keeps out of its
// JSON.
type Involved struct {
	Operation history.Operation `json:"operation"`
	// Call and Return are indices of the record, CallTime and ReturnTime since the run began.
	Call       int64         `json:"call"`
	Return     int64         `json:"return"`
	CallTime   time.Duration `json:"callTime"`
	ReturnTime time.Duration `json:"returnTime"`
	// Text describes the operation in words.
	Text string `json:"text"`
	// Open tells that the operation is part of the violation only by having been called: it had
	// not returned yet, and how it ended later plays no part.
	Open bool `json:"open,omitempty"`
	// Detached tells that of a compare-and-set only the value that it set matters, not the one
	// that it expected.
	Detached bool `json:"detached,omitempty"`
}
