package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/node/paxos"
	"ordeal/results"
)

// bugsOptions are the flags of bugs.
type bugsOptions struct {
	bugs       []string
	strategies []string
	seeds      int
	runs       int
	workers    int
	json       bool
	markdown   bool
	quiet      bool
}

// controlName is how the rows without a bug are called.
const controlName = "none"

func bugsCommand() *cobra.Command {
	o := bugsOptions{}
	command := &cobra.Command{
		Use:   "bugs",
		Short: "Measure how soon campaigns find each planted bug, and that they find nothing else",
		Long: `Measure how soon campaigns in the simulator find each bug of the catalogue, without being
told which it is, by each strategy and from several seeds: the detection matrix. Rows without a
bug are controls: what is found there is a false alarm.

For each cell it prints how many of the campaigns found a violation, and the medians and the worst
of the runs, simulated events and time that it took. Runs and events are the same every time.

That Ordeal fails or has no answer is no detection, and stands behind the classes.

Exit codes: 0 all found and no false alarm, 1 a false alarm, 2 Ordeal failed, 3 a bug that some
campaign did not find within --runs or a run without an answer, 130 interrupted.`,
		Example: `  ordeal bugs --seeds 3 --strategy mixed
  ordeal bugs --bug livelock,redecide
  ordeal bugs --markdown > matrix.md`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := o.matrix()
			if err != nil {
				return usage(err)
			}
			return bugs(cmd, o, m)
		},
	}
	f := command.Flags()
	f.StringSliceVar(&o.bugs, "bug", nil,
		"the rows, separated by commas; \"none\" is the control; default: all")
	f.StringSliceVar(&o.strategies, "strategy", nil,
		"how plans order what is under way: "+strings.Join(strategyNames(), ", ")+"; default: all")
	f.IntVar(&o.seeds, "seeds", 20, "campaigns for each cell")
	f.IntVar(&o.runs, "runs", 5000, "after how many runs a campaign gives up")
	f.IntVar(&o.workers, "workers", 0, "campaigns at a time; 0: as many as there are processors")
	f.BoolVar(&o.json, "json", false, "print the matrix on standard output as JSON")
	f.BoolVar(&o.markdown, "markdown", false, "print it as a Markdown table")
	f.BoolVar(&o.quiet, "quiet", false, "print no progress")
	completeSeveral(command, "bug", func() []string { return append(bugNames(), controlName) })
	completeSeveral(command, "strategy", strategyNames)
	return command
}

func strategyNames() []string {
	var names []string
	for _, s := range plan.Strategies() {
		names = append(names, string(s))
	}
	return names
}

// matrix returns what the flags ask for.
func (o bugsOptions) matrix() (harness.Matrix, error) {
	m := harness.Matrix{
		Seeds: o.seeds, RunsMax: o.runs, Workers: o.workers, Start: startSimulated,
	}
	if o.json && o.markdown {
		return m, errors.New("--json and --markdown are two forms of one thing (accepted: one)")
	}
	if o.seeds < 1 || o.runs < 1 || o.workers < 0 || o.workers > workersMax {
		return m, fmt.Errorf("--seeds %d, --runs %d, --workers %d (accepted: from 1, from 1, "+
			"0 to %d)", o.seeds, o.runs, o.workers, workersMax)
	}
	for _, name := range o.bugs {
		if name == controlName {
			name = ""
		}
		if _, err := paxos.BugNamed(name); err != nil {
			return m, fmt.Errorf("--bug: %w, %s", err, controlName)
		}
		m.Bugs = append(m.Bugs, name)
	}
	if len(o.bugs) == 0 {
		m.Bugs = append(bugNames(), "")
	}
	for _, name := range o.strategies {
		if !slices.Contains(strategyNames(), name) {
			return m, fmt.Errorf("--strategy %q is unknown (accepted: %s)",
				name, strings.Join(strategyNames(), ", "))
		}
		m.Strategies = append(m.Strategies, plan.Strategy(name))
	}
	if len(o.strategies) == 0 {
		m.Strategies = plan.Strategies()
	}
	return m, nil
}

