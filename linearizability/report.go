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
	// Disputed means that porcupine did not confirm what was decided without it. One of the two is
	// wrong, and the history is not judged.
	Disputed Verdict = "disputed"
)

// A Method is what a verdict rests on.
type Method string

// The methods. Of each porcupine has the last word.
const (
	// ByWitness: a legal order was made, and porcupine found it legal.
	ByWitness Method = "witness"
	// ByCertificate: a few operations were found that have no legal order, and porcupine found none.
	ByCertificate Method = "certificate"
	// BySearch: porcupine searched alone.
	BySearch Method = "porcupine alone"
)

// A Report is what Check found out.
type Report struct {
	Model string `json:"model"`
	// Verdict is Illegal if a key is, else Disputed if a key is, else Unknown if a key is, else
	// Legal.
	Verdict Verdict `json:"verdict"`
	// Operations is how many the model judged, of all keys and outcomes.
	Operations int `json:"operations"`
	// Counts are of all keys.
	Counts KeyCounts `json:"counts"`
	// Keys are those that are listed, sorted by name: 10,000 at most, and those that are not legal
	// before the others.
	Keys []KeyReport `json:"keys"`
	// Violations explain the illegal keys, those first that were used first, up to
	// Options.Explanations.
	Violations []Explanation `json:"violations,omitempty"`
	// Duration is how long the check took.
	Duration time.Duration `json:"duration"`
	Memory   Memory        `json:"memory"`
}

// KeyCounts are how many keys have which verdict, and what the verdicts rest on.
type KeyCounts struct {
	Legal    int `json:"legal"`
	Illegal  int `json:"illegal"`
	Unknown  int `json:"unknown"`
	Disputed int `json:"disputed"`
	// Methods counts the keys with a verdict, or with a disputed one, by what it rests on.
	Methods map[Method]int `json:"methods,omitempty"`
}

// Total returns how many keys there are.
func (c KeyCounts) Total() int { return c.Legal + c.Illegal + c.Unknown + c.Disputed }

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
	// Method is what the verdict rests on; there is none if it is Unknown.
	Method Method `json:"method,omitempty"`
	// Reason says why the verdict is Unknown or Disputed. For Unknown it begins with "out of time"
	// or "out of memory", or is that the check was interrupted or that a process died.
	Reason string `json:"reason,omitempty"`
	// Operations is how many there are on the key. Failed certainly did not happen and Dropped
	// were proved not to matter; the rest was Judged. Of those, Bounded were of unknown outcome
	// and proved to have happened.
	Operations int `json:"operations"`
	Failed     int `json:"failed"`
	Dropped    int `json:"dropped"`
	Bounded    int `json:"bounded"`
	Judged     int `json:"judged"`
	// LegalPrefix is, of a key without an answer, how many of the operations that ended first were
	// found to be legal.
	LegalPrefix int `json:"legalPrefix,omitempty"`
	// Unique tells whether the values written are; if not, nothing can be bounded, and nothing
	// but unknown reads dropped.
	Unique bool `json:"unique"`
	// Duration is how long judging the key took, in all rounds.
	Duration time.Duration `json:"duration"`
}

// Unlisted returns how many keys are not listed, of all and of those that are not legal.
func (r Report) Unlisted() (all, notLegal int) {
	for _, k := range r.Keys {
		if k.Verdict != Legal {
			notLegal++
		}
	}
	c := r.Counts
	return c.Total() - len(r.Keys), c.Total() - c.Legal - notLegal
}

// Unknown returns the reports of the keys without an answer, as far as they are listed.
func (r Report) Unknown() []KeyReport {
	var unknown []KeyReport
	for _, k := range r.Keys {
		if k.Verdict == Unknown {
			unknown = append(unknown, k)
		}
	}
	return unknown
}

// Disputed returns the reports of the keys on which porcupine disagreed, as far as they are listed.
func (r Report) Disputed() []KeyReport {
	var disputed []KeyReport
	for _, k := range r.Keys {
		if k.Verdict == Disputed {
			disputed = append(disputed, k)
		}
	}
	return disputed
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
