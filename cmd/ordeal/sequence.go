package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
	"ordeal/results/diagram"
	"ordeal/simulation"
)

const (
	// sequenceEventsMax is the length of a run beyond which it draws no diagram of itself: it has to
	// be run once more for that, which takes less than a second for so many events.
	sequenceEventsMax = 200_000
	// sequenceRows is how many happenings a diagram shows if nothing else is asked for.
	sequenceRows = 400
)

// sequenceOptions are the flags of sequence.
type sequenceOptions struct {
	key     string
	all     bool
	rows    int
	svg     string
	results string
}

func sequenceCommand() *cobra.Command {
	var o sequenceOptions
	command := &cobra.Command{
		Use:   "sequence RUN",
		Short: "Draw who told whom what in a run of the simulator",
		Long: `Run the plan of a run in the simulator again, which is the same run, and print a sequence
diagram on standard output: a line for each message that was sent, arrived or was lost, with its
ballot, for what the nodes wrote to their disks, for processes that ended and started, for faults,
and for what the clients asked and were told. A ! stands before what belongs to the violation.

Without --key or --all it shows the key of the first violation, until the last of the operations
that violate has been answered. RUN is a directory, an id below --results, or latest.`,
		Example: `  ordeal sequence latest
  ordeal sequence latest --svg sequence.svg --rows 2000
  ordeal sequence latest --key k1-3`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.rows < 1 || o.rows > diagram.RowsMax {
				return usage(fmt.Errorf("--rows is %d (accepted: 1 to %d)", o.rows, diagram.RowsMax))
			}
			if o.all && o.key != "" {
				return usage(errors.New("--all draws every key, and --key one (accepted: one of them)"))
			}
			return sequence(cmd, args[0], o)
		},
	}
	command.ValidArgsFunction = completeRuns(&o.results)
	f := command.Flags()
	f.StringVar(&o.key, "key", "", "draw what concerns this key, to the end of the run")
	f.BoolVar(&o.all, "all", false, "draw all keys, to the end of the run")
	f.IntVar(&o.rows, "rows", sequenceRows,
		"draw the last so many happenings; by default more if the violation began earlier")
	f.StringVar(&o.svg, "svg", "", "write the diagram as a picture to this `file` as well")
	f.StringVar(&o.results, "results", results.DefaultRoot, "look for runs below this `directory`")
	completeOfRun(command, "key", &o.results, runKeys)
	return command
}

// sequence prints the diagram of one run.
func sequence(cmd *cobra.Command, name string, o sequenceOptions) error {
	directory, err := results.Find(o.results, name)
	if err != nil {
		return usage(err)
	}
	run, err := directory.Load()
	if err != nil {
		return usage(err)
	}
	if run.Trace == nil {
		return usage(fmt.Errorf("%s did not take place in the simulator, or did not come to its end: "+
			"only a simulated run can be run again to be drawn", run.ID))
	}
	s := storyOf(run)
	if o.all || o.key != "" {
		s.options.Key, s.options.Awaited, s.whole, s.asked = o.key, nil, true, o.key != ""
	}
	if cmd.Flags().Changed("rows") {
		s.options.Rows, s.options.Whole = o.rows, false
	}
	d, trace, err := s.draw(cmd.Context(), run)
	if err != nil {
		return err
	}
	if trace != *run.Trace {
		fmt.Fprintf(cmd.ErrOrStderr(), "note: this is not the run that was recorded: its trace is %s "+
			"of %d events, and was %s of %d (this is another build of Ordeal)\n",
			trace.Hash, trace.Events, run.Trace.Hash, run.Trace.Events)
	}
	if o.svg != "" {
		if err := writeSVG(o.svg, d); err != nil {
			return err
		}
	}
	return diagram.Text(cmd.OutOrStdout(), d, 0)
}

