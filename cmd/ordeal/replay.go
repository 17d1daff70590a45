package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/results"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	environment string
	times       int
	budget      time.Duration
	runs        int
	results     string
	json, quiet bool
}

func replayCommand() *cobra.Command {
	var o replayOptions
	command := &cobra.Command{
		Use:   "replay RUN",
		Short: "Run a run again: the same operations and the same resolved faults",
		Long: `Run a run again, given by its directory, by its id or as "latest".

A run of the simulator is the same the second time, bit for bit; when its trace is not, another
build of Ordeal made it, and the exit code is 2. A run of containers has the same operations and
the same faults again, and another timing: --times says how often, and what comes out is the rate
of violations with its 95 % interval (Wilson).

With --env sim a run of containers is looked for in the simulator: its operations and faults
with many timings, on all processors, until the violation is found or the budget is spent. The
same run gives the same timing, unless the budget runs out first. What is found is kept as a run of
its own, which is the same every time; "ordeal shrink" makes it small.

The exit code is that of the worst verdict.`,
		Example: `  ordeal replay latest
  ordeal replay --times 20 20261123-205935-7e7b
  ordeal replay --env sim --budget 5m latest`,
	}
	takesRun(command, &o.results, func() error { return o.validate() },
		func(cmd *cobra.Command, r recorded) error { return replay(cmd, r, o) })
	f := command.Flags()
	f.StringVar(&o.environment, "env", "", "where to run: docker or sim; default: where the run was")
	f.IntVar(&o.times, "times", 1, "how often to run it again, in containers")
	f.DurationVar(&o.budget, "budget", time.Minute,
		"how long to look in the simulator for a run of containers; 0: no limit")
	f.IntVar(&o.runs, "runs", 0, "how many timings to try there; 0: no limit")
	f.BoolVar(&o.json, "json", false, "print what came of it on standard output as JSON")
	f.BoolVar(&o.quiet, "quiet", false, "print only the verdict and what is wrong")
	complete(command, "env", func() []string { return []string{envDocker, envSim} })
	return command
}

// timesMax bounds how often a run is run again.
const timesMax = 10_000

func (o replayOptions) validate() error {
	switch {
	case o.environment != "" && o.environment != envDocker && o.environment != envSim:
		return fmt.Errorf("--env is %q (accepted: %s, %s)", o.environment, envDocker, envSim)
	case o.times < 1 || o.times > timesMax:
		return fmt.Errorf("--times is %d (accepted: 1 to %d)", o.times, timesMax)
	}
	return validateSearch(o.budget, o.runs)
}

// validateSearch refuses a search that has no end, or no beginning.
func validateSearch(budget time.Duration, runs int) error {
	switch {
	case budget < 0:
		return fmt.Errorf("--budget is %v (accepted: how long, or 0 for no limit)", budget)
	case runs < 0:
		return fmt.Errorf("--runs is %d (accepted: how many, or 0 for no limit)", runs)
	case budget == 0 && runs == 0:
		return errors.New("the search has no end (accepted: a --budget or --runs)")
	}
	return nil
}

// replay runs a recorded run again, where the options say.
func replay(cmd *cobra.Command, r recorded, o replayOptions) error {
	inSimulator := o.environment == envSim || o.environment == "" && r.simulated
	if inSimulator && o.times > 1 {
		return usage(errors.New("--times is for containers: in the simulator a run is the same " +
			"every time"))
	}
	search := inSimulator && !r.simulated
	r.tell(cmd.ErrOrStderr())
	if changed := cmd.Flags().Changed; !search && (changed("budget") || changed("runs")) {
		return usage(errors.New("--budget and --runs are for a run of containers with --env sim: " +
			"nothing is looked for here"))
	}
	switch {
	case search:
		return searchTimings(cmd, r, o)
	case inSimulator:
		return replaySimulated(cmd, r, o)
	default:
		return replayInContainers(cmd, r, o)
	}
}

// A sameness says whether a run of the simulator is the one that was recorded.
type sameness struct {
	// Trace and History tell whether the two are equal; Recorded and Now are what the traces are.
	Trace    bool          `json:"trace"`
	History  bool          `json:"history"`
	Recorded results.Trace `json:"recorded"`
	Now      results.Trace `json:"now"`
	// RecordedBy and By are the versions of Ordeal.
	RecordedBy string `json:"recordedBy"`
	By         string `json:"by"`
	// Why says why there is nothing to compare, "" if there is.
	Why string `json:"why,omitempty"`
}

// replaySimulated runs a run of the simulator again and compares.
func replaySimulated(cmd *cobra.Command, r recorded, o replayOptions) error {
	status := newStatus(cmd.ErrOrStderr(), o.quiet)
	again, directory, err := job{
		plan: r.plan, results: o.results, status: status,
	}.execute(cmd.Context())
	if err != nil {
		return err
	}
	same, err := compareRuns(r, again, directory)
	if err != nil {
		return err
	}
	if o.json {
		if err := writeJSON(cmd.OutOrStdout(), struct {
			Run  results.Run `json:"run"`
			Same sameness    `json:"same"`
		}{again, same}); err != nil {
			return err
		}
	}
	results.WriteSummary(cmd.ErrOrStderr(), again, results.SummaryOptions{
		Directory: directory.Path(""), Color: status.color, Quiet: o.quiet,
	})
	fmt.Fprintln(cmd.ErrOrStderr(), same)
	if same.Why == "" && (!same.Trace || !same.History) {
		return verdictError(results.Harness)
	}
	return ended(again.Verdict)
}

