package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/harness/shrink"
	"ordeal/results"
)

// shrinkOptions are the flags of shrink.
type shrinkOptions struct {
	budget      time.Duration
	class       string
	steady      bool
	containers  int
	results     string
	json, quiet bool
}

func shrinkCommand() *cobra.Command {
	var o shrinkOptions
	command := &cobra.Command{
		Use:   "shrink RUN",
		Short: "Make a run that violates as small as it can be",
		Long: `Make a run that violates, given by its directory, by its id or as "latest", as small as it
can be: the fewest faults and operations, then nodes, nothing random that is not needed, and at
last the fewest deliveries, crashes and timeouts until the violation is there. Each step is verified
in the simulator by the same class of violation; in the end no fault and no operation can be left
out. A run of containers is looked for in the simulator first, as by "ordeal
replay --env sim".

What comes out is kept as a run of its own. Its scenario.yaml is for "ordeal run --scenario", in
both environments; --verify-containers N runs it in containers N times and says how often it
violates. A violation that needs a certain timing is rare there, and the single datagrams and
timers that the scenario lists to be left out are not left out there: --steady, which
--verify-containers implies where it can be had, lists none, and only takes steps after which the
violation is there with almost any timing.

The result is the same for the same run and build, unless the budget runs out first. The exit code
is 0 when there is one, also one that the budget kept from becoming smaller, and 3 when the budget
was over before the run had been replayed once.`,
		Example: `  ordeal shrink latest
  ordeal shrink --class "stale read" 20261123-205935-7e7b
  ordeal shrink --verify-containers 5 latest`,
	}
	takesRun(command, &o.results, func() error { return o.validate() },
		func(cmd *cobra.Command, r recorded) error { return shrinkRun(cmd, r, o) })
	f := command.Flags()
	f.DurationVar(&o.budget, "budget", 2*time.Minute,
		"how long it may take, without --verify-containers")
	f.StringVar(&o.class, "class", "",
		"the class of violation to keep, if the run has several; default: that of the first")
	f.BoolVar(&o.steady, "steady", false, "only take what violates with almost any timing")
	f.IntVar(&o.containers, "verify-containers", 0,
		"run the result so many times in containers; 0: not at all")
	f.BoolVar(&o.json, "json", false, "print what came of it on standard output as JSON")
	f.BoolVar(&o.quiet, "quiet", false, "print only what came of it")
	completeOfRun(command, "class", &o.results, runClasses)
	return command
}

func (o shrinkOptions) validate() error {
	switch {
	case o.budget <= 0:
		return fmt.Errorf("--budget is %v (accepted: more than 0)", o.budget)
	case o.containers < 0 || o.containers > timesMax:
		return fmt.Errorf("--verify-containers is %d (accepted: 0 to %d)", o.containers, timesMax)
	}
	return nil
}

// A shrunk run is what shrink prints with --json.
type shrunk struct {
	// Run is the id of the run that was shrunk, Directory that of the result.
	Run       string `json:"run"`
	Directory string `json:"directory"`
	// Searched is what the search in the simulator came to, for a run of containers.
	Searched *harness.CampaignReport `json:"searched,omitempty"`
	shrink.Result
	// Steady tells that the result violates with almost any timing.
	Steady bool `json:"steady"`
	// Containers is how it did there, if it was asked for.
	Containers *repetition `json:"containers,omitempty"`

	// scenario is the file of its plan, in Directory.
	scenario string
}

