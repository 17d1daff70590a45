package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/history/jepsen"
	"ordeal/results"
)

// A checked is what check found out about one history, as it prints it with --json.
type checked struct {
	File string `json:"file"`
	// Format is how the file is written: "ordeal", "jepsen" or "porcupine".
	Format string `json:"format"`
	// Cut says where a history was cut short, "" if it was not.
	Cut string `json:"cut,omitempty"`
	// Ended tells whether the record comes to its end: that of a run that was killed or stopped
	// does not, and lacks the final reads. The formats of others do not say it.
	Ended *bool `json:"ended,omitempty"`
	// NilReads counts the reads of a history of Jepsen's that were told nil and are left out.
	NilReads   int                `json:"nilReads,omitempty"`
	Verdict    results.Verdict    `json:"verdict"`
	Operations results.Operations `json:"operations"`
	Findings   []results.Finding  `json:"findings"`
	Check      *results.Check     `json:"check"`
}

// The formats beside those of package jepsen.
const (
	formatAuto   = "auto"
	formatOrdeal = "ordeal"
)

func checkFormats() []string {
	return []string{formatAuto, formatOrdeal, string(jepsen.EDN), string(jepsen.Log)}
}

// modelAliases are what others call our models.
var modelAliases = map[string]string{"cas-register": "register"}

func checkModels() []string { return []string{"register", "cas-register", "decision"} }

// historyEndings are those of the files in a folder that are histories.
var historyEndings = []string{".jsonl", ".jsonl.gz", ".edn", ".edn.gz", ".log"}

// A checker judges files as the flags say.
type checker struct {
	root, model, format string
	initial             history.Value
	budget              harness.Budget
	out                 io.Writer
	// largeFrom is the size of files, in bytes, that are not held in memory.
	largeFrom int64
}

func checkCommand() *cobra.Command {
	c := checker{largeFrom: largeFrom}
	var budget time.Duration
	var memory int
	var initial string
	var asJSON bool
	command := &cobra.Command{
		Use:   "check FILE|FOLDER|RUN ...",
		Short: "Judge recorded histories, also those of others",
		Long: `Judge recorded histories: files, compressed by gzip or not, also such as a crash cut
short; folders, of which every history is judged; or runs, by directory, by id or as "latest".

Besides Ordeal's own JSON Lines it reads histories of registers that Jepsen and Knossos wrote
in EDN, and the logs of etcd that porcupine is published with. docs/import.md says how.

The exit code is that of the worst verdict: 0 pass, 1 violation, 2 a node was ended from
outside, 3 inconclusive, 4 no operations, 130 interrupted; 64 if a file could not be read and
the others do not violate.`,
		Example: `  ordeal check latest
  ordeal check results/runs/*/history.jsonl
  ordeal check --json history.jsonl.gz
  ordeal check --initial 0 knossos/data/cas-register`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if budget <= 0 {
				return usage(fmt.Errorf("--budget is %v (accepted: more than 0)", budget))
			}
			if memory < plan.MemoryMin || memory > plan.MemoryMax {
				return usage(fmt.Errorf("--memory is %d (accepted: %d to %d)",
					memory, plan.MemoryMin, plan.MemoryMax))
			}
			if err := c.imports(cmd.Flags().Changed("initial"), initial); err != nil {
				return usage(err)
			}
			c.budget = harness.Budget{
				Time: budget, MemoryBytes: int64(memory) << 20, Search: searchProcess(),
			}
			c.out = cmd.ErrOrStderr()
			return c.run(cmd.Context(), args, asJSON, cmd.OutOrStdout())
		},
	}
	command.ValidArgsFunction = completeRuns(&c.root)
	f := command.Flags()
	f.StringVar(&c.model, "model", "", "judge by this model: register (which others call "+
		"cas-register) or decision; default: what the history says")
	f.StringVar(&c.format, "format", formatAuto,
		"how the histories are written: "+strings.Join(checkFormats(), ", "))
	f.StringVar(&initial, "initial", "",
		"what every register of a history in EDN holds at first, such as 0; default: nothing")
	f.DurationVar(&budget, "budget", plan.Default().Budget,
		"how long each check may take, without the reading of the file")
	f.IntVar(&memory, "memory", plan.Default().Memory,
		"how much memory each check may take, in `MiB`")
	f.StringVar(&c.root, "results", results.DefaultRoot, "look for runs below this `directory`")
	f.BoolVar(&asJSON, "json", false, "print the verdicts on standard output")
	complete(command, "format", checkFormats)
	complete(command, "model", checkModels)
	return command
}

