package harness

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// judge draws every conclusion that the record allows and adds a finding for each that is not good.
func (t Test) judge(ctx context.Context, run *results.Run, seen observed) {
	for _, f := range run.Faults {
		if f.Phase != history.Skipped && !f.Healed && seen.completed {
			run.Find(results.Finding{Verdict: results.Harness, What: fmt.Sprintf(
				"fault %s (%s) is not proved to be healed", f.ID, f.Kind),
				Detail: unproved(f)})
		}
	}
	// What never served anything has nothing to recover to: that run is vacuous.
	if seen.completed && !run.Recovery.Proved && run.Operations.OK > 0 && t.Plan.Recovery > 0 {
		within := ""
		if run.Recovery.Duration > 0 {
			within = fmt.Sprintf(" within %v", t.Plan.Recovery)
		}
		run.Find(results.Finding{Verdict: unrecovered(run), Class: classProgress, What: fmt.Sprintf(
			"the cluster did not recover%s: %s", within, run.Recovery.Missing)})
	}
	for _, node := range run.FinalReads.Silent {
		if run.Recovery.Proved {
			run.Find(results.Finding{Verdict: results.Inconclusive, What: fmt.Sprintf(
				"%s recovered, and does not answer at the end", node)})
		}
	}
	if seen.began {
		t.judgeHistory(ctx, run, seen)
	}
	if seen.completed {
		judgeVacuity(run, seen)
		judgeAvailability(run)
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

// unproved returns what is known of a fault whose heal could not be proved.
func unproved(f results.Fault) []string {
	lines := []string{}
	if f.Reason != "" {
		lines = append(lines, f.Reason)
	}
	for _, m := range f.Evidence {
		if m.When == "after" && !m.Shows {
			lines = append(lines, fmt.Sprintf("%s: %s: %s", m.Subject, m.What, m.Value))
		}
	}
	return lines
}

// judgeHistory checks the operations against the workload's model.
func (t Test) judgeHistory(ctx context.Context, run *results.Run, seen observed) {
	check, findings, err := Judge(
		ctx, seen.workload.Model(), seen.operations, seen.events,
		Budget{
			Time: t.Plan.Budget, MemoryBytes: int64(t.Plan.Memory) << 20, Search: t.Search,
		})
	if err != nil {
		run.Find(results.Finding{Verdict: results.Harness, What: err.Error()})
		return
	}
	for _, f := range findings {
		run.Find(f)
	}
	if f, differs := compare(check, seen.violation); differs {
		run.Find(f)
	}
	pages, err := t.pages(check, seen.operations)
	if err != nil {
		run.Find(results.Finding{Verdict: results.Harness, What: err.Error()})
	}
	check.Pages = pages
	run.Check = check
}

// compare returns a finding if a key that was found to violate while the run went on is not found
// so at the end. That violation stands where the check has no answer; where it has one, Ordeal is
// wrong.
func compare(check *results.Check, v *results.EarlyFinding) (f results.Finding, differs bool) {
	if v == nil || v.Key == "" || slices.Contains(check.Illegal(), v.Key) {
		return f, false
	}
	for _, key := range append(
		check.Linearizability.Unknown(), check.Linearizability.Disputed()...) {
		if key.Key == v.Key {
			return results.Finding{Verdict: results.Violation, What: fmt.Sprintf(
				"%s, as was found at %s, while the run went on", v, seconds(v.At))}, true
		}
	}
	return results.Finding{Verdict: results.Harness, What: fmt.Sprintf(
		"%s, as was found at %s, while the run went on, and the check at the end finds it legal: "+
			"Ordeal is wrong", v, seconds(v.At))}, true
}

// pagesMax bounds the pages: each may take some seconds to draw.
const pagesMax = 3

// pages writes porcupine's pages of the first keys that violate.
func (t Test) pages(check *results.Check, ops []history.Operation) ([]string, error) {
	var names []string
	violations := check.Linearizability.Violations
	for _, violation := range violations[:min(len(violations), pagesMax)] {
		var page bytes.Buffer
		if err := drawPage(&page, check.Model, violation.Key, ops); err != nil {
			return names, err
		}
		name := violation.Key + ".html"
		if err := t.Directory.Write(name, page.Bytes()); err != nil {
			return names, err
		}
		names = append(names, name)
	}
	return names, nil
}

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

// seconds shows a time as people read it off a run's axis.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// A Budget bounds a check. What does not fit in it has no answer.
type Budget struct {
	Time time.Duration
	// MemoryBytes is what the check may take beyond what the process holds already.
	MemoryBytes int64
	// Search is the command of another process that searches, see linearizability.Options.Child.
	Search func(context.Context) *exec.Cmd
}

// Judge checks operations against a model and returns what it found, with a finding for everything
// that is not legal. The events are the faults and marks of the record: they tell which nodes were
// restarted, and so what a learner may have forgotten. When ctx is done, what is not judged yet has
// no answer.
func Judge(
	ctx context.Context,
	modelName string, ops []history.Operation, events []history.Event, budget Budget,
) (*results.Check, []results.Finding, error) {
	model, err := linearizability.ModelNamed(modelName)
	if err != nil {
		return nil, nil, err
	}
	report, err := linearizability.Check(
		ctx, model, ops, linearizability.Options{
			Budget: budget.Time, Memory: budget.MemoryBytes, Child: budget.Search,
		})
	if err != nil {
		return nil, nil, err
	}
	check := &results.Check{Model: modelName, Linearizability: report}
	findings := append(exits(events), illegalKeys(report)...)
	if len(ops) == 0 {
		findings = append(findings, results.Finding{
			Verdict: results.Vacuous, What: "the history has no operations",
		})
	}
	findings = append(findings, undecidedKeys(report)...)
	if modelName != linearizability.Decision().Name() {
		return check, findings, nil
	}
	decisions, err := linearizability.CheckDecision(ops, events)
	if err != nil {
		return nil, nil, err
	}
	check.Decisions = &decisions
	for _, violation := range decisions.Violations {
		findings = append(findings, explanation(violation, violation.Key+" is not one decision"))
	}
	return check, findings, nil
}

// undecidedKeys returns a finding for each key without a verdict.
func undecidedKeys(report linearizability.Report) []results.Finding {
	var findings []results.Finding
	for _, key := range report.Disputed() {
		findings = append(findings, results.Finding{
			Verdict: results.Harness,
			What: fmt.Sprintf("the check of %s (%d operations) contradicts itself: %s",
				key.Key, key.Operations, key.Reason),
		})
	}
	for _, key := range report.Unknown() {
		findings = append(findings, results.Finding{
			Verdict: results.Inconclusive,
			What: fmt.Sprintf("the check has no answer for %s (%d operations): %s",
				key.Key, key.Operations, key.Reason),
			Detail: soFar(key),
		})
	}
	return findings
}

// soFar says what is known of a key that has no answer.
func soFar(key linearizability.KeyReport) []string {
	why := "values were written more than once, so only a search can tell"
	if key.Unique {
		why = "compare-and-sets were refused without saying what they saw, so only a search can tell"
	}
	lines := []string{why, "no answer is impossible by itself"}
	if key.LegalPrefix > 0 {
		lines = append(lines, fmt.Sprintf(
			"the %d operations that ended first are legal", key.LegalPrefix))
	}
	return lines
}

// exits returns a finding for each node that ended without having been asked to: a violation where
// that was its own doing, a failure of the test where somebody else ended it.
func exits(events []history.Event) []results.Finding {
	verdicts := map[string]results.Verdict{
		history.MarkExit: results.Violation, history.MarkKilled: results.Harness,
	}
	var findings []results.Finding
	for _, e := range events {
		if e.Mark == nil {
			continue
		}
		if verdict, ended := verdicts[e.Mark.Name]; ended {
			findings = append(findings, results.Finding{
				Verdict: verdict, Class: exitClass(e.Mark.Detail),
				What: fmt.Sprintf("%s ended at %s without having been asked to: %s",
					e.Mark.Node, seconds(e.Time), e.Mark.Detail),
			})
		}
	}
	return findings
}

// drawPage writes porcupine's page of one key.
func drawPage(w io.Writer, modelName, key string, ops []history.Operation) error {
	model, err := linearizability.ModelNamed(modelName)
	if err != nil {
		return err
	}
	var mine []history.Operation
	for _, op := range ops {
		if op.Key == key {
			mine = append(mine, op)
		}
	}
	if err := linearizability.Page(w, model, mine); err != nil {
		return fmt.Errorf("draw the page of %s: %w", key, err)
	}
	return nil
}

// illegalKeys returns a finding for each key whose violation is explained, and one for the others.
func illegalKeys(report linearizability.Report) []results.Finding {
	var findings []results.Finding
	explained := make(map[string]bool)
	for _, e := range report.Violations {
		explained[e.Key] = true
		findings = append(findings, explanation(e, e.Key+" is not linearizable"))
	}
	var others []string
	for _, key := range report.Keys {
		if key.Verdict == linearizability.Illegal && !explained[key.Key] {
			others = append(others, key.Key)
		}
	}
	if len(others) > 0 {
		findings = append(findings, results.Finding{
			Verdict: results.Violation,
			What: fmt.Sprintf("%d more keys are not linearizable: %s",
				len(others), strings.Join(others, ", ")),
		})
	}
	return findings
}

func explanation(e linearizability.Explanation, what string) results.Finding {
	f := results.Finding{
		Verdict: results.Violation, Class: string(e.Class),
		What: fmt.Sprintf("%s: %s: %s", what, e.Class, e.Sentence),
	}
	for _, involved := range e.Operations {
		f.Detail = append(f.Detail, involved.Text)
	}
	return f
}
