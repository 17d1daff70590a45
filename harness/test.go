package harness

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"time"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/nemesis"
	"ordeal/results"
	"ordeal/workloads"
)

// collectTimeout bounds the collection of logs, closeTimeout the removal of the environment. Both
// have to end also when the run was interrupted.
const (
	collectTimeout = 30 * time.Second
	closeTimeout   = 60 * time.Second
	// interruptedLimit bounds what is done with the record of a run that was interrupted.
	interruptedLimit = time.Minute
)

// A Test is one test to run.
type Test struct {
	Plan plan.Plan
	// Run is the record to be completed; its identity and origin are set.
	Run       results.Run
	Directory results.Directory
	Log       *slog.Logger
	// Start makes the environment. It is called once, and cleans up after itself when it fails.
	Start func(context.Context) (Environment, error)
	// Progress is called about every second, from the loop; it may be nil.
	Progress func(Progress)
	// Stage is told in a few words what comes next; it may be nil.
	Stage func(string)
	// Search is the command of another process for searches that take long, see Budget; it may be
	// nil.
	Search func(context.Context) *exec.Cmd
	// Draw returns pictures of a run that violates, by the names of their files in the run's
	// directory; it may be nil, and return none.
	Draw func(context.Context, results.Run) (map[string][]byte, error)
	// Keep leaves the environment as it is at the end.
	Keep bool
	// Virtual tells that time in the environment is virtual. Then the loop itself judges keys while
	// the run goes on, and waits meanwhile, instead of a goroutine beside it, so that a run with the
	// plan's FailFast is the same every time; and the history names no more than the plan.
	Virtual bool
	// illegal, if it is set, judges the batches in place of batch.illegal, and keptMost stands for
	// keptMax: they are for tests.
	illegal  func(context.Context, batch) ([]string, error)
	keptMost int
	// Require makes it a failure that a planned kind of fault cannot be injected in the
	// environment; the run does not begin then. Otherwise such faults are skipped.
	Require bool
}

// Execute takes a test from plan to verdict and leaves everything in the run's directory. When ctx
// is done the run ends early: everything is healed and removed, and what was recorded is judged. An
// error means that the run could not begin.
func (t Test) Execute(ctx context.Context) (results.Run, error) {
	run := t.Run
	run.Format, run.Plan = results.FormatVersion, t.Plan
	run.Findings, run.Faults = []results.Finding{}, []results.Fault{}
	run.Verdict, run.ExitCode = results.Unfinished, results.Unfinished.ExitCode()
	schedule, err := t.Plan.Schedule()
	if err != nil {
		return run, err
	}
	if err := t.prepare(run, schedule); err != nil {
		return run, err
	}
	began := time.Now()
	run.Verdict, run.ExitCode = results.Pass, results.Pass.ExitCode()
	observed, err := t.observe(ctx, &run, schedule)
	if err != nil {
		findEach(&run, err)
	}
	t.saveUnfinished(run)
	t.stage(&run, "check the history")
	judging, enough := t.afterwards(ctx)
	t.judge(judging, &run, observed)
	enough()
	if err := observed.close(); err != nil {
		findEach(&run, err)
	}
	t.draw(ctx, &run)
	if ctx.Err() != nil && run.Verdict != results.Interrupted {
		run.Find(results.Finding{Verdict: results.Interrupted, What: "the run was stopped by hand"})
	}
	run.Finished = time.Now()
	run.Elapsed = run.Finished.Sub(began)
	t.save(&run)
	return run, nil
}

// findEach adds a finding for each of the errors that were joined, each in a line. What an
// interruption brought about is one; the rest is Ordeal's own failure.
func findEach(run *results.Run, err error) {
	// An error that merely wraps several, in one sentence, is another thing.
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		all := several.Unwrap()
		if err.Error() == errors.Join(all...).Error() {
			for _, one := range all {
				findEach(run, one)
			}
			return
		}
	}
	verdict := results.Harness
	if errors.Is(err, context.Canceled) {
		verdict = results.Interrupted
	}
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	run.Find(results.Finding{Verdict: verdict, What: text})
}

// saveUnfinished keeps what is known before something that takes long: if this is killed for its
// memory, say, the rest of the record must not go with it.
func (t Test) saveUnfinished(run results.Run) {
	run.Verdict, run.ExitCode = results.Unfinished, results.Unfinished.ExitCode()
	t.save(&run)
}

// errNoMoreTime is why what is left of a run that was interrupted is given up.
var errNoMoreTime = fmt.Errorf(
	"%w: the time after the interruption is over (ordeal check judges the history)",
	context.Canceled)

