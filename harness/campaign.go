package harness

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"ordeal/harness/plan"
	"ordeal/history/stream"
	"ordeal/results"
)

// A Campaign is many rehearsals, each of another plan, until a budget runs out. It goes on after a
// violation, and keeps of each class of violations the shortest run.
type Campaign struct {
	// Seed decides the plans: the i-th is the same whatever the number of workers. Plans count in
	// the order of their numbers, so that what is found is the same too, unless Time ends it.
	Seed uint64
	// Draw returns the plan of a seed.
	Draw  func(seed uint64) plan.Plan
	Start func(plan.Plan) (Environment, error)
	// Workers is how many rehearsals run at a time, as many as there are processors if it is 0.
	Workers int
	// Time, Runs and Classes are the budgets; 0 stands for no limit. Classes is after how many
	// different classes of violations it ends; other findings do not count. Wanted are classes of
	// which one ends it at once; with them a run counts as of one class, of these before others.
	Time    time.Duration
	Runs    int
	Classes int
	Wanted  []string
	// Progress is told about every second how far it is; it may be nil.
	Progress func(CampaignReport)
}

// A CampaignReport is what a campaign came to.
type CampaignReport struct {
	Seed uint64 `json:"seed"`
	// Runs is how many plans were run, Violating how many of them violated, and Idle how many of
	// them had no operation that succeeded.
	Runs      int `json:"runs"`
	Violating int `json:"violating"`
	Idle      int `json:"idle"`
	// Operations, Faults, Events and Virtual are those of all runs together.
	Operations int           `json:"operations"`
	Faults     int           `json:"faults"`
	Events     uint64        `json:"events"`
	Virtual    time.Duration `json:"virtual"`
	Elapsed    time.Duration `json:"elapsed"`
	// Failed is how many plans could not be run to their end; they are no runs, and among the groups.
	Failed int `json:"failed,omitempty"`
	// Groups are the classes of what was found, the one that was found first before the others.
	Groups []CampaignGroup `json:"groups"`
}

// A CampaignGroup is what was found of one class, with one verdict.
type CampaignGroup struct {
	Class   string          `json:"class"`
	Verdict results.Verdict `json:"verdict"`
	// Count is how many runs found it, First the number of the first of them, from 1, and After how
	// long the campaign had run then; FirstEvents is how many events had happened in all runs up to
	// and with that one.
	Count       int           `json:"count"`
	First       int           `json:"first"`
	After       time.Duration `json:"after"`
	FirstEvents uint64        `json:"firstEvents"`
	// Plan is the one of the run with the fewest events, Events how many these are, and What what
	// was found in it.
	Plan   plan.Plan     `json:"plan"`
	Events uint64        `json:"events"`
	What   string        `json:"what"`
	Trace  results.Trace `json:"trace"`
}

// Verdict returns the worst verdict of all that was found. Runs without any success mean nothing,
// unless something was found in them.
func (r CampaignReport) Verdict() results.Verdict {
	run := results.Run{Verdict: results.Pass}
	if r.Runs == 0 || r.Idle == r.Runs {
		run.Verdict = results.Vacuous
	}
	for _, g := range r.Groups {
		run.Find(results.Finding{Verdict: g.Verdict})
	}
	return run.Verdict
}

// Violations counts the classes of violations.
func (r CampaignReport) Violations() int {
	count := 0
	for _, g := range r.Groups {
		if g.Verdict == results.Violation {
			count++
		}
	}
	return count
}

// failedMax is after how many plans that could not be run a campaign ends.
const failedMax = 20

// classPlan is that of a plan that could not be run to its end.
const classPlan = "a plan that could not be run"

// A tested plan is one that was run.
type tested struct {
	number  int
	plan    plan.Plan
	outcome Outcome
	err     error
	// after is how long the campaign had run when it was done.
	after time.Duration
}

// Run runs the campaign. When ctx is done it ends, with what was found until then and the context's
// error. That a plan could not be run is a finding, of Ordeal's own failure.
func (c Campaign) Run(ctx context.Context) (CampaignReport, error) {
	began := time.Now()
	running, stop := context.WithCancel(ctx)
	defer stop()
	if c.Time > 0 {
		running, stop = context.WithTimeout(running, c.Time)
		defer stop()
	}
	workers := cmp.Or(c.Workers, runtime.GOMAXPROCS(0))
	numbers, outcomes := make(chan int), make(chan tested, workers)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() { c.work(running, numbers, outcomes) })
	}
	go func() {
		c.deal(running, numbers)
		group.Wait()
		close(outcomes)
	}()
	report := c.gather(began, outcomes, stop)
	report.Elapsed = time.Since(began)
	return report, ctx.Err()
}