// shrinkRun makes a recorded run small.
func shrinkRun(cmd *cobra.Command, r recorded, o shrinkOptions) error {
	defer debug.SetGCPercent(debug.SetGCPercent(campaignGarbage))
	var where place
	if o.containers > 0 {
		var err error
		if where, err = placeNamed(cmd.Context(), envDocker); err != nil {
			return err
		}
	}
	r.tell(cmd.ErrOrStderr())
	began := time.Now()
	status := newStatus(cmd.ErrOrStderr(), o.quiet)
	status.title(fmt.Sprintf("ordeal shrink %s · seed %d\n%s", r.directory.ID, r.plan.Seed, r.plan))
	s := shrunk{Run: r.directory.ID}
	p, err := s.violating(cmd.Context(), r, o, status)
	if err != nil {
		return err
	}
	if s.Class != "" {
		o.class = s.Class
	}
	s.Result, err = shrinkPlan(cmd.Context(), p, o, status, began.Add(o.budget))
	status.clear()
	s.Steady = s.Result.Steady
	switch {
	case errors.Is(err, shrink.ErrNoViolation):
		return usage(fmt.Errorf("run %s: %w", r.directory.ID, err))
	case errors.Is(err, shrink.ErrNotReplayed):
		return notReplayed(r, o.budget)
	}
	if err != nil && cmd.Context().Err() == nil {
		return err
	}
	if s.Plan.Nodes == 0 {
		return errors.New("interrupted before anything was left out")
	}
	if !s.Complete && reflect.DeepEqual(s.Plan, r.plan) {
		s.Directory, s.scenario = r.directory.Path(""), results.ScheduleFile
	} else if err := s.keep(cmd.Context(), o.results); err != nil {
		return err
	}
	if o.containers > 0 && cmd.Context().Err() == nil {
		where.tellOmissions(cmd.ErrOrStderr(), s.Plan)
		s.Containers, err = repeat(cmd.Context(), cmd.ErrOrStderr(), job{
			plan: s.Plan, where: where, results: o.results,
		}, o.containers, true)
		if err != nil {
			return err
		}
	}
	return s.tell(cmd, o)
}

// notReplayed is how shrink ends when its budget was over before anything was known of the run.
func notReplayed(r recorded, budget time.Duration) error {
	size := fmt.Sprintf("%d operations", r.run.Operations.Total)
	if r.run.Trace != nil {
		size += fmt.Sprintf(" (%d events)", r.run.Trace.Events)
	}
	return exitError{
		fmt.Errorf("run %s: nothing was made smaller: --budget %v was over before its %s had been "+
			"replayed once", r.directory.ID, budget, size), results.Inconclusive.ExitCode(),
	}
}

// violating returns the plan of a run of the simulator that is to be shrunk: the recorded one, or
// for one of containers the shortest of those that were found. Half of the budget is for that.
func (s *shrunk) violating(
	ctx context.Context, r recorded, o shrinkOptions, status *status,
) (plan.Plan, error) {
	if r.simulated {
		return r.plan, nil
	}
	enough := enoughClasses
	if o.class != "" {
		enough = 0
		r.run.Findings = []results.Finding{{Verdict: results.Violation, Class: o.class}}
	}
	status.stage("look for the violation in the simulator")
	report, err := timings(ctx, r, status, o.budget/2, 0, enough)
	status.clear()
	if ctx.Err() != nil {
		return plan.Plan{}, verdictError(results.Interrupted)
	}
	if err != nil {
		return plan.Plan{}, err
	}
	s.Searched = &report
	var others []harness.CampaignGroup
	for _, g := range report.Groups {
		if g.Verdict == results.Violation && slices.Contains(r.classes(), g.Class) {
			s.Class = g.Class
			return g.Plan, nil
		}
		if g.Verdict == results.Violation && o.class == "" {
			others = append(others, g)
		}
	}
	if len(others) == 0 {
		return plan.Plan{}, usage(fmt.Errorf("run %s is one of containers, and none of %d timings in "+
			"the simulator violates in that way (try a longer --budget)", r.directory.ID, report.Runs))
	}
	if convicted := r.classes(); len(convicted) > 0 {
		status.note(fmt.Sprintf("note: the simulator shows it as a %q, and the run as a %q",
			others[0].Class, convicted[0]))
	}
	return others[0].Plan, nil
}

// shrinkPlan makes a plan small. Where almost any timing is to violate and does not for the plan
// itself, it is shrunk with its own.
func shrinkPlan(
	ctx context.Context, p plan.Plan, o shrinkOptions, status *status, end time.Time,
) (shrink.Result, error) {
	left := func() time.Duration { return max(time.Until(end), 1) }
	shrinking := shrink.Shrinking{
		Plan: p, Class: o.class, Start: startSimulated, Watch: watchSimulated, Time: left(),
		Steady: o.steady || o.containers > 0, Progress: status.shrinking,
	}
	result, err := shrinking.Run(ctx)
	if errors.Is(err, shrink.ErrNotSteady) && !o.steady {
		shrinking.Steady, shrinking.Time = false, left()
		return shrinking.Run(ctx)
	}
	if errors.Is(err, shrink.ErrNotSteady) {
		err = usage(err)
	}
	return result, err
}

