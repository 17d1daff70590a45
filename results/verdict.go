package results

import (
	"fmt"
	"slices"
)

// A Verdict is the outcome of a run.
type Verdict string

// The verdicts, worst first. A worse one is never masked by a milder one.
const (
	// Violation: the system did what it must never do.
	Violation Verdict = "violation"
	// Harness: Ordeal itself failed, or could not prove that a fault was healed.
	Harness Verdict = "harness"
	// Inconclusive: a budget ran out, or the cluster did not recover.
	Inconclusive Verdict = "inconclusive"
	// Vacuous: too little happened to mean anything.
	Vacuous Verdict = "vacuous"
	// Pass: none of these.
	Pass Verdict = "pass"
	// Interrupted: the run was stopped by hand, and what was recorded until then is legal.
	Interrupted Verdict = "interrupted"
	// Unfinished: the run's record was never completed.
	Unfinished Verdict = "unfinished"
)

// Exit codes beside those of the verdicts.
const (
	// ExitUsage: a mistake in a flag, an argument or a file that was given.
	ExitUsage = 64
	// ExitInterrupted: Ctrl-C, and what was saved does not violate.
	ExitInterrupted = 130
)

var severity = map[Verdict]int{
	Violation: 6, Interrupted: 5, Harness: 4, Inconclusive: 3, Unfinished: 2, Vacuous: 1, Pass: 0,
}

// ExitCode returns the code with which a command ends that came to this verdict.
func (v Verdict) ExitCode() int {
	switch v {
	case Violation:
		return 1
	case Harness, Unfinished:
		return 2
	case Inconclusive:
		return 3
	case Vacuous:
		return 4
	case Interrupted:
		return ExitInterrupted
	case Pass:
		return 0
	default:
		panic(fmt.Sprintf("results: %q is not a verdict", v))
	}
}

// Worse returns the worse of two verdicts. Being interrupted explains whatever else is missing, so
// that only a violation is worse.
func Worse(a, b Verdict) Verdict {
	if severity[b] > severity[a] {
		return b
	}
	return a
}

// A Finding is one reason for a verdict other than Pass.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	// Class is what violations of one kind have in common, such as "stale read".
	Class string `json:"class,omitempty"`
	// What says what was found, in a sentence without a full stop.
	What string `json:"what"`
	// Detail are further lines, in the order in which they should be read.
	Detail []string `json:"detail,omitempty"`
}

// Violates tells whether the finding is a violation.
func (f Finding) Violates() bool { return f.Verdict == Violation }

// Classes returns those of the violations among findings, each once, in their order. A violation
// without a class has none.
func Classes(findings []Finding) []string {
	var classes []string
	for _, f := range findings {
		if f.Violates() && f.Class != "" && !slices.Contains(classes, f.Class) {
			classes = append(classes, f.Class)
		}
	}
	return classes
}