// imports takes the flags that say how histories are read.
func (c *checker) imports(given bool, initial string) error {
	if !slices.Contains(checkFormats(), c.format) {
		return fmt.Errorf("--format is %q (accepted: %s)",
			c.format, strings.Join(checkFormats(), ", "))
	}
	if name, known := modelAliases[c.model]; known {
		c.model = name
	}
	if !given {
		return nil
	}
	if c.format != formatAuto && c.format != string(jepsen.EDN) {
		return fmt.Errorf("--initial goes with --format %s only, not with %s", jepsen.EDN, c.format)
	}
	value, err := jepsen.ParseValue(initial)
	if err != nil {
		return fmt.Errorf("--initial: %w", err)
	}
	c.initial = value
	return nil
}

// run judges everything that args name, and returns the error that makes the exit code.
func (c *checker) run(
	ctx context.Context, args []string, asJSON bool, out io.Writer,
) error {
	all, unread := c.checkAll(ctx, args)
	if asJSON {
		if err := writeJSON(out, all); err != nil {
			return err
		}
	}
	worst := results.Pass
	for _, one := range all {
		worst = results.Worse(worst, one.Verdict)
	}
	// What cannot be read masks no violation in what can.
	if unread != nil && worst != results.Violation {
		return usage(unread)
	}
	if unread != nil {
		fmt.Fprintf(c.out, "ordeal: %v\n", unread)
	}
	if worst != results.Pass {
		return verdictError(worst)
	}
	return nil
}

// checkAll judges one history after the other and tells of each. The error is that of the last one
// that could not be read; those before it are told here.
func (c *checker) checkAll(ctx context.Context, names []string) (all []checked, unread error) {
	all = []checked{}
	failed, folders := 0, 0
	for _, name := range names {
		targets, folder := c.targets(name)
		if folder {
			folders++
		}
		for _, t := range targets {
			if ctx.Err() != nil && len(all) > 0 {
				break
			}
			var one checked
			err := t.err
			if err == nil {
				one, err = c.check(ctx, t.path)
			}
			if err != nil {
				if unread != nil {
					fmt.Fprintf(c.out, "ordeal: %v\n", unread)
				}
				unread = err
				failed++
				continue
			}
			all = append(all, one)
			writeChecked(c.out, one, !folder)
		}
	}
	if folders > 0 || len(all) > 1 {
		fmt.Fprintln(c.out, checkSummary(all, failed))
	}
	return all, unread
}

// checkSummary counts the verdicts, the mildest first.
func checkSummary(all []checked, failed int) string {
	counts := map[results.Verdict]int{}
	for _, one := range all {
		counts[one.Verdict]++
	}
	noun := "histories"
	if len(all) == 1 {
		noun = "history"
	}
	var parts []string
	for _, verdict := range []results.Verdict{
		results.Pass, results.Vacuous, results.Inconclusive, results.Harness, results.Interrupted,
		results.Violation,
	} {
		if counts[verdict] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[verdict], verdict))
		}
	}
	if failed > 0 {
		parts = append(parts, fmt.Sprintf("%d could not be read", failed))
	}
	return fmt.Sprintf("%d %s: %s", len(all), noun, strings.Join(parts, ", "))
}

// A target is a history to judge, or why it cannot be.
type target struct {
	path string
	err  error
}