// bugs fills the matrix and prints it.
func bugs(cmd *cobra.Command, o bugsOptions, m harness.Matrix) error {
	defer debug.SetGCPercent(debug.SetGCPercent(campaignGarbage))
	errs := cmd.ErrOrStderr()
	if !o.quiet {
		m.Progress = func(c harness.MatrixCell, done, of int) {
			fmt.Fprintf(errs, "%d of %d: %s by %s: found by %d of %d\n",
				done, of, rowName(c.Bug), c.Strategy, c.Found, c.Seeds)
		}
	}
	cells, err := m.Run(cmd.Context())
	if cmd.Context().Err() != nil {
		return errors.New("interrupted before the matrix was full")
	}
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	switch {
	case o.json:
		err = writeJSON(out, cells)
	case o.markdown:
		writeMatrix(out, cells, "| ", " | ", " |\n", true)
	default:
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		writeMatrix(table, cells, "", "\t", "\n", false)
		err = table.Flush()
	}
	if err != nil {
		return err
	}
	return verdictOfMatrix(cells)
}

// verdictOfMatrix is how the command ends: the worst of its cells.
func verdictOfMatrix(cells []harness.MatrixCell) error {
	verdict := results.Pass
	for _, c := range cells {
		switch {
		case c.Bug == "" && c.Found > 0:
			return verdictError(results.Violation)
		case c.Bug != "" && c.Found < c.Seeds:
			verdict = results.Worse(verdict, results.Inconclusive)
		}
		// That a run has no verdict is bad news of correct nodes only: a planted mistake may slow a
		// recovery down.
		if len(c.Others) > 0 && (c.Bug == "" || c.Worst != results.Inconclusive) {
			verdict = results.Worse(verdict, c.Worst)
		}
	}
	return ended(verdict)
}

func rowName(bug string) string {
	if bug == "" {
		return controlName
	}
	return bug
}

// writeMatrix writes a row a cell.
func writeMatrix(
	w io.Writer, cells []harness.MatrixCell, begin, between, end string, ruled bool,
) {
	row := func(columns ...string) {
		fmt.Fprint(w, begin, strings.Join(columns, between), end)
	}
	row("bug", "strategy", "found", "runs", "worst", "events", "worst", "time", "worst", "as")
	if ruled {
		row("---", "---", "---", "---", "---", "---", "---", "---", "---", "---")
	}
	for _, c := range cells {
		found := fmt.Sprintf("%d of %d", c.Found, c.Seeds)
		if c.Found == 0 {
			row(rowName(c.Bug), string(c.Strategy), found, fmt.Sprintf("none in %d", c.AllRuns), "",
				fmt.Sprintf("none in %d", c.AllEvents), "", "", "", classesOf(c))
			continue
		}
		row(rowName(c.Bug), string(c.Strategy), found, fmt.Sprint(c.Runs), fmt.Sprint(c.RunsMost),
			fmt.Sprint(c.Events), fmt.Sprint(c.EventsMost), quick(c.Time), quick(c.TimeMost),
			classesOf(c))
	}
}

// quick writes a time for a table.
func quick(d time.Duration) string { return d.Round(time.Millisecond).String() }

// classesOf names what was found, violations first, the most frequent first.
func classesOf(c harness.MatrixCell) string {
	var words []string
	for _, classes := range []map[string]int{c.Classes, c.Others} {
		names := slices.SortedFunc(maps.Keys(classes), func(a, b string) int {
			return cmp.Or(classes[b]-classes[a], strings.Compare(a, b))
		})
		for _, name := range names {
			words = append(words, fmt.Sprintf("%s (%d)", name, classes[name]))
		}
	}
	return strings.Join(words, ", ")
}
