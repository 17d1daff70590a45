package shrink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/nemesis"
	"ordeal/results"
	"ordeal/workloads"
)

// A Size is how large a run is.
type Size struct {
	Faults     int `json:"faults"`
	Operations int `json:"operations"`
	Nodes      int `json:"nodes"`
	// Clients are those that call something, and Keys those that are asked for.
	Clients int    `json:"clients"`
	Keys    int    `json:"keys"`
	Events  uint64 `json:"events"`
	// Deliveries, Crashes and Timeouts are counted until the violation is there: the datagrams of
	// other nodes that nodes took, the ends of processes by faults, the timers that ran out and had
	// an effect. They are 0 where nobody watched the run.
	Deliveries int `json:"deliveries"`
	Crashes    int `json:"crashes"`
	Timeouts   int `json:"timeouts"`
	// Omissions are the datagrams and timers that are listed to be left out.
	Omissions int `json:"omissions"`
}

// Steps is how many deliveries, crashes and timeouts there are, the grain in which model checkers
// count.
func (s Size) Steps() int { return s.Deliveries + s.Crashes + s.Timeouts }

// String says the size in words.
func (s Size) String() string {
	text := fmt.Sprintf("%d faults, %d operations on %d keys by %d clients, %d nodes, %d events",
		s.Faults, s.Operations, s.Keys, s.Clients, s.Nodes, s.Events)
	if s.Steps() > 0 {
		text += fmt.Sprintf(" (%d deliveries, %d crashes, %d timeouts)",
			s.Deliveries, s.Crashes, s.Timeouts)
	}
	return text
}

// A Progress is a glance at a shrinking.
type Progress struct {
	Stage   string
	Size    Size
	Replays int
	Elapsed time.Duration
}

// A Shrinking makes one run smaller.
type Shrinking struct {
	// Plan is the run's.
	Plan plan.Plan
	// Class is the violation's that must stay; "" stands for that of the worst finding.
	Class string
	Start func(plan.Plan) (harness.Environment, error)
	// Watch is Start with somebody who watches. It may be nil: then no message is counted, and no
	// single one left out.
	Watch func(plan.Plan) (harness.Environment, Tally, error)
	// Workers is how many plans run at a time, as many as there are processors if it is 0.
	Workers int
	// Time bounds how long it takes, and how long it takes to run the result once more after that; 0
	// stands for no limit.
	Time time.Duration
	// Steady tells that a step is taken only if the violation is there with almost any seed of the
	// simulation after it, in a quiet network. What comes out needs no certain timing, and so is for
	// containers too.
	Steady bool
	// Progress is told after every step; it may be nil.
	Progress func(Progress)
}

// A Result is what a shrinking came to.
type Result struct {
	Class string `json:"class"`
	// What is the violation of the shrunk run, in a sentence.
	What     string `json:"what"`
	Original Size   `json:"original"`
	Minimal  Size   `json:"minimal"`
	// Steady tells that the shrunk run violates with almost any seed of the simulation.
	Steady bool `json:"steady"`
	// Complete tells that it came to its end: no fault and no operation can be left out.
	Complete bool `json:"complete"`
	// Replays is how many plans were run, and Replay how long the first of them took.
	Replays int           `json:"replays"`
	Replay  time.Duration `json:"replay"`
	Elapsed time.Duration `json:"elapsed"`
	Plan    plan.Plan     `json:"plan"`
	Trace   results.Trace `json:"trace"`
}

// ErrNoViolation is wrapped by the error of a shrinking of what does not violate.
var ErrNoViolation = errors.New("the run does not violate")

// ErrNotSteady is the error of a Steady shrinking of what violates with few seeds only.
var ErrNotSteady = errors.New("the run violates with a certain timing only: it cannot be shrunk " +
	"to one that violates with almost any")

// Run makes the run as small as it can: where there is no time for anything smaller, the result is
// the run itself. When ctx is done it returns what it had by then, and the context's error.
func (t Shrinking) Run(ctx context.Context) (Result, error) {
	began := time.Now()
	if t.Steady {
		// What only a strange network shows needs no other timing, and no containers show it.
		seed := t.Plan.SimulationSeed()
		t.Plan.Simulation = nemesis.DefaultConditions()
		t.Plan.Simulation.Seed = seed
	}
	limit, limited, cancel := t.limit(ctx, began)
	defer cancel()
	o, tally, ops, err := t.record(limited)
	if err != nil {
		return Result{}, notReplayed(ctx, limited, err)
	}
	class, err := classOf(o, t.Class)
	if errors.Is(err, ErrNoViolation) && t.Steady {
		err = ErrNotSteady
	}
	if err != nil {
		return Result{}, err
	}
	listing := workloads.ListingOf(ops)
	result := Result{Class: class, Replay: time.Since(began), Original: Size{
		Faults: o.Faults, Operations: len(ops), Nodes: t.Plan.Nodes, Events: o.Trace.Events,
		Clients: len(listing.Clients()), Keys: len(listing.Keys()),
		Omissions: t.Plan.Simulation.Omissions(),
	}.with(tally(class, o))}
	limited, cancel = limit.begin(ctx, result)
	defer cancel()
	m := t.minimizer(class, o, listing)
	m.stage = func(name string) {
		limit.move(m.judged.Events)
		if t.Progress != nil {
			t.Progress(Progress{
				name, sizeOf(m.best, m.judged, listing), m.replays, time.Since(began),
			})
		}
	}
	err = m.run(limited)
	result.Complete, result.Steady = err == nil, t.Steady
	if limited.Err() != nil {
		err = ctx.Err()
	}
	if errors.Is(err, ErrNotSteady) {
		return Result{}, err
	}
	result.Plan, result.Replays = m.best, m.replays
	result.Minimal = sizeOf(m.best, m.judged, listing)
	if !result.Complete && !result.Smaller() {
		result.unchanged(t.Plan, o)
		result.Elapsed = time.Since(began)
		return result, err
	}
	t.Plan = m.best
	last, tally, ops, lastErr := t.record(context.WithoutCancel(ctx))
	result.Minimal = sizeOf(m.best, Judgement{
		Events: last.Trace.Events, Tally: tally(class, last),
	}, workloads.ListingOf(ops))
	result.What, result.Trace = sentence(last, class), last.Trace
	result.Elapsed = time.Since(began)
	return result, errors.Join(err, lastErr)
}

