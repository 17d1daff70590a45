package harness

import (
	"fmt"
	"strings"
	"time"

	"ordeal/harness/plan"
	"ordeal/results"
)

// judgeVacuity asks whether enough happened for a pass to mean anything: an attempt of every kind
// of operation, some success, and of every kind of fault that was planned one that bit while
// something was attempted.
func judgeVacuity(run *results.Run, seen observed) {
	vacuous := func(format string, args ...any) {
		run.Find(results.Finding{
			Verdict: results.Vacuous, What: fmt.Sprintf(format, args...),
		})
	}
	for _, kind := range seen.workload.Kinds() {
		if run.Load.Kinds[kind] == (results.Outcomes{}) {
			vacuous("no %s was attempted while faults were injected", kind)
		}
	}
	if run.Load.OK == 0 {
		vacuous("no operation succeeded while faults were injected")
	}
	for _, kind := range plan.Planned(seen.schedule) {
		bit, tested, reason := 0, 0, ""
		for _, f := range run.Faults {
			if f.Kind != string(kind) {
				continue
			}
			if f.Effective {
				bit++
			} else if why := whyNot(f); why != "" {
				reason = ": " + why
			}
			if f.Effective && f.Attempts.Total() > 0 {
				tested++
			}
		}
		switch {
		case bit == 0:
			vacuous("no %s of the schedule was shown to bite%s", kind, reason)
		case tested == 0:
			vacuous("nothing was attempted while a %s was in force", kind)
		}
	}
}

// judgeAvailability asks for success wherever the faults left nodes with a majority, for long
// enough and with enough attempts: of a node over a span, of all of them in a window, and over all
// spans of the run together, which finds a system that hangs and so lets few attempts end. That
// nothing succeeds there breaks no promise of a register's safety; but a run in which it does not
// is not one that passes.
func judgeAvailability(run *results.Run) {
	nothing := func(who string, from, to time.Duration, faults string, attempts int) {
		run.Find(results.Finding{Verdict: results.Inconclusive, What: fmt.Sprintf(
			"%s had a majority from %s to %s%s, and none of %d attempts succeeded",
			who, seconds(from), seconds(to), faults, attempts)})
	}
	for _, w := range run.Windows {
		if w.Asked && w.Attempts.OK == 0 {
			nothing(strings.Join(w.Core, " "), w.From, w.To,
				" under "+strings.Join(w.Faults, " "), w.Attempts.Total())
		}
	}
	var all results.Outcomes
	for _, s := range run.Spans {
		all = all.Plus(s.Attempts)
		if s.Asked && s.Attempts.OK == 0 {
			nothing(s.Node, s.From, s.To, " under faults", s.Attempts.Total())
		}
	}
	if all.Total() >= attemptsMin && all.OK == 0 {
		run.Find(results.Finding{Verdict: results.Inconclusive, What: fmt.Sprintf(
			"wherever faults left a node with a majority, %d spans in all, none of %d attempts "+
				"succeeded", len(run.Spans), all.Total())})
	}
}

// whyNot says in words why a fault was not shown to bite.
func whyNot(f results.Fault) string {
	if f.Reason != "" {
		return f.Reason
	}
	for _, m := range f.Evidence {
		if !m.Shows && m.When != "after" {
			return fmt.Sprintf("%s of %s: %s", m.What, m.Subject, m.Value)
		}
	}
	return ""
}