func writeSVG(path string, d diagram.Diagram) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return usage(fmt.Errorf("--svg: %w", err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return diagram.SVG(file, d)
}

// drawRun returns the files of a run's diagram, none of a run that is too long.
func drawRun(ctx context.Context, run results.Run) (map[string][]byte, error) {
	if run.Trace == nil || run.Trace.Events > sequenceEventsMax {
		return nil, nil
	}
	d, trace, err := storyOf(run).draw(ctx, run)
	if err != nil {
		return nil, err
	}
	if trace != *run.Trace {
		return nil, fmt.Errorf("the run is not the same when it is run again to be drawn: Ordeal "+
			"is wrong (trace %s, and then %s)", run.Trace.Hash, trace.Hash)
	}
	files := make(map[string][]byte)
	for name, render := range map[string]func(io.Writer) error{
		results.SequencePicture: func(w io.Writer) error { return diagram.SVG(w, d) },
		results.SequenceText:    func(w io.Writer) error { return diagram.Text(w, d, 0) },
	} {
		var b bytes.Buffer
		if err := render(&b); err != nil {
			return nil, err
		}
		files[name] = b.Bytes()
	}
	return files, nil
}

// A story is what a diagram of a run is about.
type story struct {
	options simulation.SequenceOptions
	// whole tells that what comes after the violation is drawn too, asked that somebody has named
	// the key.
	whole, asked bool
	notes        []string
	// late are operations that are part of the violation only by having been called, and returned
	// after the others; began is when the first of all was called.
	late  []int64
	began time.Duration
}

// storyOf returns the story of a run's first violation: its key, and the operations that show it.
func storyOf(run results.Run) story {
	s := story{options: simulation.SequenceOptions{Rows: sequenceRows, Whole: true}}
	for _, f := range run.Findings {
		if f.Verdict == results.Violation {
			s.notes = append(s.notes, f.What)
			break
		}
	}
	e, found := firstExplanation(run.Check)
	if !found {
		return s
	}
	s.options.Key = e.Key
	s.notes = []string{fmt.Sprintf("%s: %s: %s", e.Key, e.Class, e.Sentence)}
	for i, involved := range e.Operations {
		op := involved.Operation
		s.notes = append(s.notes, "! "+involved.Text)
		s.options.Marked = append(s.options.Marked, op.ID)
		switch {
		case op.Outcome != history.OK:
		case involved.Open:
			s.late = append(s.late, op.ID)
		default:
			s.options.Awaited = append(s.options.Awaited, op.ID)
		}
		if i == 0 || involved.CallTime < s.began {
			s.began = involved.CallTime
		}
	}
	return s
}

func firstExplanation(check *results.Check) (e linearizability.Explanation, found bool) {
	switch {
	case check == nil:
	case len(check.Linearizability.Violations) > 0:
		return check.Linearizability.Violations[0], true
	case check.Decisions != nil && len(check.Decisions.Violations) > 0:
		return check.Decisions.Violations[0], true
	}
	return e, false
}

// draw runs the plan again and returns the diagram, and the trace that tells whether it was the
// same run. A violation that no operation shows is looked for first.
func (s story) draw(ctx context.Context, run results.Run) (diagram.Diagram, results.Trace, error) {
	if s.options.Key == "" && !s.whole {
		_, err := observed(ctx, run.Plan, func(h simulation.Happening) {
			if h.Kind == simulation.KindViolation && s.options.Key == "" {
				s.options.Key = h.Message.Key.Name
			}
		})
		if err != nil {
			return diagram.Diagram{}, results.Trace{}, err
		}
		s.options.UntilViolation = s.options.Key != ""
	}
	d, trace, err := s.drawn(ctx, run.Plan)
	if err != nil {
		return diagram.Diagram{}, trace, err
	}
	d.Title = fmt.Sprintf("Ordeal run %s, seed %d", run.ID, run.Plan.Seed)
	if run.Plan.Bug != "" {
		d.Title += ", bug " + run.Plan.Bug
	}
	what := "all keys"
	if s.options.Key != "" {
		what = "what concerns " + s.options.Key
	}
	d.Notes = append(s.notes, fmt.Sprintf("Drawn is %s. A ballot reads round.node.boot: the higher "+
		"wins. What a node tells itself is not drawn; a majority is %d of %d nodes, the node itself "+
		"counts.", what, run.Plan.Nodes/2+1, run.Plan.Nodes))
	return d, trace, nil
}

// drawn runs the plan and returns what its diagram shows: the violation until the last of its
// operations has returned, or, where the first of them would not be on the picture then, until it
// was plain.
func (s story) drawn(ctx context.Context, p plan.Plan) (diagram.Diagram, results.Trace, error) {
	options := s.options
	if len(options.Awaited) > 0 {
		options.Awaited = append(slices.Clone(options.Awaited), s.late...)
	}
	for {
		gathered := simulation.NewSequence(options)
		called := make(map[string]bool)
		trace, err := observed(ctx, p, func(h simulation.Happening) {
			if h.Kind == simulation.KindCall {
				called[h.Operation.Key] = true
			}
			gathered.Observe(h)
		})
		if err == nil && s.asked && !called[options.Key] {
			err = noKey(options.Key, slices.Sorted(maps.Keys(called)))
		}
		if err != nil {
			return diagram.Diagram{}, trace, err
		}
		d := gathered.Diagram()
		tooLong := options.Whole && d.Before > 0 && d.Rows[0] > s.began
		if !tooLong || len(options.Awaited) == len(s.options.Awaited) {
			return d, trace, nil
		}
		options.Awaited = s.options.Awaited
	}
}

// keysNamed is how many keys are named to somebody who asked for one that is not there.
const keysNamed = 5

// noKey is the mistake of asking for a key that the run does not have.
func noKey(key string, keys []string) error {
	named, more := keys, ""
	if len(keys) > keysNamed {
		named, more = keys[:keysNamed], fmt.Sprintf(" and %d more", len(keys)-keysNamed)
	}
	accepted := cmp.Or(strings.Join(named, ", "), "none: nothing was called")
	return usage(fmt.Errorf("the run has no key %q (accepted: %s%s)", key, accepted, more))
}

// observed runs a plan in the simulator, with somebody who watches, and returns its trace.
func observed(
	ctx context.Context, p plan.Plan, observe func(simulation.Happening),
) (results.Trace, error) {
	outcome, err := harness.Rehearsal{
		Plan: p, Start: func(p plan.Plan) (harness.Environment, error) {
			config := simulated(p)
			config.Observe = observe
			return simulation.Start(config)
		},
	}.Run(ctx)
	return outcome.Trace, err
}