// afterwards returns the context for what is done with the record when the run is over: the run's,
// so that an interruption ends it; or after an interruption, which ended the run, one that is done
// some time later: nobody waits for long who has pressed Ctrl-C.
func (t Test) afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Err() == nil {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(context.WithoutCancel(ctx),
		min(t.Plan.Budget, interruptedLimit), errNoMoreTime)
}

// save keeps the record. That it cannot be kept is a finding like others: it masks no worse one.
func (t Test) save(run *results.Run) {
	if err := t.Directory.Save(*run); err != nil {
		run.Find(results.Finding{Verdict: results.Harness, What: err.Error()})
	}
}

// prepare writes what is known before the run: if it is killed, this remains.
func (t Test) prepare(run results.Run, schedule nemesis.Schedule) error {
	if err := t.Directory.Save(run); err != nil {
		return err
	}
	resolved := t.Plan
	resolved.Faults = schedule
	var text bytes.Buffer
	if err := plan.Write(&text, resolved); err != nil {
		return err
	}
	return t.Directory.Write(results.ScheduleFile, text.Bytes())
}

// observed is what a run has seen, to be judged.
type observed struct {
	// operations are those of the run; keys says how many each key has where they do not fit in
	// memory. Both are nil if they could not be read back.
	operations source
	keys       *census
	// file is the record, which is read for the operations; nil if there is none.
	file *os.File
	// events are the faults and marks of the record.
	events   []history.Event
	schedule nemesis.Schedule
	workload workloads.Workload
	// violation is what was found while the run went on; nil if nothing was.
	violation *results.EarlyFinding
	// began tells that the clients ran; completed that the run came to its end.
	began, completed bool
}

// close ends the use of the record.
func (seen observed) close() error {
	if seen.file == nil {
		return nil
	}
	return seen.file.Close()
}

// observe starts the environment, drives it, collects the logs and removes it again. A failure of
// the later steps is a finding and does not keep what was recorded from being judged. What is
// returned has to be closed, also with an error.
func (t Test) observe(
	ctx context.Context, run *results.Run, schedule nemesis.Schedule,
) (seen observed, err error) {
	workload, err := t.Plan.NewWorkload()
	if err != nil {
		return seen, err
	}
	seen.workload, seen.schedule = workload, schedule
	model, err := linearizability.ModelNamed(workload.Model())
	if err != nil {
		return seen, err
	}
	seen.file, err = os.Create(t.Directory.Path(results.HistoryFile))
	if err != nil {
		return seen, fmt.Errorf("create the history: %w", err)
	}
	record := history.NewWriter(seen.file, history.Header{
		Run: t.recordName(run.ID), Workload: t.Plan.Workload, Model: workload.Model(),
		Seed: t.Plan.Seed,
	})
	if err := record.Sync(); err != nil {
		return seen, err
	}
	t.stage(run, "start the cluster")
	env, err := t.Start(ctx)
	if err != nil {
		return seen, err
	}
	if err := t.required(env, schedule); err != nil {
		return seen, errors.Join(err, t.wrapUp(run, env))
	}
	d := &driver{
		env: env, plan: t.Plan, schedule: schedule, workload: workload, record: record,
		log: t.Log, progress: t.Progress, kept: kept{most: cmp.Or(t.keptMost, keptMax)},
	}
	d.watch = t.newWatch(ctx, model, d)
	seen.began = true
	run.Environment = env.Describe()
	t.stage(run, "run")
	err = t.driveAndStop(ctx, d)
	d.over = d.now()
	seen.completed, seen.violation = err == nil && !d.early, d.violation
	if ctx.Err() != nil && !d.early {
		// What had failed before, or fails while the run is stopped, is said as well.
		if errors.Is(err, context.Canceled) {
			err = d.broken
		}
		run.Find(results.Finding{Verdict: results.Interrupted, What: fmt.Sprintf(
			"stopped by hand during the %s, at %s", d.stopped, seconds(d.stoppedAt))})
	}
	seen.events = d.events
	testify(run, env)
	if synced := record.Sync(); !errors.Is(err, synced) {
		err = errors.Join(err, synced)
	}
	// The cluster goes first: to read a long record back takes a while.
	err = errors.Join(err, t.wrapUp(run, env))
	return seen, errors.Join(err, t.readBack(ctx, run, d, &seen))
}