// wasInterrupted tells whether a run was stopped by hand, also if what it had seen until then
// violates, which is its verdict.
func wasInterrupted(run results.Run) bool {
	return slices.ContainsFunc(run.Findings, func(f results.Finding) bool {
		return f.Verdict == results.Interrupted
	})
}

// compareRuns compares a run with the one that was recorded.
func compareRuns(
	r recorded, again results.Run, directory results.Directory,
) (sameness, error) {
	s := sameness{RecordedBy: r.run.Version, By: again.Version}
	switch {
	case r.run.Trace == nil:
		s.Why = "the record has no trace"
	case r.run.Verdict == results.Unfinished:
		s.Why = "the run was " + string(r.run.Verdict)
	case wasInterrupted(r.run):
		s.Why = "the run was interrupted"
	case again.Trace == nil || wasInterrupted(again):
		s.Why = "it was interrupted"
	}
	if s.Why != "" {
		return s, nil
	}
	s.Recorded, s.Now = *r.run.Trace, *again.Trace
	s.Trace = s.Recorded == s.Now
	one, err := os.ReadFile(directory.Path(results.HistoryFile))
	if err != nil {
		return s, fmt.Errorf("compare the histories: %w", err)
	}
	other, err := os.ReadFile(r.directory.Path(results.HistoryFile))
	s.History = err == nil && bytes.Equal(one, other)
	return s, nil
}

// String says it in a line.
func (s sameness) String() string {
	versions := fmt.Sprintf("recorded by version %s, run again by %s", known(s.RecordedBy),
		known(s.By))
	switch {
	case s.Why != "":
		return "nothing to compare: " + s.Why
	case s.Trace && s.History:
		return fmt.Sprintf("the same run: trace %s, %d events, and the same %s",
			s.Now.Hash, s.Now.Events, results.HistoryFile)
	case s.Trace:
		return fmt.Sprintf("the same trace %s, but not the same %s: %s",
			s.Now.Hash, results.HistoryFile, versions)
	default:
		return fmt.Sprintf("another run: trace %s, %d events; the record has %s, %d events (%s)",
			s.Now.Hash, s.Now.Events, s.Recorded.Hash, s.Recorded.Events, versions)
	}
}

func known(version string) string {
	if version == "" {
		return "unknown"
	}
	return version
}

// A repetition is what came of running a run several times.
type repetition struct {
	// Runs counts those that were begun, Verdicts how they ended. Judged are those that say
	// something: not those that Ordeal failed in or that were stopped.
	Runs      int                     `json:"runs"`
	Judged    int                     `json:"judged"`
	Violating int                     `json:"violating"`
	Verdicts  map[results.Verdict]int `json:"verdicts"`
	// Rate is Violating of Judged, Low and High are the ends of its 95 % interval.
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Directories are those of the runs.
	Directories []string        `json:"directories"`
	Verdict     results.Verdict `json:"verdict"`
}

// add counts a run.
func (r *repetition) add(v results.Verdict, directory string) {
	if r.Verdicts == nil {
		r.Verdicts, r.Verdict = make(map[results.Verdict]int), results.Pass
	}
	r.Runs++
	r.Verdicts[v]++
	r.Directories = append(r.Directories, directory)
	r.Verdict = results.Worse(r.Verdict, v)
	if v != results.Harness && v != results.Interrupted {
		r.Judged++
	}
	if v == results.Violation {
		r.Violating++
	}
	r.Low, r.High = harness.Wilson(r.Violating, r.Judged)
	if r.Judged > 0 {
		r.Rate = float64(r.Violating) / float64(r.Judged)
	}
}

// String says in a line how many violated.
func (r *repetition) String() string {
	return fmt.Sprintf("%d of %d runs violate: %.0f %% (95 %%: %.0f to %.0f %%)",
		r.Violating, r.Judged, 100*r.Rate, 100*r.Low, 100*r.High)
}

// replayInContainers runs it in containers, as often as it was asked for.
func replayInContainers(cmd *cobra.Command, r recorded, o replayOptions) error {
	where, err := placeNamed(cmd.Context(), envDocker)
	if err != nil {
		return err
	}
	where.tellOmissions(cmd.ErrOrStderr(), r.plan)
	j := job{plan: r.plan, where: where, results: o.results}
	all, err := repeat(cmd.Context(), cmd.ErrOrStderr(), j, o.times, o.quiet)
	if err != nil {
		return err
	}
	if o.json {
		if err := writeJSON(cmd.OutOrStdout(), all); err != nil {
			return err
		}
	}
	fmt.Fprintln(cmd.ErrOrStderr(), all)
	return ended(all.Verdict)
}

// repeat runs a test several times, each time into a directory of its own, until it is interrupted.
// Of one it tells all, of several a line on each.
func repeat(
	ctx context.Context, out io.Writer, j job, times int, quiet bool,
) (*repetition, error) {
	all := &repetition{}
	j.status = newStatus(out, quiet || times > 1)
	heard := context.AfterFunc(ctx, j.status.interrupted)
	defer heard()
	for number := 1; number <= times && ctx.Err() == nil; number++ {
		run, directory, err := j.execute(ctx)
		if err != nil {
			return all, err
		}
		all.add(run.Verdict, directory.Path(""))
		if times == 1 {
			results.WriteSummary(out, run, results.SummaryOptions{
				Directory: directory.Path(""), Color: j.status.color, Quiet: quiet,
			})
			continue
		}
		why := ""
		if len(run.Findings) > 0 {
			why = ": " + run.Findings[0].What
		}
		fmt.Fprintf(out, "run %d of %d: %s · %s%s\n", number, times, run.Verdict,
			directory.Path(""), why)
	}
	return all, nil
}
