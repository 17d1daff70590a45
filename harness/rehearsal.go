package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// A Rehearsal is a run in virtual time of which nothing stays but what it came to: no directory, no
// file. Since a plan is a run there, whatever it finds can be run again and kept.
type Rehearsal struct {
	Plan  plan.Plan
	Start func(plan.Plan) (Environment, error)
}

// An Outcome is what a rehearsal came to.
type Outcome struct {
	// Findings are the violations, and what made the rehearsal fail. It is silent about anything
	// else: that a plan was too short to mean something is the campaign's to count.
	Findings   []results.Finding
	Operations results.Operations
	// Shown holds by class the operations after whose returns the first violation of the history was
	// there, by their IDs. Only Record tells.
	Shown map[string][]int64
	// Faults is how many were injected.
	Faults int
	// Virtual is how much virtual time passed.
	Virtual time.Duration
	Trace   results.Trace
}

// Class returns that of the worst finding, "" if there is none. Findings of one class are taken for
// the same mistake.
func (o Outcome) Class() string {
	if len(o.Findings) == 0 {
		return ""
	}
	return o.worst().Class
}

// worst returns the first violation, or the first finding if there is none. There is one.
func (o Outcome) worst() results.Finding {
	for _, f := range o.Findings {
		if f.Verdict == results.Violation {
			return f
		}
	}
	return o.Findings[0]
}

// among returns the first violation of one of the classes, or the worst finding. There is one.
func (o Outcome) among(classes []string) results.Finding {
	for _, f := range o.Findings {
		if f.Verdict == results.Violation && slices.Contains(classes, f.Class) {
			return f
		}
	}
	return o.worst()
}

// kinds returns the first finding of each kind that a run counts as, of which there is one: of each
// class of its violations, or where it does not violate of each verdict and class. What else went
// wrong in a run that violates may come of that. Where classes are wanted it is one kind alone.
func (o Outcome) kinds(wanted []string) []results.Finding {
	if len(wanted) > 0 {
		return []results.Finding{o.among(wanted)}
	}
	violates := o.worst().Violates()
	var kinds []results.Finding
	for _, f := range o.Findings {
		known := slices.ContainsFunc(kinds, func(k results.Finding) bool {
			return k.Verdict == f.Verdict && (k.Class == f.Class || f.Class == "")
		})
		if f.Violates() == violates && !known {
			kinds = append(kinds, f)
		}
	}
	return kinds
}

// rehearsalBudget bounds the check of a rehearsal. Its keys are small and their values unique: it
// takes microseconds.
var rehearsalBudget = Budget{Time: 10 * time.Second, MemoryBytes: 64 << 20}

// Run takes the rehearsal from plan to outcome. The error is the context's, or says that it could
// not begin.
func (t Rehearsal) Run(ctx context.Context) (Outcome, error) {
	o, _, err := t.run(ctx)
	return o, err
}

// Record is Run, and returns the operations too, in the order of their calls.
func (t Rehearsal) Record(ctx context.Context) (Outcome, []history.Operation, error) {
	o, r, err := t.run(ctx)
	if err != nil {
		return o, nil, err
	}
	slices.SortFunc(r.ops, func(a, b history.Operation) int { return cmp.Compare(a.ID, b.ID) })
	o.Shown, err = r.shown(ctx)
	return o, r.ops, err
}

// A judgedRun is what was judged of a rehearsal: its operations, and what explains the illegal
// keys.
type judgedRun struct {
	model     string
	ops       []history.Operation
	explained []linearizability.Explanation
}

