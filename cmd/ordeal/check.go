package main

import (
	"context"
	"encoding/json"
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
	Cut        string             `json:"cut,omitempty"`
	Verdict    results.Verdict    `json:"verdict"`
	Operations results.Operations `json:"operations"`
	Findings   []results.Finding  `json:"findings"`
	Check      *results.Check     `json:"check"`
}

func checkCommand() *cobra.Command {
	var root, model string
	var budget time.Duration
	var asJSON bool
	command := &cobra.Command{
		Use:   "check FILE|RUN ...",
		Short: "Judge recorded histories again",
		Long: `Judge recorded histories again: files of JSON Lines, compressed by gzip or not, also such
as a crash cut short, or runs, by directory, by id or as "latest".

The exit code is that of the worst verdict: 0 pass, 1 violation, 3 inconclusive.`,
		Example: `  ordeal check latest
  ordeal check results/runs/*/history.jsonl
  ordeal check --json history.jsonl.gz`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			worst := results.Pass
			var all []checked
			for _, name := range args {
				one, err := check(cmd.Context(), historyPath(root, name), model, budget)
				if err != nil {
					return usage(err)
				}
				worst = results.Worse(worst, one.Verdict)
				all = append(all, one)
				writeChecked(cmd.ErrOrStderr(), one)
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				if err := encoder.Encode(all); err != nil {
					return err
				}
			}
			if worst != results.Pass {
				return verdictError(worst)
			}
			return nil
		},
	}
	f := command.Flags()
	f.StringVar(&model, "model", "",
		"judge by this model: register or decision; default: what the history says")
	f.DurationVar(&budget, "budget", plan.Default().Budget, "how long each check may take")
	f.StringVar(&root, "results", results.DefaultRoot, "look for runs below this `directory`")
	f.BoolVar(&asJSON, "json", false, "print the verdicts on standard output")
	return command
}

// historyPath returns the file that an argument stands for: itself, or a run's history.
func historyPath(root, name string) string {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return name
	}
	directory, err := results.Find(root, name)
	if err != nil {
		return name
	}
	return directory.Path(results.HistoryFile)
}

// check reads and judges one history.
func check(
	ctx context.Context, path, model string, budget time.Duration,
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
	for _, finding := range c.Findings {
		fmt.Fprintf(w, "  %s: %s\n", finding.Verdict, finding.What)
		for _, line := range finding.Detail {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
}