// deal hands out the numbers of plans until the budget is spent.
func (c Campaign) deal(ctx context.Context, numbers chan<- int) {
	defer close(numbers)
	for number := 1; c.Runs == 0 || number <= c.Runs; number++ {
		select {
		case numbers <- number:
		case <-ctx.Done():
			return
		}
	}
}

// work runs plans until there are no more numbers. What the end of the budget cuts short counts for
// nothing.
func (c Campaign) work(ctx context.Context, numbers <-chan int, outcomes chan<- tested) {
	for number := range numbers {
		t := tested{number: number, plan: c.Draw(c.seedOf(number))}
		t.outcome, t.err = Rehearsal{Plan: t.plan, Start: c.Start}.Run(ctx)
		if t.err != nil && ctx.Err() != nil {
			return
		}
		outcomes <- t
	}
}

// seedOf returns the seed of the plan with that number.
func (c Campaign) seedOf(number int) uint64 {
	return stream.Seed(c.Seed, "campaign", uint64(number))
}

// gather counts what comes of the plans, in the order of their numbers, and ends the campaign when
// enough was found: one that is done before another of a lower number waits for it, and what comes
// after the one that was enough counts for nothing.
func (c Campaign) gather(
	began time.Time, outcomes <-chan tested, stop func(),
) CampaignReport {
	report := CampaignReport{Seed: c.Seed, Groups: []CampaignGroup{}}
	waiting := make(map[int]tested)
	told, next, ended := began, 1, false
	take := func(t tested) {
		report.count(t, c.Wanted)
		if ended = c.enough(report); ended {
			stop()
		}
	}
	for t := range outcomes {
		t.after = time.Since(began)
		waiting[t.number] = t
		for t, done := waiting[next]; done && !ended; t, done = waiting[next] {
			take(t)
			delete(waiting, next)
			next++
		}
		if now := time.Now(); c.Progress != nil && now.Sub(told) >= progressEvery {
			told = now
			report.Elapsed = now.Sub(began)
			c.Progress(report)
		}
	}
	// Those that the end of the time cut short are missing before the rest.
	for _, number := range slices.Sorted(maps.Keys(waiting)) {
		if !ended {
			take(waiting[number])
		}
	}
	return report
}

// enough tells whether a campaign with that report is over, whatever is left of its time and runs.
func (c Campaign) enough(r CampaignReport) bool {
	return c.Classes > 0 && r.Violations() >= c.Classes || r.Failed >= failedMax || r.has(c.Wanted)
}

// has tells whether something of one of the classes was found.
func (r CampaignReport) has(classes []string) bool {
	return slices.ContainsFunc(r.Groups, func(g CampaignGroup) bool {
		return slices.Contains(classes, g.Class)
	})
}

// count adds a run, of a higher number than those before it.
func (r *CampaignReport) count(t tested, wanted []string) {
	o := t.outcome
	if t.err != nil {
		r.Failed++
		o = Outcome{Findings: []results.Finding{
			{Verdict: results.Harness, Class: classPlan, What: t.err.Error()},
		}}
	} else {
		r.Runs++
		r.Operations += o.Operations.Total
		r.Faults += o.Faults
		r.Events += o.Trace.Events
		r.Virtual += o.Virtual
		if o.Operations.OK == 0 {
			r.Idle++
		}
	}
	if len(o.Findings) > 0 {
		r.group(t, o, wanted)
	}
}

// group adds what was found in a run to what is like it.
func (r *CampaignReport) group(t tested, o Outcome, wanted []string) {
	kinds := o.kinds(wanted)
	if kinds[0].Violates() {
		r.Violating++
	}
	for _, finding := range kinds {
		r.add(t, o, finding)
	}
}

// add adds one thing that was found in a run.
func (r *CampaignReport) add(t tested, o Outcome, finding results.Finding) {
	class, verdict := finding.Class, finding.Verdict
	i := slices.IndexFunc(r.Groups, func(g CampaignGroup) bool {
		return g.Class == class && g.Verdict == verdict
	})
	if i < 0 {
		i = len(r.Groups)
		r.Groups = append(r.Groups, CampaignGroup{Class: class, Verdict: verdict})
	}
	g := &r.Groups[i]
	g.Count++
	if g.Count == 1 {
		g.First, g.After, g.FirstEvents = t.number, t.after, r.Events
	}
	fewer := cmp.Or(cmp.Compare(o.Trace.Events, g.Events), cmp.Compare(t.plan.Seed, g.Plan.Seed)) < 0
	if g.Count == 1 || fewer {
		g.Plan, g.Events, g.What, g.Trace = t.plan, o.Trace.Events, finding.What, o.Trace
	}
}
