package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
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
after a violation; violations are grouped by their class, and of each class the shortest run is
kept in a directory of its own, as "ordeal run" leaves it.

The same seed gives the same tests. Exit codes are those of "ordeal run".`,
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
	case o.seed == 0 && changed("seed"):
		return errors.New("--seed is 0 (accepted: 1 and more)")
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

// campaign runs one campaign, keeps what it found and prints its summary.
func campaign(cmd *cobra.Command, o campaignOptions) error {
	defer debug.SetGCPercent(debug.SetGCPercent(campaignGarbage))
	status := newStatus(cmd.ErrOrStderr(), o.quiet)
	status.title(fmt.Sprintf("ordeal campaign · seed %d · simulator", o.seed))
	c := harness.Campaign{
		Seed: o.seed, Start: startSimulated, Workers: o.workers,
		Time: o.budget, Runs: o.runs, Classes: o.findings,
		Draw:     func(seed uint64) plan.Plan { return plan.Swarm(seed, o.bug) },
		Progress: func(r harness.CampaignReport) { status.campaign(r) },
	}
	report, err := c.Run(cmd.Context())
	status.clear()
	if err != nil && cmd.Context().Err() == nil {
		return err
	}
	kept, failed := keepGroups(cmd.Context(), report, o.results)
	if failed != nil {
		return failed
	}
	if o.json {
		if err := writeJSON(cmd.OutOrStdout(), campaignRecord{report, kept}); err != nil {
			return err
		}
	}
	verdict := report.Verdict()
	if err != nil && verdict != results.Violation {
		verdict = results.Interrupted
	}
	writeCampaign(cmd.ErrOrStderr(), report, kept, o.quiet)
	fmt.Fprintf(cmd.ErrOrStderr(), "%s (exit %d) · seed %d\n", verdict, verdict.ExitCode(), o.seed)
	if verdict == results.Pass {
		return nil
	}
	return verdictError(verdict)
}

// A campaignRecord is what --json prints.
type campaignRecord struct {
	harness.CampaignReport
	// Kept maps the classes of what was found to the directories of their shortest runs.
	Kept map[string]string `json:"kept"`
}

// keepGroups runs the shortest run of each class again, with everything that a run leaves. In the
// simulator it is the same run.
func keepGroups(
	ctx context.Context, report harness.CampaignReport, root string,
) (map[string]string, error) {
	kept := make(map[string]string)
	for _, g := range report.Groups {
		run, directory, err := keep(context.WithoutCancel(ctx), g.Plan, root)
		if err != nil {
			return kept, err
		}
		if run.Trace == nil || *run.Trace != g.Trace {
			return kept, fmt.Errorf("the run with seed %d is not the same the second time: Ordeal "+
				"is wrong (see %s)", g.Plan.Seed, directory.Path(""))
		}
		kept[g.Class] = directory.Path("")
	}
	return kept, nil
}

// keep runs a plan in the simulator into a directory of its own.
func keep(
	ctx context.Context, p plan.Plan, root string,
) (results.Run, results.Directory, error) {
	started := time.Now()
	id := runID(started)
	directory, err := results.Create(root, id)
	if err != nil {
		return results.Run{}, directory, usage(fmt.Errorf("--results: %w", err))
	}
	run, err := harness.Test{
		Plan: p, Directory: directory, Log: slog.New(slog.DiscardHandler), Virtual: true,
		Draw: drawRun,
		Run: results.Run{
			ID: id, Version: version(), Started: started, Command: againCommand(directory, place{}),
		},
		Start: func(context.Context) (harness.Environment, error) { return startSimulated(p) },
	}.Execute(ctx)
	return run, directory, err
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
	if len(r.Groups) > 0 {
		text += fmt.Sprintf(" in %d classes", len(r.Groups))
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
		fmt.Fprintf(w, "  shortest: seed %s, %d events, %s\n", seed, g.Events, kept[g.Class])
	}
	if len(r.Groups) > 0 || !quiet {
		fmt.Fprintln(w)
	}
}
