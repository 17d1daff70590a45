package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/results"
)

// A checked is what check found out about one history, as it prints it with --json.
type checked struct {
	File string `json:"file"`
	// Cut says where a history was cut short, "" if it was not.
	Cut string `json:"cut,omitempty"`
	// Ended tells whether the record comes to its end: that of a run that was killed or stopped
	// does not, and lacks the final reads.
	Ended      bool               `json:"ended"`
	Verdict    results.Verdict    `json:"verdict"`
	Operations results.Operations `json:"operations"`
	Findings   []results.Finding  `json:"findings"`
	Check      *results.Check     `json:"check"`
}

func checkCommand() *cobra.Command {
	var root, model string
	var budget time.Duration
	var memory int
	var asJSON bool
	command := &cobra.Command{
		Use:   "check FILE|RUN ...",
		Short: "Judge recorded histories again",
		Long: `Judge recorded histories again: files of JSON Lines, compressed by gzip or not, also such
as a crash cut short, or runs, by directory, by id or as "latest".

The exit code is that of the worst verdict: 0 pass, 1 violation, 2 a node was ended from
outside, 3 inconclusive, 4 no operations, 130 interrupted; 64 if a file could not be read and
the others do not violate.`,
		Example: `  ordeal check latest
  ordeal check results/runs/*/history.jsonl
  ordeal check --json history.jsonl.gz`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if budget <= 0 {
				return usage(fmt.Errorf("--budget is %v (accepted: more than 0)", budget))
			}
			if memory < plan.MemoryMin || memory > plan.MemoryMax {
				return usage(fmt.Errorf("--memory is %d (accepted: %d to %d)",
					memory, plan.MemoryMin, plan.MemoryMax))
			}
			all, unread := checkAll(cmd, root, args, model, harness.Budget{
				Time: budget, MemoryBytes: int64(memory) << 20,
			})
			if asJSON {
				if err := writeJSON(cmd.OutOrStdout(), all); err != nil {
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
				fmt.Fprintf(cmd.ErrOrStderr(), "ordeal: %v\n", unread)
			}
			if worst != results.Pass {
				return verdictError(worst)
			}
			return nil
		},
	}
	command.ValidArgsFunction = completeRuns(&root)
	f := command.Flags()
	f.StringVar(&model, "model", "",
		"judge by this model: register or decision; default: what the history says")
	f.DurationVar(&budget, "budget", plan.Default().Budget, "how long each check may take")
	f.IntVar(&memory, "memory", plan.Default().Memory,
		"how much memory each check may take, in `MiB`")
	f.StringVar(&root, "results", results.DefaultRoot, "look for runs below this `directory`")
	f.BoolVar(&asJSON, "json", false, "print the verdicts on standard output")
	return command
}

// checkAll judges one history after the other and tells of each. The error is that of the last one
// that could not be read; those before it are told here.
func checkAll(
	cmd *cobra.Command, root string, names []string, model string, budget harness.Budget,
) (all []checked, unread error) {
	all = []checked{}
	for _, name := range names {
		path, err := historyPath(root, name)
		var one checked
		if err == nil {
			one, err = check(cmd.Context(), path, model, budget)
		}
		if err != nil {
			if unread != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "ordeal: %v\n", unread)
			}
			unread = err
			continue
		}
		all = append(all, one)
		writeChecked(cmd.ErrOrStderr(), one)
	}
	return all, unread
}

// historyPath returns the file that an argument stands for: itself, or a run's history.
func historyPath(root, name string) (string, error) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return name, nil
	}
	directory, err := results.Find(root, name)
	if err != nil {
		return "", fmt.Errorf("no file and %w", err)
	}
	return directory.Path(results.HistoryFile), nil
}

// check reads and judges one history.
func check(
	ctx context.Context, path, model string, budget harness.Budget,
) (checked, error) {
	record, err := history.ReadFile(path)
	if err != nil {
		return checked{}, err
	}
	if model == "" {
		model = record.Header.Model
	}
	ops := record.Operations()
	one := checked{File: path, Cut: record.Cut, Verdict: results.Pass}
	for _, op := range ops {
		one.Operations.Count(op)
	}
	for _, e := range record.Events {
		one.Ended = one.Ended || e.Mark != nil && e.Mark.Name == history.MarkEnd
	}
	one.Check, one.Findings, err = harness.Judge(
		ctx, model, ops, record.Events, budget)
	if err != nil {
		return checked{}, fmt.Errorf("%s: %w", path, err)
	}
	if ctx.Err() != nil {
		one.Verdict = results.Interrupted
	}
	for _, finding := range one.Findings {
		one.Verdict = results.Worse(one.Verdict, finding.Verdict)
	}
	return one, nil
}

func writeChecked(w io.Writer, c checked) {
	fmt.Fprintf(w, "%s: %s: %s\n", c.File, c.Verdict,
		results.CheckLine(c.Check.Linearizability))
	if c.Cut != "" {
		fmt.Fprintf(w, "  cut short: %s; what is there was judged\n", c.Cut)
	}
	if !c.Ended {
		fmt.Fprintf(w, "  the record does not come to its end, and lacks the final reads\n")
	}
	for _, finding := range c.Findings {
		fmt.Fprintf(w, "  %s: %s\n", finding.Verdict, finding.What)
		for _, line := range finding.Detail {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
}