// readBack puts what the run did into the record, and has its operations ready to be judged.
func (t Test) readBack(ctx context.Context, run *results.Run, d *driver, seen *observed) error {
	seen.operations, seen.keys = d.operations(seen.file)
	if seen.keys != nil {
		t.saveUnfinished(*run)
		t.stage(run, "read the record back")
	}
	reading, enough := t.afterwards(ctx)
	defer enough()
	err := d.summarise(reading, run, seen.operations, seen.keys)
	if err != nil {
		seen.operations, seen.keys = nil, nil
	}
	return err
}

// recordName is how the history calls its run. In virtual time it is a function of the plan, as
// everything in it is.
func (t Test) recordName(id string) string {
	if t.Virtual {
		return fmt.Sprintf("simulation-%d", t.Plan.Seed)
	}
	return id
}

// operations returns the operations of the run, and how many each key has if that has to be
// counted.
func (d *driver) operations(file io.ReaderAt) (source, *census) {
	pending := d.record.Pending()
	rest := d.kept.log.all(pending)
	if !d.kept.part {
		return inMemory(rest), nil
	}
	return onDisk{
		file: file, name: results.HistoryFile, rest: rest, count: d.counts.Total + len(pending),
	}, newCensus()
}

// newWatch returns the watch of a run, which has to be closed.
func (t Test) newWatch(ctx context.Context, model linearizability.Model, d *driver) *watch {
	illegal := t.illegal
	if illegal == nil {
		illegal = func(ctx context.Context, b batch) ([]string, error) {
			return b.illegal(ctx, model)
		}
	}
	return newWatch(ctx, illegal, d.record.Pending, t.Log, t.Virtual)
}

// required returns an error for the first kind of fault that is planned and cannot be injected, if
// that is asked for.
func (t Test) required(env Environment, schedule nemesis.Schedule) error {
	if !t.Require {
		return nil
	}
	for _, kind := range plan.Planned(schedule) {
		if err := env.Unable(kind); err != nil {
			return fmt.Errorf("a %s is required: %w", kind, err)
		}
	}
	return nil
}

// driveAndStop runs the loop, and ends it in order when it ends early. A panic in it is Ordeal's
// own failure, and keeps nothing of what follows from being done.
//
// A violation ends a run as an interruption does, without a proof of recovery and final reads:
// nothing that these could show changes the verdict, a system that violates may never recover, and
// what its nodes logged and hold is looked at best as it was then.
func (t Test) driveAndStop(ctx context.Context, d *driver) (err error) {
	defer d.watch.close()
	defer func() {
		if reason := recover(); reason != nil {
			t.Log.Error("the loop panicked", "reason", reason, "stack", string(debug.Stack()))
			err = fmt.Errorf("the loop panicked: %v (the stack is in %s)",
				reason, results.HarnessLog)
		}
	}()
	if err = d.drive(ctx); err != nil {
		d.stop(ctx)
	} else if d.early {
		d.stop(ctx)
		err = d.broken
	}
	return err
}

// wrapUp collects the logs and removes the environment, in time of its own: the run's may be over.
func (t Test) wrapUp(run *results.Run, env Environment) error {
	t.stage(run, "collect the logs")
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	err := env.CollectLogs(ctx, t.Directory.LogsPath())
	cancel()
	if err != nil {
		err = fmt.Errorf("collect the logs: %w", err)
	}
	if t.Keep {
		return err
	}
	t.stage(run, "remove the cluster")
	ctx, cancel = context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if failed := env.Close(ctx); failed != nil {
		err = errors.Join(err, fmt.Errorf("remove the cluster: %w", failed))
	}
	return err
}

// stage notes in the record what comes next, and tells of it.
func (t Test) stage(run *results.Run, text string) {
	run.Stages = append(run.Stages, results.Stage{Name: text, After: time.Since(run.Started)})
	t.Log.Info(text)
	if t.Stage != nil {
		t.Stage(text)
	}
}

// summarise puts what the driver saw into the record.
func (d *driver) summarise(
	ctx context.Context, run *results.Run, operations source, keys *census,
) error {
	run.Operations, run.Load = d.counts, d.load
	run.Windows = d.windows(d.over)
	run.Spans = d.spans(run.Windows)
	err := d.tallied(ctx, run.Windows, run.Spans, operations, keys)
	run.Faults = d.faultResults()
	run.Recovery = d.recovery.result
	run.FinalReads = d.reads.result
	run.Exits = d.exits
	if d.early {
		run.EndedEarly = d.violation
	}
	for _, op := range d.record.Pending() {
		run.Operations.Count(op)
	}
	return err
}
