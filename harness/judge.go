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

	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// judge draws every conclusion that the record allows and adds a finding for each that is not good.
func (t Test) judge(ctx context.Context, run *results.Run, seen observed) {
	for _, f := range run.Faults {
		if f.Phase != history.Skipped && !f.Healed && !f.Stays && seen.completed {
			run.Find(results.Finding{Verdict: results.Harness, What: fmt.Sprintf(
				"fault %s (%s) is not proved to be healed", f.ID, f.Kind),
				Detail: unproved(f)})
		}
	}
	// What never served anything has nothing to recover to: that run is vacuous. Where time is virtual
	// nothing but the nodes themselves can have kept them from serving.
	asked := t.Plan.Recovery > 0 && (run.Operations.OK > 0 || run.Trace != nil)
	if seen.completed && !run.Recovery.Proved && asked {
		run.Find(notRecovered(run))
	}
	for _, node := range run.FinalReads.Silent {
		if run.Recovery.Proved {
			run.Find(results.Finding{Verdict: results.Inconclusive, What: fmt.Sprintf(
				"%s recovered, and does not answer at the end", node)})
		}
	}
	switch {
	case seen.operations != nil:
		t.judgeHistory(ctx, run, seen)
	case seen.began:
		findUnjudged(run, seen)
	}
	if seen.completed {
		judgeVacuity(run, seen)
		judgeAvailability(run)
	}
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
	check, findings, err := seen.judge(ctx, Budget{
		Time: t.Plan.Budget, MemoryBytes: int64(t.Plan.Memory) << 20, Search: t.Search,
	})
	if err != nil {
		findEach(run, err)
	}
	if check == nil {
		findUnjudged(run, seen)
		return
	}
	for _, f := range findings {
		run.Find(f)
	}
	run.Check = check
	switch f, differs := compare(check, seen.violation); {
	case err != nil:
		findUnjudged(run, seen)
		return // and what could not be read once is not read again
	case differs:
		run.Find(f)
	}
	pages, err := t.pages(ctx, check, seen.operations)
	if err != nil {
		findEach(run, err)
	}
	check.Pages = pages
}

// judge checks what was seen.
func (seen observed) judge(
	ctx context.Context, budget Budget,
) (*results.Check, []results.Finding, error) {
	model := seen.workload.Model()
	if all, ok := seen.operations.(inMemory); ok {
		return Judge(ctx, model, all, seen.events, budget)
	}
	return judgeRecord(ctx, model, seen.operations, seen.keys, seen.events, budget)
}

// findUnjudged adds a finding for each violation that is known although the operations could not be
// judged.
func findUnjudged(run *results.Run, seen observed) {
	for _, f := range exits(seen.events) {
		run.Find(f)
	}
	if v := seen.violation; v != nil && v.Key != "" {
		run.Find(foundEarly(v))
	}
}

// foundEarly is the finding of a key that was found to violate while the run went on.
func foundEarly(v *results.EarlyFinding) results.Finding {
	return results.Finding{Verdict: results.Violation, What: fmt.Sprintf(
		"%s, as was found at %s, while the run went on", v, seconds(v.At))}
}

// compare returns a finding if a key that was found to violate while the run went on is not found
// so at the end. That violation stands where the check has no answer; where it has one, Ordeal is
// wrong.
func compare(check *results.Check, v *results.EarlyFinding) (f results.Finding, differs bool) {
	if v == nil || v.Key == "" || slices.Contains(check.Illegal(), v.Key) {
		return f, false
	}
	// Where not all that is not legal is listed, the key may be among the rest.
	_, unlisted := check.Linearizability.Unlisted()
	if check.Decisions != nil {
		unlisted += check.Decisions.Unlisted
	}
	undecided := func(key linearizability.KeyReport) bool {
		return key.Key == v.Key && key.Verdict != linearizability.Legal
	}
	if unlisted > 0 || slices.ContainsFunc(check.Linearizability.Keys, undecided) {
		return foundEarly(v), true
	}
	return results.Finding{Verdict: results.Harness, What: fmt.Sprintf(
		"%s, as was found at %s, while the run went on, and the check at the end finds it legal: "+
			"Ordeal is wrong", v, seconds(v.At))}, true
}