// keep runs the result once more, into a directory of its own, with a scenario that says what it
// is.
func (s *shrunk) keep(ctx context.Context, root string) error {
	run, directory, err := keep(context.WithoutCancel(ctx), s.Plan, root)
	if err != nil {
		return err
	}
	s.Directory, s.scenario = directory.Path(""), scenarioFile
	if run.Trace == nil || *run.Trace != s.Trace {
		return fmt.Errorf("the shrunk run is not the same the second time: Ordeal is wrong (see %s)",
			s.Directory)
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "# Run %s, shrunk to %s.\n# Its violation, a %s:\n#   %s\n# In the simulator, "+
		"every time:\n#   ordeal run --env sim --scenario %s\n", s.Run, s.Minimal, s.Class, s.What,
		scenarioFile)
	if n := s.Minimal.Omissions; n > 0 {
		fmt.Fprintf(&text, "# In containers the %d listed datagrams and timers are not left out.\n", n)
	}
	if err := plan.Write(&text, s.Plan); err != nil {
		return err
	}
	return directory.Write(scenarioFile, text.Bytes())
}

// scenarioFile is the scenario of a shrunk run, in its directory.
const scenarioFile = "scenario.yaml"

// tell prints what came of it.
func (s *shrunk) tell(cmd *cobra.Command, o shrinkOptions) error {
	if o.json {
		if err := writeJSON(cmd.OutOrStdout(), s); err != nil {
			return err
		}
	}
	s.write(cmd.ErrOrStderr(), cmd.Context().Err() != nil)
	if cmd.Context().Err() != nil {
		return verdictError(results.Interrupted)
	}
	return nil
}

// write tells a person.
func (s *shrunk) write(w io.Writer, interrupted bool) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "violation\t%s\n", s.Class)
	fmt.Fprintf(table, "\t%s\n", s.What)
	fmt.Fprintf(table, "original\t%s\n", s.Original)
	fmt.Fprintf(table, "shrunk\t%s\n", s.Minimal)
	fmt.Fprintf(table, "took\t%d replays, %.1f s\n", s.Replays, s.Elapsed.Seconds())
	fmt.Fprintf(table, "scenario\t%s\n", filepath.Join(s.Directory, s.scenario))
	if s.Containers != nil {
		fmt.Fprintf(table, "containers\t%s\n", s.Containers)
	}
	_ = table.Flush()
	switch {
	case s.Complete:
		fmt.Fprintln(w, "no fault and no operation can be left out")
	case interrupted:
		fmt.Fprintln(w, "interrupted: it may become smaller")
	case !s.Smaller():
		fmt.Fprintf(w, "nothing was made smaller: one replay of the run takes %.1f s (want a longer "+
			"--budget)\n", s.Replay.Seconds())
	default:
		fmt.Fprintln(w, "the time was over first: it may become smaller with a longer --budget")
	}
	for i, op := range s.Plan.Operations {
		if i == listedLinesMax {
			fmt.Fprintf(w, "  … and %d more operations\n", len(s.Plan.Operations)-i)
			break
		}
		fmt.Fprintf(w, "  %8.3f s  %s\n", op.At.Seconds(), op)
	}
	for i, f := range s.Plan.Faults {
		if i == listedLinesMax {
			fmt.Fprintf(w, "  … and %d more faults\n", len(s.Plan.Faults)-i)
			break
		}
		fmt.Fprintf(w, "  %8.3f s  %s, until %.3f s\n", f.At.Seconds(), f, f.End().Seconds())
	}
	c := s.Plan.Simulation
	if n := c.Omissions(); n > listedLinesMax {
		fmt.Fprintf(w, "  left out: %d datagrams and %d timers\n", len(c.Lose), len(c.Mute))
		return
	}
	for _, d := range c.Lose {
		fmt.Fprintf(w, "  left out: %s\n", d)
	}
	for _, t := range c.Mute {
		fmt.Fprintf(w, "  left out: the timer %s\n", t)
	}
}

// listedLinesMax bounds how many operations, and faults, are printed of a shrunk run.
const listedLinesMax = 12

// shrinking tells how far a shrinking has come.
func (s *status) shrinking(p shrink.Progress) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.quiet || !s.terminal && time.Since(s.last) < logEvery {
		return
	}
	s.last = time.Now()
	s.line(fmt.Sprintf("%5.1fs %s: %s (%d replays)",
		p.Elapsed.Seconds(), p.Stage, p.Size, p.Replays))
}

// note prints a line that stays.
func (s *status) note(text string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.erase()
	fmt.Fprintln(s.out, text)
}