// run is Run, and returns what was judged.
func (t Rehearsal) run(ctx context.Context) (Outcome, judgedRun, error) {
	schedule, err := t.Plan.Schedule()
	if err != nil {
		return Outcome{}, judgedRun{}, err
	}
	workload, err := t.Plan.NewWorkload()
	if err != nil {
		return Outcome{}, judgedRun{}, err
	}
	env, err := t.Start(t.Plan)
	if err != nil {
		return Outcome{}, judgedRun{}, err
	}
	// Closing twice does nothing; whatever ends the run early has nothing more to say.
	defer func() { _ = env.Close(context.WithoutCancel(ctx)) }()
	d := &driver{
		env: env, plan: t.Plan, schedule: schedule, workload: workload, log: silent,
		record: history.NewWriter(nil, history.Header{Model: workload.Model()}),
	}
	judges, err := t.judges(workload.Model())
	if err != nil {
		return Outcome{}, judgedRun{}, err
	}
	d.watch = newWatch(ctx, judges, d.record.Pending, silent, true)
	defer d.watch.close()
	run := results.Run{Plan: t.Plan}
	if err := rehearse(ctx, d); err != nil {
		if ctx.Err() != nil {
			return Outcome{}, judgedRun{}, ctx.Err()
		}
		run.Find(results.Finding{Verdict: results.Harness, Class: "the loop", What: err.Error()})
	}
	testify(&run, env)
	run.Recovery = d.recovery.result
	if d.phase == phaseDone && !run.Recovery.Proved && t.Plan.Recovery > 0 {
		run.Find(notRecovered(&run))
	}
	// What an interruption leaves unjudged says nothing of the nodes.
	r, err := judgeRehearsal(ctx, &run, d, workload.Model())
	if err = errors.Join(err, ctx.Err()); err != nil {
		return Outcome{}, judgedRun{}, err
	}
	return t.outcome(run, d), r, d.env.Close(ctx)
}

// outcome puts together what a rehearsal came to.
func (t Rehearsal) outcome(run results.Run, d *driver) Outcome {
	o := Outcome{
		Findings: run.Findings, Operations: d.counts, Virtual: d.env.Now(), Trace: *run.Trace,
	}
	for _, f := range d.faults {
		if f.injected {
			o.Faults++
		}
	}
	return o
}

// silent is the log of rehearsals.
var silent = slog.New(slog.DiscardHandler)

// judges returns who judges while the rehearsal goes on: nobody, since it is over soon, unless the
// plan is to end at a violation. Then it ends where the run of that plan ends.
func (t Rehearsal) judges(name string) (func(context.Context, batch) ([]string, error), error) {
	if !t.Plan.FailFast {
		return nobody, nil
	}
	model, err := linearizability.ModelNamed(name)
	return func(ctx context.Context, b batch) ([]string, error) { return b.illegal(ctx, model) }, err
}

// nobody judges nothing.
func nobody(context.Context, batch) ([]string, error) { return nil, nil }

// rehearse is drive, which it ends in order where a violation does, with a panic of the loop as an
// error.
func rehearse(ctx context.Context, d *driver) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the loop panicked: %v", reason)
		}
	}()
	if err := d.drive(ctx); err != nil || !d.early {
		return err
	}
	d.stop(ctx)
	return d.broken
}

// judgeRehearsal adds a finding for each violation of the history.
func judgeRehearsal(
	ctx context.Context, run *results.Run, d *driver, model string,
) (judgedRun, error) {
	r := judgedRun{model: model, ops: d.kept.log.all(d.record.Pending())}
	check, findings, err := Judge(ctx, model, r.ops, d.events, rehearsalBudget)
	if err != nil {
		return r, err
	}
	for _, f := range findings {
		if f.Verdict != results.Vacuous {
			run.Find(f)
		}
	}
	r.explained = check.Linearizability.Violations
	if check.Decisions != nil {
		r.explained = slices.Concat(r.explained, check.Decisions.Violations)
	}
	return r, nil
}

// shown returns what an Outcome of that name holds.
func (r judgedRun) shown(ctx context.Context) (map[string][]int64, error) {
	model, err := linearizability.ModelNamed(r.model)
	if err != nil {
		return nil, err
	}
	shown := make(map[string][]int64)
	for _, e := range r.explained {
		if _, known := shown[string(e.Class)]; !known {
			shown[string(e.Class)] = shownBy(ctx, model, r.ops, e, rehearsalBudget.options())
		}
	}
	return shown, nil
}

// The classes of findings that do not come from the checker.
const (
	classProgress    = "no progress"
	classUnrecovered = "not recovered"
	classExit        = "a node ended"
)

var numbers = regexp.MustCompile(`[0-9]+(\.[0-9]+)*|"[^"]*"|\bn[0-9]+\b|\b[kd][0-9]+-[0-9]+\b`)

// exitClass is that of a node that ended by itself: by what it said, without the particulars.
func exitClass(detail string) string {
	text := numbers.ReplaceAllString(detail, "_")
	if len(text) > classMax {
		text = text[:classMax]
	}
	return classExit + ": " + text
}

// classMax bounds a class, in bytes.
const classMax = 60
