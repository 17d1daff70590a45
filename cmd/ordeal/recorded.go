package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"ordeal/docker/system"
	"ordeal/harness/plan"
	"ordeal/results"
	"ordeal/simulation"
)

// A recorded run is one that is to be run again.
type recorded struct {
	run       results.Run
	directory results.Directory
	// plan is the run's, with the faults of its schedule.
	plan      plan.Plan
	simulated bool
	// note says in a line what may keep it from being the same run, "" if nothing is known.
	note string
}

// takesRun makes the command one that is given a recorded run: by its argument, which the shell
// completes, below --results, which it declares. Do is called with it after validate.
func takesRun(
	command *cobra.Command, root *string, validate func() error,
	do func(*cobra.Command, recorded) error,
) {
	command.Args = cobra.ExactArgs(1)
	command.ValidArgsFunction = completeRuns(root)
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if err := validate(); err != nil {
			return usage(err)
		}
		r, err := readRecorded(*root, args[0])
		if err != nil {
			return err
		}
		return do(cmd, r)
	}
	command.Flags().StringVar(root, "results", results.DefaultRoot,
		"find and keep runs below this `directory`")
}

// readRecorded reads the run that name stands for. Every error is a usage mistake, in a line: what
// cannot be read cannot be run again.
func readRecorded(root, name string) (recorded, error) {
	var r recorded
	err := r.read(root, name)
	if err == nil {
		return r, nil
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return r, usage(errors.New(line))
}

func (r *recorded) read(root, name string) (err error) {
	if r.directory, err = results.Find(root, name); err != nil {
		return err
	}
	if r.run, err = r.directory.Load(); err != nil {
		return err
	}
	path := r.directory.Path(results.ScheduleFile)
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the schedule: %w", err)
	}
	defer file.Close()
	if r.plan, err = plan.Read(file, plan.Plan{}); err != nil {
		return fmt.Errorf("read the schedule: %s: %w", path, err)
	}
	if err := r.agree(); err != nil {
		return fmt.Errorf("read the schedule: %s: %w", path, err)
	}
	if err := r.valid(); err != nil {
		return fmt.Errorf("read the run: %s: %w", r.directory.Path(results.RunFile), err)
	}
	where := r.run.Environment["name"]
	r.simulated = r.run.Trace != nil || where == "simulation" ||
		where == "" && strings.HasSuffix(r.run.Command, " --env sim")
	return nil
}

// agree returns an error unless the schedule is that of the record's plan: one that was cut short,
// damaged or edited is not.
func (r *recorded) agree() error {
	resolved := r.run.Plan
	resolved.Faults = r.plan.Faults
	one, err := json.Marshal(resolved)
	if err != nil {
		return err
	}
	other, err := json.Marshal(r.plan)
	if err != nil {
		return err
	}
	listed := len(r.run.Plan.Faults)
	if !bytes.Equal(one, other) || listed > 0 && listed != len(r.plan.Faults) {
		return fmt.Errorf("it is not the schedule of the plan in %s (a scenario that was edited is "+
			"for \"ordeal run --scenario\")", results.RunFile)
	}
	if drawn, err := r.run.Plan.Schedule(); err != nil || !reflect.DeepEqual(drawn, r.plan.Faults) {
		r.note = fmt.Sprintf("note: %s is not what this build makes of the plan: it was edited, or "+
			"another build made it; what stands there counts", results.ScheduleFile)
	}
	return nil
}

// valid returns an error unless the plan can be run.
func (r *recorded) valid() error {
	if err := r.plan.Validate(); err != nil {
		return err
	}
	if _, err := system.Named(r.plan.System, r.plan.Bug); err != nil {
		return err
	}
	if err := simulation.CheckOmissions(r.plan.Simulation); err != nil {
		return err
	}
	_, err := r.plan.NewWorkload()
	return err
}

// classes returns those of the violations that the run was convicted of.
func (r *recorded) classes() []string { return results.Classes(r.run.Findings) }

// slowed returns the plan with the load that the run had in containers, where it had no limit: the
// simulator's clients would call many times as much in the same time.
func (r *recorded) slowed() plan.Plan {
	p := r.plan
	p.FailFast = false
	p.Simulation.Lose, p.Simulation.Mute = nil, nil // containers left nothing out
	if p.Rate == 0 && p.Operations == nil && r.run.Load.Total > 0 {
		p.Rate = max(plan.RateMin, float64(r.run.Load.Total)/p.Time.Seconds())
	}
	return p
}

// tell prints the note.
func (r *recorded) tell(out io.Writer) {
	if r.note != "" {
		fmt.Fprintln(out, r.note)
	}
}
