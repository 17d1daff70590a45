package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ordeal/docker/system"
	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/nemesis"
	"ordeal/results"
	"ordeal/simulation"
)

// runOptions are the flags of run that are not part of the plan.
type runOptions struct {
	environment string
	scenario    string
	results     string
	keep        bool
	require     bool
	dryRun      bool
	json        bool
	quiet       bool
}

func runCommand() *cobra.Command {
	var options runOptions
	flags := plan.Default()
	command := &cobra.Command{
		Use:   "run",
		Short: "Run one test: start, drive, break, heal, prove recovery, check, save",
		Long: `Run one test: start a cluster of containers, drive it with concurrent clients, cut its
network and kill, stop, pause and wipe its nodes, heal it, prove that it recovered, judge
the history, and leave everything in a directory below --results.

With --env sim, or where no Docker engine answers, the same nodes, clients and faults run in
virtual time: the same plan and seed are the same run then, bit for bit.`,
		Example: `  ordeal run
  ordeal run --env sim --seed 7
  ordeal run --time 60s --nemesis partition,kill --seed 7
  ordeal run --bug local-read --nemesis isolate-one
  ordeal run --dry-run > scenario.yaml && ordeal run --scenario scenario.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := planOf(cmd, flags, options.scenario)
			if err != nil {
				return usage(err)
			}
			if options.dryRun {
				return dryRun(cmd.OutOrStdout(), p, options.json)
			}
			return run(cmd, p, options)
		},
	}
	planFlags(command, &flags)
	environmentFlag(command, &options.environment)
	f := command.Flags()
	f.StringVar(&options.scenario, "scenario", "",
		"read the plan and its faults from a YAML `file`; other flags override it, and "+
			"--nodes, --nemesis and --interval replace its faults")
	f.StringVar(&options.results, "results", results.DefaultRoot,
		"keep runs below this `directory`")
	f.BoolVar(&options.keep, "keep", false,
		"leave the containers for a look; \"ordeal clean\" removes them, and no other run does")
	f.BoolVar(&options.require, "require", false,
		"fail if this machine cannot inject a kind of fault that is planned, instead of "+
			"skipping it; see \"ordeal doctor\"")
	f.BoolVar(&options.dryRun, "dry-run", false,
		"print the plan and its faults as a scenario, and run nothing")
	f.BoolVar(&options.json, "json", false,
		"print the run's record, or with --dry-run the plan, on standard output as JSON")
	f.BoolVar(&options.quiet, "quiet", false, "print only the verdict and what is wrong")
	return command
}

// planFlags declares the flags that are part of the plan.
func planFlags(command *cobra.Command, p *plan.Plan) {
	f := command.Flags()
	f.Uint64Var(&p.Seed, "seed", 0, "the run's seed; default: a random one, which is printed")
	f.StringVar(&p.System, "system", p.System, "the system under test")
	f.StringVar(&p.Bug, "bug", "", "start every node with this bug of \"ordeal list bugs\"")
	f.StringVar(&p.Workload, "workload", p.Workload, "what the clients try")
	f.StringSliceVar(&p.Nemesis, "nemesis", p.Nemesis,
		"what goes wrong, separated by commas, each with an interval of its own if wanted: kill=5s")
	f.DurationVar(&p.Interval, "interval", p.Interval,
		"mean time between the starts of two faults of one nemesis")
	f.IntVar(&p.Nodes, "nodes", p.Nodes, "nodes of the cluster")
	f.IntVar(&p.Clients, "clients", p.Clients, "concurrent clients")
	f.IntVar(&p.Keys, "keys", p.Keys, "keys in use at once")
	f.IntVar(&p.OpsPerKey, "ops-per-key", p.OpsPerKey,
		"operations after which a key is replaced by a fresh one, and read once more through "+
			"every node; 0: as usual for the workload")
	f.IntVar(&p.Burst, "burst", p.Burst,
		"operations that a client calls before it rests until the next multiple of --idle; 0: no rest")
	f.DurationVar(&p.Idle, "idle", p.Idle, "see --burst")
	f.DurationVar(&p.Time, "time", p.Time, "how long faults are injected, up to 24h")
	f.Float64Var(&p.Rate, "rate", p.Rate, "operations a second; 0: as fast as it goes")
	f.DurationVar(&p.Timeout, "timeout", p.Timeout, "how long a client waits for an operation")
	f.DurationVar(&p.Recovery, "recovery", p.Recovery,
		"how long the healed cluster may take to serve again")
	f.DurationVar(&p.Budget, "budget", p.Budget,
		"how long the check may take, without reading a long record back")
	f.IntVar(&p.Memory, "memory", p.Memory, "how much memory the check may take, in `MiB`")
	f.BoolVar(&p.FailFast, "fail-fast", p.FailFast,
		"end the run at the first violation that is found while it goes on")
	f.StringVar(&p.DataLoss, "data-loss", p.DataLoss,
		"\"expected\" lets more nodes lose their disks than a minority")
	complete(command, "data-loss", func() []string { return []string{plan.DataLossExpected} })
	complete(command, "workload", workloadNames)
	completeSeveral(command, "nemesis", nemesisNames)
	complete(command, "bug", bugNames)
	complete(command, "system", systemNames)
}

// planOf returns the plan that the flags and the scenario describe, valid and with a seed.
func planOf(cmd *cobra.Command, flags plan.Plan, scenario string) (plan.Plan, error) {
	p := flags
	changed := cmd.Flags().Changed
	if scenario != "" {
		var err error
		if p, err = readScenario(cmd, flags, scenario); err != nil {
			return p, err
		}
	}
	if p.Seed == 0 && !changed("seed") {
		chooseSeed(&p)
	}
	if err := p.Validate(); err != nil && scenario != "" {
		return p, fmt.Errorf("--scenario %s: %w", scenario, err)
	} else if err != nil {
		return p, err
	}
	if err := simulation.CheckOmissions(p.Simulation); err != nil {
		return p, fmt.Errorf("--scenario %s: %w", scenario, err)
	}
	if _, err := system.Named(p.System, p.Bug); err != nil {
		return p, err
	}
	_, err := p.NewWorkload()
	return p, err
}

// readScenario returns the plan of a scenario, overridden by the flags that were given, and says
// what they replace.
func readScenario(cmd *cobra.Command, flags plan.Plan, scenario string) (plan.Plan, error) {
	file, err := os.Open(scenario)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("--scenario: %w", err)
	}
	defer file.Close()
	p, err := plan.Read(file, plan.Default())
	if err != nil {
		return p, fmt.Errorf("--scenario %s: %w", scenario, err)
	}
	faults, operations := len(p.Faults), p.Operations
	override(&p, flags, cmd.Flags().Changed)
	if faults > 0 && len(p.Faults) == 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: --nodes, --nemesis and --interval ask for other "+
			"faults: the %d of %s are replaced by drawn ones\n", faults, scenario)
	}
	if operations == nil || p.Operations != nil {
		return p, nil
	}
	// What is left out is named by operations that are not called any more.
	p.Simulation.Lose, p.Simulation.Mute = nil, nil
	also := ""
	if p.Recovery == 0 && !cmd.Flags().Changed("recovery") {
		// Only a list may do without a proof of recovery.
		p.Recovery = flags.Recovery
		also = fmt.Sprintf(", and recovery is %v, as by default", p.Recovery)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "note: the flags ask for other operations: the %d of %s are "+
		"replaced by generated ones%s\n", len(operations), scenario, also)
	return p, nil
}

// seedsMax bounds how many seeds are tried.
const seedsMax = 50

// chooseSeed gives the plan a random seed, one with which each of its nemeses has a turn if there
// is any.
func chooseSeed(p *plan.Plan) {
	for range seedsMax {
		p.Seed = rand.Uint64N(plan.SeedMax) + plan.SeedMin
		if !errors.Is(p.Validate(), nemesis.ErrCrowded) {
			return
		}
	}
}

// override lets the flags that were given win over the scenario. A flag that says which faults to
// draw, or for which cluster, replaces the scenario's list of faults, and one that says what to
// generate its list of operations.
func override(p *plan.Plan, flags plan.Plan, changed func(string) bool) {
	set := map[string]func(){
		"seed": func() { p.Seed = flags.Seed }, "system": func() { p.System = flags.System },
		"bug":      func() { p.Bug = flags.Bug },
		"workload": func() { p.Workload, p.Operations = flags.Workload, nil },
		"nemesis":  func() { p.Nemesis, p.Faults = flags.Nemesis, nil },
		"interval": func() { p.Interval, p.Faults = flags.Interval, nil },
		"nodes": func() {
			// A cut or a kill that was made for one set of nodes is something else in another.
			if p.Nodes != flags.Nodes {
				p.Nodes, p.Faults, p.Operations = flags.Nodes, nil, nil
			}
		},
		"clients":     func() { p.Clients, p.Operations = flags.Clients, nil },
		"keys":        func() { p.Keys, p.Operations = flags.Keys, nil },
		"ops-per-key": func() { p.OpsPerKey, p.Operations = flags.OpsPerKey, nil },
		"time":        func() { p.Time = flags.Time },
		"rate":        func() { p.Rate, p.Operations = flags.Rate, nil },
		"burst":       func() { p.Burst, p.Operations = flags.Burst, nil },
		"idle":        func() { p.Idle, p.Operations = flags.Idle, nil },
		"timeout":     func() { p.Timeout = flags.Timeout },
		"recovery":    func() { p.Recovery = flags.Recovery },
		"budget":      func() { p.Budget = flags.Budget },
		"memory":      func() { p.Memory = flags.Memory },
		"fail-fast":   func() { p.FailFast = flags.FailFast },
		"data-loss":   func() { p.DataLoss = flags.DataLoss },
	}
	for name, apply := range set {
		if changed(name) {
			apply()
		}
	}
}

// dryRun prints the plan with its resolved faults.
func dryRun(out io.Writer, p plan.Plan, asJSON bool) error {
	schedule, err := p.Schedule()
	if err != nil {
		return usage(err)
	}
	p.Faults = schedule
	if asJSON {
		return writeJSON(out, p)
	}
	return plan.Write(out, p)
}

func writeJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// A job is one test that is run into a directory of its own.
type job struct {
	plan          plan.Plan
	where         place
	results       string
	keep, require bool
	status        *status
}

// execute runs the test. The error says why it could not begin.
func (j job) execute(ctx context.Context) (results.Run, results.Directory, error) {
	started := time.Now()
	id := runID(started)
	directory, err := results.Create(j.results, id)
	if err != nil {
		return results.Run{}, directory, usage(fmt.Errorf("--results: %w", err))
	}
	logFile, err := os.Create(directory.Path(results.LogsDir + "/" + results.HarnessLog))
	if err != nil {
		return results.Run{}, directory, err
	}
	defer logFile.Close()
	log := slog.New(slog.NewTextHandler(logFile, nil))
	record := results.Run{
		ID: id, Version: version(), Started: started, Command: againCommand(directory, j.where),
	}
	j.status.title(fmt.Sprintf("ordeal run %s · seed %d\n%s", id, j.plan.Seed, j.plan))
	test := harness.Test{
		Plan: j.plan, Run: record, Directory: directory, Log: log, Keep: j.keep,
		Require:  j.require,
		Search:   searchProcess(),
		Start:    j.where.start(j.plan, id, log, j.keep, directory.LogsPath()),
		Progress: j.status.progress,
		Stage:    j.status.stage,
		Virtual:  j.where.simulated(),
		Draw:     drawRun,
	}
	if j.where.simulated() {
		defer debug.SetGCPercent(debug.SetGCPercent(simulationGarbage))
	}
	finished, err := test.Execute(ctx)
	j.status.clear()
	return finished, directory, err
}

// run executes one test and prints its summary.
func run(cmd *cobra.Command, p plan.Plan, options runOptions) error {
	// Without a place there is no run, and no directory of one.
	where, err := placeNamed(cmd.Context(), options.environment)
	if err == nil {
		err = where.fits(options)
	}
	if err != nil {
		return err
	}
	status := newStatus(cmd.ErrOrStderr(), options.quiet)
	heard := context.AfterFunc(cmd.Context(), status.interrupted)
	defer heard()
	if where.note != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), where.note)
	}
	where.tellOmissions(cmd.ErrOrStderr(), p)
	finished, directory, err := job{
		plan: p, where: where, results: options.results, keep: options.keep,
		require: options.require, status: status,
	}.execute(cmd.Context())
	if err != nil {
		return err
	}
	if options.json {
		err := writeJSON(cmd.OutOrStdout(), finished)
		if err != nil && !errors.Is(err, syscall.EPIPE) {
			finished.Find(results.Finding{
				Verdict: results.Harness, What: fmt.Sprintf("print the record: %v", err),
			})
		}
	}
	results.WriteSummary(cmd.ErrOrStderr(), finished, results.SummaryOptions{
		Directory: directory.Path(""), Color: status.color, Quiet: options.quiet,
	})
	if options.keep {
		fmt.Fprintf(cmd.ErrOrStderr(), "kept: docker ps -a --filter label=ordeal.run=%s\n",
			directory.ID)
	}
	return ended(finished.Verdict)
}

// ended is how a command ends that came to a verdict.
func ended(v results.Verdict) error {
	if v == results.Pass {
		return nil
	}
	return verdictError(v)
}

// runID returns a new id for a run that starts now.
func runID(started time.Time) string {
	return started.UTC().Format("20060102-150405-") + fmt.Sprintf("%04x", rand.Uint32N(1<<16))
}

// againCommand returns the command that runs the same plan with the same faults again.
func againCommand(d results.Directory, where place) string {
	command := "ordeal run --scenario " + quoted(d.Path(results.ScheduleFile))
	if where.simulated() {
		command += " --env sim"
	}
	return command
}

func quoted(path string) string {
	if strings.ContainsAny(path, " '\"$\\") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}