// targets returns the files that an argument stands for: itself, a run's history, or all histories
// of a folder, in order.
func (c *checker) targets(name string) (all []target, folder bool) {
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.IsDir():
		return []target{{path: name}}, false
	case err == nil && !regular(filepath.Join(name, results.HistoryFile)):
		return folderTargets(name), true
	}
	directory, err := results.Find(c.root, name)
	if err != nil {
		return []target{{err: fmt.Errorf("no file and %w", err)}}, false
	}
	return []target{{path: directory.Path(results.HistoryFile)}}, false
}

func regular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// folderTargets returns the histories below a folder. Of a run it is the one; the logs beside it
// are none.
func folderTargets(folder string) []target {
	var all []target
	// The separator makes a symbolic link the folder that it leads to.
	root := folder + string(filepath.Separator)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			all = append(all, target{err: fmt.Errorf("look for histories: %w", err)})
			return nil
		}
		if run := filepath.Join(path, results.HistoryFile); entry.IsDir() && regular(run) {
			all = append(all, target{path: run})
			return filepath.SkipDir
		}
		ends := func(ending string) bool { return strings.HasSuffix(path, ending) }
		if !entry.IsDir() && slices.ContainsFunc(historyEndings, ends) && regular(path) {
			all = append(all, target{path: path})
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("there is no history below %s (accepted: a run, or a folder of files "+
			"that end in %s)", folder, strings.Join(historyEndings, ", "))
	}
	if err != nil {
		all = append(all, target{err: err})
	}
	return all
}

// check reads and judges one history.
func (c *checker) check(ctx context.Context, path string) (checked, error) {
	large, err := c.openLarge(path)
	if err != nil {
		return checked{}, err
	}
	if large != nil {
		defer large.Close()
		info, err := large.Stat()
		if err != nil {
			return checked{}, fmt.Errorf("read the history: %w", err)
		}
		return c.checkLarge(ctx, large, info.Size(), path)
	}
	h, err := c.load(path)
	if err != nil {
		return checked{}, err
	}
	model := c.model
	if model == "" {
		model = h.model
	}
	one := checked{File: path, Format: h.format, Cut: h.cut, NilReads: h.nilReads}
	for i := range h.operations {
		one.Operations.Count(h.operations[i])
	}
	one.Check, one.Findings, err = harness.Judge(ctx, model, h.operations, h.events, c.budget)
	if err != nil {
		return checked{}, fmt.Errorf("%s: %w", path, err)
	}
	one.conclude(ctx, h.events)
	return one, nil
}

// conclude draws the verdict from the findings, and from the events of the record whether it comes
// to its end.
func (c *checked) conclude(ctx context.Context, events []history.Event) {
	c.Verdict = results.Pass
	if ctx.Err() != nil {
		c.Verdict = results.Interrupted
	}
	for _, finding := range c.Findings {
		c.Verdict = results.Worse(c.Verdict, finding.Verdict)
	}
	if c.Format == formatOrdeal {
		ended := slices.ContainsFunc(events, func(e history.Event) bool {
			return e.Mark != nil && e.Mark.Name == history.MarkEnd
		})
		c.Ended = &ended
	}
}

// writeChecked tells of one history, in detail or not.
func writeChecked(w io.Writer, c checked, detail bool) {
	fmt.Fprintf(w, "%s: %s: %s\n", c.File, c.Verdict,
		results.CheckLine(c.Check.Linearizability))
	if c.Cut != "" {
		fmt.Fprintf(w, "  cut short: %s; what is there was judged\n", c.Cut)
	}
	if c.Ended != nil && !*c.Ended {
		fmt.Fprintf(w, "  the record does not come to its end, and lacks the final reads\n")
	}
	if c.NilReads > 0 {
		fmt.Fprintf(w, "  reads of nil: %d, which say nothing and are left out\n", c.NilReads)
	}
	for _, finding := range c.Findings {
		fmt.Fprintf(w, "  %s: %s\n", finding.Verdict, finding.What)
		for _, line := range finding.Detail {
			if detail {
				fmt.Fprintf(w, "    %s\n", line)
			}
		}
	}
}
