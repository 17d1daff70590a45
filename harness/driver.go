package harness

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
	"ordeal/workloads"
)

// Times of the loop.
const (
	// flushEvery bounds what a kill of the harness can lose of the history: at most 100 ms.
	flushEvery    = 50 * time.Millisecond
	progressEvery = time.Second
	// faultTimeout is how long an environment may take to inject or heal a fault. It is more than an
	// environment takes to give up by itself, with a better reason.
	faultTimeout = 40 * time.Second
	// stopTimeout is how long a run that ends early waits for its operations and heals.
	stopTimeout = 10 * time.Second
	// answerMargin is how much later than its timeout an operation may be answered.
	answerMargin = 5 * time.Second
	// exitGrace is how long the loop listens, when all is done, for the end of a node that does not
	// answer any more: an environment takes up to a second to tell of it.
	exitGrace = 1500 * time.Millisecond
	// A client that failed waits, twice as long after each further failure.
	backoffMin, backoffMax = 25 * time.Millisecond, 400 * time.Millisecond
)

// A phase of a run.
type phase string

const (
	phaseLoad     phase = "load"
	phaseRecovery phase = "recovery"
	phaseDrain    phase = "drain"
	phaseReads    phase = "final reads"
	phaseLast     phase = "last look"
	phaseDone     phase = "done"
	// phaseStop comes when a run ends early.
	phaseStop phase = "stop"
)

// Progress is a glance at a run, for a status line.
type Progress struct {
	Elapsed  time.Duration
	Phase    string
	OK, Fail int
	Info     int
	// Active are the faults in force, in words.
	Active []string
	// Violation tells of the first violation that was found while the run goes on, "" for none.
	Violation string
}

// A driver is the one loop of a run. All its methods run on one goroutine.
type driver struct {
	env      Environment
	plan     plan.Plan
	schedule nemesis.Schedule
	workload workloads.Workload
	record   *history.Writer
	log      *slog.Logger
	progress func(Progress)

	phase     phase
	began     time.Duration
	clients   []*client
	processes int
	inFlight  int
	counts    results.Operations
	// load counts the operations that were called while the load was on.
	load results.Operations
	// kept are the operations that ended, in that order, as far as they are in memory.
	kept kept
	// watch judges them while the run goes on; violation is the first that was found so, and early
	// tells that it ended the run.
	watch     *watch
	violation *results.EarlyFinding
	early     bool
	// events holds the faults and marks of the record.
	events   []history.Event
	faults   []*fault
	timeIsUp bool
	// listing counts the clients that have listed operations left.
	listing  int
	recovery recovery
	reads    finalReads
	exits    []results.Exit
	// lost holds the nodes that were wiped, or may have been.
	lost map[string]bool
	// stopped and stoppedAt tell where a run was that ended early.
	stopped   phase
	stoppedAt time.Duration
	// over is when the loop ended.
	over time.Duration
	// broken is why the run cannot go on.
	broken error
}

// A client calls one operation after another.
type client struct {
	number   int
	process  int
	failures int
	lastCall time.Duration
	// called counts the operations since its last rest.
	called int
}

// drive runs the loop to its end, or to where a violation ends it early. It returns ctx's error
// when it was interrupted, and another error when Ordeal itself failed; in any case everything that
// happened is in the record.
func (d *driver) drive(ctx context.Context) error {
	d.start()
	for d.phase != phaseDone && d.broken == nil && !d.early {
		if err := d.env.Step(ctx); err != nil {
			return err
		}
	}
	return d.broken
}

// stop ends a run early: no client calls any more, every fault that was begun is healed, and what
// is in flight may end.
func (d *driver) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	d.stopped, d.stoppedAt = d.phase, d.now()
	d.phase = phaseStop
	for _, f := range d.faults {
		if f.injected && !f.finished && f.phase != history.Healing {
			d.heal(f)
		}
	}
	begun := func(f *fault) bool { return f.phase != "" && !f.finished }
	listening := true
	d.env.After(exitGrace, func() { listening = false })
	for listening || d.inFlight > 0 || slices.ContainsFunc(d.faults, begun) {
		if err := d.env.Step(ctx); err != nil {
			d.log.Warn("the run ends with things in flight", "operations", d.inFlight)
			return
		}
	}
}

func (d *driver) start() {
	d.began = d.env.Now()
	d.phase = phaseLoad
	d.lost = make(map[string]bool)
	d.env.OnExit(d.exited)
	d.env.OnFailure(d.failed)
	// Whether the faults were drawn or listed makes no difference to the run.
	listed := d.plan
	listed.Faults = d.schedule
	d.mark(history.MarkStart, "", listed.String())
	d.startClients()
	for _, planned := range d.schedule {
		f := &fault{fault: planned}
		d.faults = append(d.faults, f)
		d.env.After(planned.At, func() { d.inject(f) })
	}
	d.env.After(d.plan.Time, func() {
		d.timeIsUp = true
		d.maybeRecover()
	})
	d.every(flushEvery, func() {
		d.flush()
		d.look()
	})
	d.every(progressEvery, d.report)
}

// startClients lets the clients begin: to call what is listed, or else what is generated.
func (d *driver) startClients() {
	if d.plan.Operations != nil {
		d.startListed()
		return
	}
	for number := range d.plan.Clients {
		c := &client{number: number, process: d.newProcess()}
		d.clients = append(d.clients, c)
		d.env.After(time.Duration(number)*d.period()/time.Duration(d.plan.Clients), func() {
			d.next(c)
		})
	}
}

// every calls f regularly until the run is done.
func (d *driver) every(interval time.Duration, f func()) {
	d.env.After(interval, func() {
		if d.phase == phaseDone {
			return
		}
		f()
		d.every(interval, f)
	})
}