// pagesMax bounds the pages: each may take some seconds to draw.
const pagesMax = 3

// pages writes porcupine's pages of the first keys that violate.
func (t Test) pages(
	ctx context.Context, check *results.Check, operations source,
) ([]string, error) {
	violations := check.Linearizability.Violations
	violations = violations[:min(len(violations), pagesMax)]
	byKey := make(map[string][]history.Operation)
	for _, violation := range violations {
		byKey[violation.Key] = nil
	}
	if len(violations) == 0 {
		return nil, nil
	}
	if err := operations.each(ctx, func(op *history.Operation) error {
		if ops, drawn := byKey[op.Key]; drawn {
			byKey[op.Key] = append(ops, *op)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var names []string
	for _, violation := range violations {
		var page bytes.Buffer
		if err := drawPage(&page, check.Model, violation.Key, byKey[violation.Key]); err != nil {
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

func (b Budget) options() linearizability.Options {
	return linearizability.Options{Budget: b.Time, Memory: b.MemoryBytes, Child: b.Search}
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
	report, err := linearizability.Check(ctx, model, ops, budget.options())
	if err != nil {
		return nil, nil, err
	}
	check := &results.Check{Model: modelName, Linearizability: report}
	if modelName == linearizability.Decision().Name() {
		decisions, err := linearizability.CheckDecision(ops, events)
		if err != nil {
			return nil, nil, err
		}
		check.Decisions = &decisions
	}
	return check, found(check, events, len(ops)), nil
}

// found returns a finding for everything that is not legal in a history of so many operations.
func found(check *results.Check, events []history.Event, operations int) []results.Finding {
	report := check.Linearizability
	findings := append(exits(events), illegalKeys(report)...)
	if operations == 0 {
		findings = append(findings, results.Finding{
			Verdict: results.Vacuous, What: "the history has no operations",
		})
	}
	findings = append(findings, undecidedKeys(report)...)
	if check.Decisions != nil {
		findings = append(findings, illegalDecisions(*check.Decisions)...)
	}
	return findings
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
	if more := report.Counts.Unknown - len(report.Unknown()); more > 0 {
		findings = append(findings, results.Finding{
			Verdict: results.Inconclusive,
			What: fmt.Sprintf("the check has no answer for %d more keys: they are not listed, or "+
				"it ended before their turn", more),
		})
	}
	if more := report.Counts.Disputed - len(report.Disputed()); more > 0 {
		findings = append(findings, results.Finding{
			Verdict: results.Harness,
			What:    fmt.Sprintf("the check of %d more keys contradicts itself", more),
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

// drawPage writes porcupine's page of the operations of one key.
func drawPage(w io.Writer, modelName, key string, ops []history.Operation) error {
	model, err := linearizability.ModelNamed(modelName)
	if err != nil {
		return err
	}
	if err := linearizability.Page(w, model, ops); err != nil {
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
	if more := report.Counts.Illegal - len(report.Violations); more > 0 {
		unnamed := ""
		if more > len(others) {
			unnamed = ", …"
		}
		findings = append(findings, results.Finding{
			Verdict: results.Violation,
			What: fmt.Sprintf("%d more keys are not linearizable: %s%s",
				more, strings.Join(others, ", "), unnamed),
		})
	}
	return findings
}

// illegalDecisions returns a finding for each violation that is listed, and one for the others.
func illegalDecisions(decisions linearizability.DecisionReport) []results.Finding {
	var findings []results.Finding
	for _, violation := range decisions.Violations {
		findings = append(findings, explanation(violation, violation.Key+" is not one decision"))
	}
	if decisions.Unlisted > 0 {
		findings = append(findings, results.Finding{
			Verdict: results.Violation,
			What:    fmt.Sprintf("%d more violations of decisions", decisions.Unlisted),
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
