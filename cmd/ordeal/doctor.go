package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ordeal/docker"
	"ordeal/docker/system"
	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/nemesis"
	"ordeal/results"
)

// A diagnosis is what doctor finds out about this machine, as it prints it with --json.
type diagnosis struct {
	// Able is true when everything is.
	Able   bool          `json:"able"`
	Checks []examination `json:"checks"`
}

// An examination is one line of a diagnosis.
type examination struct {
	// Name is "engine", "containers", "clients" or a kind of fault.
	Name string `json:"name"`
	Able bool   `json:"able"`
	// Detail is what was seen, or why it is not possible.
	Detail string `json:"detail"`
	// Remedy is what would help, "" where nothing is wrong.
	Remedy string `json:"remedy,omitempty"`
}

// remedies say what would help where a trial failed.
var remedies = map[string]string{
	"engine": "start the Docker engine, join the docker group, or set DOCKER_HOST",
	"containers": `see the reason; "ordeal clean" removes what a crash left behind, and the ` +
		"engine's own log says more",
	string(nemesis.Partition): "load nf_tables on the engine's host (modprobe nf_tables), and let " +
		"the engine grant NET_ADMIN to containers",
	string(nemesis.Kill): "let the engine signal containers (an authorization plugin may refuse it)",
	string(nemesis.Stop): "let the engine signal containers (an authorization plugin may refuse it)",
	string(nemesis.Pause): "give the engine the cgroup freezer; a rootless engine needs cgroup v2 " +
		"with delegation",
	"removal":            `run "ordeal clean" when the engine answers`,
	string(nemesis.Wipe): "let the engine run a container on a volume of the run",
}

func doctorCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what this machine can and cannot inject, and why",
		Long: `Find out what this machine can and cannot inject, why, and what would help. Nothing is
guessed: a small cluster is started, each kind of fault is injected into one node and
healed, and what was measured decides. It takes some seconds; nothing but the image is left.

Exit codes: 0 everything can be injected, 2 something cannot, 130 interrupted.`,
		Example: `  ordeal doctor
  ordeal doctor --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status := newStatus(cmd.ErrOrStderr(), asJSON)
			found, err := diagnose(cmd.Context(), status)
			status.clear()
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(cmd.OutOrStdout(), found)
			} else {
				err = found.write(cmd.OutOrStdout())
			}
			if err == nil && !found.Able {
				return verdictError(results.Harness)
			}
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return command
}

// diagnose examines this machine. An error means that it was interrupted; what is wrong with the
// machine, or with the removal of what was started, is in the diagnosis.
func diagnose(ctx context.Context, status *status) (diagnosis, error) {
	found := diagnosis{Able: true}
	engine, err := docker.Connect(ctx)
	if err != nil {
		found.add("engine", err, "")
		return found, ctx.Err()
	}
	defer engine.Close()
	found.add("engine", nil, engine.String())
	status.stage("start a cluster")
	under, err := system.Named(plan.Default().System, "")
	if err != nil {
		return found, err
	}
	began := time.Now()
	cluster, err := engine.Start(ctx, docker.Config{
		RunID:  fmt.Sprintf("doctor-%08x", rand.Uint32()),
		System: under, Nodes: plan.NodesMin, Kinds: nemesis.ContainerKinds(),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		found.add("containers", err, "")
		return found, ctx.Err()
	}
	found.add("containers", nil, fmt.Sprintf("%d nodes served after %d ms",
		plan.NodesMin, time.Since(began).Milliseconds()))
	found.add("clients", nil, cluster.Describe()["clients"])
	status.stage("inject one fault of each kind")
	trials, err := harness.Examine(ctx, cluster)
	for _, t := range trials {
		found.add(string(t.Kind), t.Err, fmt.Sprintf("%s: bites after %d ms, healed after %d ms",
			t.Fault, t.BiteTime.Milliseconds(), t.HealTime.Milliseconds()))
	}
	status.stage("remove the cluster")
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if failed := cluster.Close(clean); failed != nil {
		found.add("removal", failed, "")
	}
	if ctx.Err() == nil && err != nil {
		found.add("trials", err, "")
		err = nil
	}
	return found, err
}

// add adds a line: what was seen, or else what failed.
func (d *diagnosis) add(name string, failure error, seen string) {
	line := examination{Name: name, Able: failure == nil, Detail: seen}
	if failure != nil {
		d.Able = false
		line.Detail = strings.ReplaceAll(failure.Error(), "\n", "; ")
		line.Remedy = remedies[name]
	}
	d.Checks = append(d.Checks, line)
}

// write prints the diagnosis for people.
func (d *diagnosis) write(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range d.Checks {
		able := "yes"
		if !line.Able {
			able = "NO"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", line.Name, able, line.Detail)
		if line.Remedy != "" {
			fmt.Fprintf(table, "\t\tremedy: %s\n", line.Remedy)
		}
	}
	return table.Flush()
}