// period is the time between two calls of one client, 0 without a limit.
func (d *driver) period() time.Duration {
	if d.plan.Rate == 0 {
		return 0
	}
	return time.Duration(float64(time.Second) * float64(d.plan.Clients) / d.plan.Rate)
}

// next lets a client call its next operation.
func (d *driver) next(c *client) {
	if !d.loaded() {
		return
	}
	op, ok := d.workload.Next(c.number)
	if !ok {
		return
	}
	c.lastCall = d.env.Now()
	c.called++
	d.call(op, &c.process, func(done history.Operation) {
		d.env.After(d.pause(c, done), func() { d.next(c) })
	})
}

// pause is how long a client waits before its next operation: none, or the rest of its period after
// a success, or the plan's Idle after a burst; after a failure longer and longer, since a dead node
// refuses thousands of calls a second.
func (d *driver) pause(c *client, done history.Operation) time.Duration {
	rest := c.lastCall + d.period() - d.env.Now()
	if d.plan.Burst > 0 && c.called >= d.plan.Burst {
		c.called = 0
		rest = max(rest, d.untilNextBurst())
	}
	if done.Outcome == history.OK {
		c.failures = 0
		return max(rest, 0)
	}
	backoff := min(backoffMin<<min(c.failures, 16), backoffMax)
	c.failures++
	return max(rest, backoff)
}

// call invokes an operation for a process, records both ends of it, and then calls done. A process
// whose operation ends unknown is never used again.
func (d *driver) call(
	op history.Operation, process *int, done func(history.Operation),
) {
	op.Process = *process
	calledIn := d.phase
	op = d.record.Invoke(op, d.now())
	key := d.watch.called(op.Key, d.now())
	d.inFlight++
	d.env.Invoke(op, d.plan.Timeout, func(result history.Result) {
		d.inFlight--
		completed := d.record.Complete(op, result, d.now())
		// First of all it is kept: should anything else panic, nothing is missing from what is judged.
		d.kept.log.add(&completed)
		d.counts.Count(completed)
		d.watch.ended(key, &completed, d.now())
		if calledIn == phaseLoad {
			d.load.Count(completed)
		}
		d.workload.Completed(completed)
		if result.Outcome == history.Info {
			*process = d.newProcess()
		}
		done(completed)
		d.maybeDrained()
	})
}

// untilNextBurst is the time until clients go on after a rest. They rest at the same time, and then
// call at the same time: that is what a burst is.
func (d *driver) untilNextBurst() time.Duration { return d.plan.Idle - d.now()%d.plan.Idle }

func (d *driver) newProcess() int {
	d.processes++
	return d.processes - 1
}

// now is the time since the clients started.
func (d *driver) now() time.Duration { return d.env.Now() - d.began }

// flush hands the record to the operating system, and ends the run if that fails.
func (d *driver) flush() {
	switch err := d.record.Flush(); {
	case err == nil:
		d.kept.handedOver()
	case d.broken == nil:
		d.broken = err
	}
}

func (d *driver) mark(name, node, detail string) {
	d.log.Info(name, "node", node, "detail", detail)
	m := history.Mark{Name: name, Node: node, Detail: detail}
	d.events = append(d.events, history.Event{
		Index: d.record.Next(), Time: d.now(), Type: history.TypeMark, Mark: &m,
	})
	d.record.Mark(m, d.now())
}

// await ends the run as Ordeal's own failure if it is still in a phase after some time: an
// environment that never answers must not hold it up for ever.
func (d *driver) await(p phase, limit time.Duration, what string) {
	d.env.After(limit, func() {
		if d.phase == p && d.broken == nil {
			d.broken = fmt.Errorf("%s: no end after %v, %d operations are not answered",
				what, limit, d.inFlight)
		}
	})
}

// failed ends the run: the environment can do no more.
func (d *driver) failed(err error) {
	d.log.Error("the environment failed", "error", err)
	if d.broken == nil {
		d.broken = err
	}
}

// exited records a node that ended without having been asked to.
func (d *driver) exited(node, detail string, byItself bool) {
	name := history.MarkKilled
	if byItself {
		name = history.MarkExit
	}
	d.exits = append(d.exits,
		results.Exit{Node: node, At: d.now(), Detail: detail, ByItself: byItself})
	d.mark(name, node, detail)
	if byItself {
		d.violated(results.EarlyFinding{At: d.now(), Node: node})
	}
}

// loaded tells whether clients call operations.
func (d *driver) loaded() bool { return d.phase == phaseLoad || d.phase == phaseRecovery }

// look asks the watch whether a key violates. Once the load is over it is too late to learn that
// before the run ends.
func (d *driver) look() {
	if !d.loaded() {
		return
	}
	if key, found := d.watch.look(d.now()); found {
		d.violated(results.EarlyFinding{At: d.now(), Key: key})
	}
}

// violated tells at once of the first violation, and ends the load for it if that is asked for.
// After the load a run takes its course: there is little left to save.
func (d *driver) violated(v results.EarlyFinding) {
	if d.violation != nil {
		return
	}
	d.violation = &v
	d.log.Warn("a violation was found", "what", v.String())
	d.early = d.plan.FailFast && d.loaded()
	d.report()
}

func (d *driver) report() {
	if d.progress == nil {
		return
	}
	p := Progress{
		Elapsed: d.now(), Phase: string(d.phase),
		OK: d.counts.OK, Fail: d.counts.Fail, Info: d.counts.Info,
	}
	for _, f := range d.faults {
		if f.phase == history.Injected || f.phase == history.Healing {
			p.Active = append(p.Active, f.fault.String())
		}
	}
	slices.Sort(p.Active)
	if d.violation != nil {
		p.Violation = d.violation.String()
	}
	d.progress(p)
}
