package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/harness/shrink"
	"ordeal/node/paxos"
	"ordeal/results"
	"ordeal/simulation"
)

// campaignOptions are the flags of campaign.
type campaignOptions struct {
	environment string
	seed        uint64
	bug         string
	budget      time.Duration
	runs        int
	findings    int
	workers     int
	results     string
	json, quiet bool
}

func campaignCommand() *cobra.Command {
	o := campaignOptions{}
	command := &cobra.Command{
		Use:   "campaign",
		Short: "Run many different tests in the simulator, until a budget is spent",
		Long: `Run many different tests in the simulator, on all processors, until a budget of time, runs
or findings is spent. Each is drawn from the seed: nodes, clients, keys, workload, mix, bursts,
delays, losses, and faults, of which most kinds are switched off in most of the tests. It goes on
after a violation; violations are grouped by their class, a run that shows two counts in both, and
of each class the shortest run is kept in a directory of its own, as "ordeal run" leaves it.

The same seed gives the same tests, and what is found in them is the same, unless the time is over
first. Exit codes are those of "ordeal run".`,
		Example: `  ordeal campaign
  ordeal campaign --budget 10m --seed 7
  ordeal campaign --bug stale-ballot-cache --findings 1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(cmd.Flags().Changed); err != nil {
				return usage(err)
			}
			return campaign(cmd, o)
		},
	}
	f := command.Flags()
	f.StringVar(&o.environment, "env", envSim, "where to run: sim (campaigns in containers are not "+
		"there yet)")
	f.Uint64Var(&o.seed, "seed", 0, "the campaign's seed; default: a random one, which is printed")
	f.StringVar(&o.bug, "bug", "", "start every node with this bug of \"ordeal list bugs\"")
	f.DurationVar(&o.budget, "budget", time.Minute, "how long it may take; 0: no limit")
	f.IntVar(&o.runs, "runs", 0, "how many tests to run; 0: no limit")
	f.IntVar(&o.findings, "findings", 0, "end after this many classes of violations; 0: never")
	f.IntVar(&o.workers, "workers", 0, "tests at a time; 0: as many as there are processors")
	f.StringVar(&o.results, "results", results.DefaultRoot, "keep runs below this `directory`")
	f.BoolVar(&o.json, "json", false, "print the report on standard output as JSON")
	f.BoolVar(&o.quiet, "quiet", false, "print only what was found")
	complete(command, "env", func() []string { return []string{envSim} })
	complete(command, "bug", bugNames)
	return command
}

func (o *campaignOptions) validate(changed func(string) bool) error {
	switch {
	case o.environment != envSim && o.environment != envAuto:
		return fmt.Errorf("--env is %q (accepted: sim; campaigns in containers are not there yet)",
			o.environment)
	case o.budget < 0:
		return fmt.Errorf("--budget is %v (accepted: how long, or 0 for no limit)", o.budget)
	case o.runs < 0:
		return fmt.Errorf("--runs is %d (accepted: how many, or 0 for no limit)", o.runs)
	case o.findings < 0:
		return fmt.Errorf("--findings is %d (accepted: how many, or 0 for no limit)", o.findings)
	case o.workers < 0 || o.workers > workersMax:
		return fmt.Errorf("--workers is %d (accepted: 0 to %d)", o.workers, workersMax)
	case o.budget == 0 && o.runs == 0 && o.findings == 0:
		return errors.New("the campaign has no end (accepted: a --budget, --runs or --findings)")
	case changed("seed") && (o.seed < plan.SeedMin || o.seed > plan.SeedMax):
		return fmt.Errorf("--seed is %d (accepted: %d to %d)",
			o.seed, uint64(plan.SeedMin), uint64(plan.SeedMax))
	}
	if _, err := paxos.BugNamed(o.bug); err != nil {
		return err
	}
	if o.seed == 0 {
		o.seed = rand.Uint64N(plan.SeedMax) + plan.SeedMin
	}
	return nil
}

// workersMax bounds how many tests run at a time.
const workersMax = 1024

// campaignGarbage is how much garbage may pile up, in percent of what is alive: worlds are small
// and many, and collecting them at once would take a third of the time.
const campaignGarbage = 800

// startSimulated makes the world of a plan.
func startSimulated(p plan.Plan) (harness.Environment, error) {
	return simulation.Start(simulated(p))
}

// watchSimulated is startSimulated with somebody who counts.
func watchSimulated(p plan.Plan) (harness.Environment, shrink.Tally, error) {
	tally, config := simulation.NewTally(), simulated(p)
	config.Observe = tally.Observe
	env, err := simulation.Start(config)
	return env, tally, err
}

// campaign runs one campaign, keeps what it found and prints its summary. Whatever fails after the
// campaign, what was found is told.
func campaign(cmd *cobra.Command, o campaignOptions) error {
	defer debug.SetGCPercent(debug.SetGCPercent(campaignGarbage))
	if err := results.Creatable(o.results); err != nil {
		return usage(fmt.Errorf("--results: %w", err))
	}
	errs := cmd.ErrOrStderr()
	status := newStatus(errs, o.quiet)
	status.title(fmt.Sprintf("ordeal campaign · seed %d · simulator", o.seed))
	c := harness.Campaign{
		Seed: o.seed, Start: startSimulated, Workers: o.workers,
		Time: o.budget, Runs: o.runs, Classes: o.findings,
		Draw:     func(seed uint64) plan.Plan { return plan.Swarm(seed, o.bug) },
		Progress: func(r harness.CampaignReport) { status.campaign(r) },
	}
	report, interrupted := c.Run(cmd.Context())
	status.clear()
	return telling{o.results, o.json, o.quiet, o.seed}.tell(cmd, report, interrupted)
}

// A telling is how what a campaign found is kept and told.
type telling struct {
	results     string
	json, quiet bool
	seed        uint64
}

// tell keeps what a campaign found, tells of it, and returns how the command ends. The error is
// that of the campaign's interruption.
func (o telling) tell(
	cmd *cobra.Command, report harness.CampaignReport, interrupted error,
) error {
	errs := cmd.ErrOrStderr()
	kept, failures := keepGroups(cmd.Context(), report, o.results)
	verdict := report.Verdict()
	if interrupted != nil {
		verdict = results.Worse(verdict, results.Interrupted)
	}
	writeCampaign(errs, report, kept, o.quiet)
	if interrupted != nil && verdict != results.Interrupted {
		fmt.Fprintln(errs, "interrupted: this is what was found until then")
	}
	if o.json {
		record := campaignRecord{report, kept, failures}
		if err := writeJSON(cmd.OutOrStdout(), record); err != nil {
			failures = append(failures, results.Finding{Verdict: results.Harness, What: err.Error()})
		}
	}
	for _, f := range failures {
		verdict = results.Worse(verdict, f.Verdict)
		fmt.Fprintf(errs, "%s: %s\n", f.Verdict, f.What)
	}
	fmt.Fprintf(errs, "%s (exit %d) · seed %d\n", verdict, verdict.ExitCode(), o.seed)
	return ended(verdict)
}

// A campaignRecord is what --json prints.
type campaignRecord struct {
	harness.CampaignReport
	// Kept maps the classes of what was found to the directories of their shortest runs; before a
	// class that is no violation stands its verdict, as in "inconclusive: not recovered".
	Kept map[string]string `json:"kept"`
	// Failures say what could not be kept.
	Failures []results.Finding `json:"failures,omitempty"`
}

// keptAs is how what was kept of a group is called.
func keptAs(g harness.CampaignGroup) string {
	if g.Verdict == results.Violation {
		return g.Class
	}
	return string(g.Verdict) + ": " + g.Class
}

// keepGroups runs the shortest run of each class again, with everything that a run leaves. In the
// simulator it is the same run. One that is the shortest of several classes is kept once. A plan
// that could not be run to its end leaves nothing to keep.
// What goes wrong with one class keeps nothing from being done for the others.
func keepGroups(
	ctx context.Context, report harness.CampaignReport, root string,
) (kept map[string]string, failures []results.Finding) {
	kept = make(map[string]string)
	directories := make(map[results.Trace]string)
	for _, g := range report.Groups {
		if g.Trace.Hash == "" {
			continue
		}
		if path, known := directories[g.Trace]; known {
			kept[keptAs(g)] = path
			continue
		}
		run, directory, err := keep(context.WithoutCancel(ctx), g.Plan, root)
		switch {
		case err != nil:
			err = fmt.Errorf("the run with seed %d cannot be kept: %w", g.Plan.Seed, err)
		case run.Trace == nil || *run.Trace != g.Trace:
			err = fmt.Errorf("the run with seed %d is not the same the second time: Ordeal "+
				"is wrong (see %s)", g.Plan.Seed, directory.Path(""))
		default:
			kept[keptAs(g)], directories[g.Trace] = directory.Path(""), directory.Path("")
			continue
		}
		failures = append(failures, results.Finding{
			Verdict: results.Harness, Class: g.Class, What: err.Error(),
		})
	}
	return kept, failures
}

// keep runs a plan in the simulator into a directory of its own, and tells nobody.
func keep(
	ctx context.Context, p plan.Plan, root string,
) (results.Run, results.Directory, error) {
	return job{plan: p, results: root, status: newStatus(io.Discard, true)}.execute(ctx)
}

// campaign tells how far a campaign has come.
func (s *status) campaign(r harness.CampaignReport) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.quiet || !s.terminal && time.Since(s.last) < logEvery {
		return
	}
	s.last = time.Now()
	text := fmt.Sprintf("%5.0fs: %d runs, %.1f M events, %d violating",
		r.Elapsed.Seconds(), r.Runs, float64(r.Events)/1e6, r.Violating)
	if classes := r.Violations(); classes > 0 {
		text += fmt.Sprintf(" in %d classes", classes)
	}
	s.line(text)
}

// writeCampaign tells a person what a campaign did and what it found.
func writeCampaign(
	w io.Writer, r harness.CampaignReport, kept map[string]string, quiet bool,
) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if !quiet {
		fmt.Fprintf(table, "runs\t%d, of which %d violate; %d without any success\n",
			r.Runs, r.Violating, r.Idle)
		fmt.Fprintf(table, "in them\t%d operations, %d faults, %d events, %s of virtual time\n",
			r.Operations, r.Faults, r.Events, r.Virtual.Round(time.Second))
		fmt.Fprintf(table, "took\t%s\n", r.Elapsed.Round(10*time.Millisecond))
	}
	_ = table.Flush()
	for _, g := range r.Groups {
		fmt.Fprintf(w, "\n%s: %s: in %d of the runs, the first was run %d, after %.1f s\n",
			g.Verdict, g.Class, g.Count, g.First, g.After.Seconds())
		fmt.Fprintf(w, "  %s\n", g.What)
		seed := fmt.Sprint(g.Plan.Seed)
		if g.Plan.Simulation.Seed != 0 {
			seed += fmt.Sprintf(", of the simulation %d", g.Plan.Simulation.Seed)
		}
		fmt.Fprintf(w, "  shortest: seed %s, %d events, %s\n", seed, g.Events,
			cmp.Or(kept[keptAs(g)], "not kept"))
	}
	if len(r.Groups) > 0 || !quiet {
		fmt.Fprintln(w)
	}
}
