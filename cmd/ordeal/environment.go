package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ordeal/docker"
	"ordeal/docker/system"
	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/nemesis"
	"ordeal/simulation"
)

// The environments that a run can take place in.
const (
	envAuto   = "auto"
	envDocker = "docker"
	envSim    = "sim"
)

var environments = []string{envAuto, envDocker, envSim}

// environmentFlag declares --env.
func environmentFlag(command *cobra.Command, name *string) {
	command.Flags().StringVar(name, "env", envAuto,
		"where to run: docker (containers), sim (the simulator, in virtual time), or auto: docker "+
			"where an engine answers, else sim")
	complete(command, "env", func() []string { return environments })
}

// A place is where a run takes place: containers of an engine, or, without one, the simulator.
type place struct {
	engine *docker.Engine
	// note says in a line why it is not containers, where nobody asked for anything else.
	note string
}

// placeNamed finds the place that --env names. Containers that were asked for and cannot be had are
// an error; so are they with auto where CI is set: a night that was to test containers must not
// quietly test something else.
func placeNamed(ctx context.Context, name string) (place, error) {
	switch name {
	case envSim:
		return place{}, nil
	case envAuto, envDocker:
	default:
		return place{}, usage(fmt.Errorf("--env is %q (accepted: %s)",
			name, strings.Join(environments, ", ")))
	}
	engine, err := docker.Connect(ctx)
	switch {
	case err == nil:
		return place{engine: engine}, nil
	case name == envDocker || !errors.Is(err, docker.ErrNoEngine) || ctx.Err() != nil:
		return place{}, err
	case os.Getenv("CI") != "":
		return place{}, fmt.Errorf("%w; with CI set, containers are not replaced by the "+
			"simulator (want --env sim for that)", err)
	default:
		return place{note: fmt.Sprintf("no containers: %v\n"+
			"running in the simulator instead, in virtual time (--env sim; --env docker insists)",
			err)}, nil
	}
}

func (p place) simulated() bool { return p.engine == nil }

// fits returns a usage error for what makes no sense in the place.
func (p place) fits(options runOptions) error {
	if p.simulated() && options.keep {
		return usage(errors.New("--keep is for containers, and the simulator has none"))
	}
	return nil
}

// tellOmissions says that what a plan lists to be left out is not left out in containers.
func (p place) tellOmissions(out io.Writer, t plan.Plan) {
	if n := t.Simulation.Omissions(); n > 0 && !p.simulated() {
		fmt.Fprintf(out, "note: the scenario lists %d datagrams and timers to be left out, which only "+
			"the simulator can (--env sim): nothing is left out here\n", n)
	}
}

// start returns the function that starts the cluster of a plan there.
func (p place) start(
	t plan.Plan, id string, log *slog.Logger, keep bool, logs string,
) func(context.Context) (harness.Environment, error) {
	if p.simulated() {
		return func(context.Context) (harness.Environment, error) {
			return startSimulated(t)
		}
	}
	return func(ctx context.Context) (harness.Environment, error) {
		under, err := system.Named(t.System, t.Bug)
		if err != nil {
			return nil, err
		}
		schedule, err := t.Schedule()
		if err != nil {
			return nil, err
		}
		cluster, err := p.engine.Start(ctx, docker.Config{
			RunID: id, System: under, Nodes: t.Nodes, Logger: log, Keep: keep, Logs: logs,
			Kinds: kindsOf(schedule),
		})
		if err != nil {
			return nil, err
		}
		return cluster, nil
	}
}

// simulationGarbage is how much garbage may pile up during a run in the simulator, in percent of
// what is alive: that is little, and there is nothing else to wait for than the processor.
const simulationGarbage = 400

// simulated returns the simulation of a plan.
func simulated(p plan.Plan) simulation.Config {
	return simulation.Config{
		Seed: p.SimulationSeed(), Nodes: p.Nodes, Bug: p.Bug, Conditions: p.Simulation, Calm: p.Time,
	}
}

// kindsOf returns the kinds of faults of a schedule, for which a cluster is to be ready. One that
// is to inject nothing need not be able to cut either.
func kindsOf(schedule nemesis.Schedule) []nemesis.Kind {
	if len(schedule) == 0 {
		return []nemesis.Kind{nemesis.Kill}
	}
	return plan.Planned(schedule)
}