// minimizer returns what makes the plan small, whose run came to an outcome.
func (t Shrinking) minimizer(
	class string, o harness.Outcome, listing workloads.Listing,
) *minimizer {
	s := &search{
		oracle: t.oracle(class), best: t.Plan, judged: Judgement{Events: o.Trace.Events}, replays: 1,
		workers: cmp.Or(t.Workers, runtime.GOMAXPROCS(0)),
	}
	m := &minimizer{
		search: s, load: loadOf(listing, t.Plan.Clients), all: listing, pace: quick,
	}
	switch {
	case t.Steady:
		s.oracle, m.pace = steady(s.oracle), slow
	case t.Watch != nil:
		m.watched, s.vary = t.watched(class), lossily
	}
	return m
}

// classOf returns the class of violation to look for, if the outcome has it. It is "" only for a
// run none of whose violations has one.
func classOf(o harness.Outcome, wanted string) (string, error) {
	classes := results.Classes(o.Findings)
	switch {
	case slices.Contains(classes, wanted):
		return wanted, nil
	case wanted == "" && len(classes) > 0:
		return classes[0], nil
	case wanted == "" && slices.ContainsFunc(o.Findings, results.Finding.Violates):
		return "", nil
	case len(classes) == 0:
		return "", ErrNoViolation
	}
	return "", fmt.Errorf("%w by a %q (accepted: one of %q)", ErrNoViolation, wanted, classes)
}

// oracle rehearses plans.
func (t Shrinking) oracle(class string) Oracle {
	return func(ctx context.Context, p plan.Plan) (Judgement, error) {
		o, err := harness.Rehearsal{Plan: p, Start: t.Start}.Run(ctx)
		if err != nil {
			return Judgement{}, err
		}
		_, err = classOf(o, class)
		return Judgement{Violates: err == nil, Events: o.Trace.Events}, nil
	}
}

// watched rehearses plans and counts.
func (t Shrinking) watched(class string) Oracle {
	return func(ctx context.Context, p plan.Plan) (Judgement, error) {
		one := t // several are rehearsed at a time
		one.Plan = p
		o, tally, _, err := one.record(ctx)
		if err != nil {
			return Judgement{}, err
		}
		if _, err = classOf(o, class); err != nil {
			return Judgement{Events: o.Trace.Events}, nil
		}
		return Judgement{
			Violates: true, First: o.Class() == class, Events: o.Trace.Events, Tally: tally(class, o),
		}, nil
	}
}

// Of steadySeeds seeds steadyLeast must violate for a run to count as steady. Every other one of
// them is tried with datagrams that take steadyDelay, as they may between containers.
const (
	steadySeeds, steadyLeast = 8, 7
	steadyDelay              = 2 * time.Millisecond
)

// steady returns the oracle that finds a violation where the other one does with almost any seed.
func steady(oracle Oracle) Oracle {
	return func(ctx context.Context, p plan.Plan) (Judgement, error) {
		judged, err := oracle(ctx, p)
		if err != nil || !judged.Violates {
			return judged, err
		}
		missed := 0
		for number := 1; number < steadySeeds && missed <= steadySeeds-steadyLeast; number++ {
			q := reseeded(p, number)
			if number%2 == 0 {
				q.Simulation.Delay = steadyDelay
			}
			other, err := oracle(ctx, q)
			if err != nil {
				return Judgement{}, err
			}
			if !other.Violates {
				missed++
			}
		}
		judged.Violates = missed <= steadySeeds-steadyLeast
		return judged, nil
	}
}

// loadOf returns what the clients of the load called: not the proof of recovery and final reads.
func loadOf(l workloads.Listing, clients int) workloads.Listing {
	return l.Shortened(func(op workloads.Listed) bool { return op.Client < clients })
}

// sizeOf returns the size of a plan, whose operations are listed or else called.
func sizeOf(p plan.Plan, j Judgement, called workloads.Listing) Size {
	if p.Operations != nil {
		called = p.Operations
	}
	s := Size{
		Faults: len(p.Faults), Operations: len(called), Nodes: p.Nodes, Events: j.Events,
		Clients: len(called.Clients()), Keys: len(called.Keys()),
		Omissions: p.Simulation.Omissions(),
	}.with(j.Tally)
	if len(p.Faults) == 0 {
		drawn, err := p.Schedule()
		if err == nil {
			s.Faults = len(drawn)
		}
	}
	return s
}

// with returns the size with what was counted.
func (s Size) with(t nemesis.Tallied) Size {
	s.Deliveries, s.Crashes, s.Timeouts = t.Deliveries, t.Crashes, t.Timeouts
	return s
}

// withFaults returns the plan with these faults and no others.
func withFaults(p plan.Plan, faults nemesis.Schedule) plan.Plan {
	p.Faults = faults
	if len(faults) == 0 {
		p.Faults, p.Nemesis = nil, []string{nemesis.None}
	}
	return p
}
