//go:build ignore

// Command tabulate prints what docs/measurements.md says of runs, as a row of Markdown for each:
//
//	go run docs/tabulate.go RUN...
//
// where RUN is a run's directory.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ordeal/nemesis"
	"ordeal/results"
)

func main() {
	fmt.Println("| seed | verdict | operations | fail | unknown | faults shown to bite and healed | " +
		"windows with a majority, spans asked | first ok after the last heal began, by node | check |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, path := range os.Args[1:] {
		directory, err := results.Find(filepath.Dir(path), filepath.Base(path))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		run, err := directory.Load()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(row(run))
	}
}

func row(r results.Run) string {
	check := "none"
	if r.Check != nil {
		check = fmt.Sprintf("%.2f s", r.Check.Linearizability.Duration.Seconds())
	}
	return fmt.Sprintf("| %d | %s | %d | %d | %d | %s | %s | %s | %s |",
		r.Plan.Seed, r.Verdict, r.Operations.Total, r.Operations.Fail, r.Operations.Info,
		faults(r.Faults), windows(r), firstOK(r), check)
}

// faults counts by kind those that were shown to bite and to be healed, of those that were due.
func faults(all []results.Fault) string {
	var parts []string
	for _, kind := range nemesis.Kinds() {
		good, due := 0, 0
		for _, f := range all {
			if f.Kind != string(kind) {
				continue
			}
			due++
			if f.Effective && f.Healed {
				good++
			}
		}
		if due > 0 {
			parts = append(parts, fmt.Sprintf("%s %d of %d", kind, good, due))
		}
	}
	return strings.Join(parts, ", ")
}

func windows(r results.Run) string {
	majority, asked := 0, 0
	for _, w := range r.Windows {
		if len(w.Core) > 0 {
			majority++
		}
	}
	for _, s := range r.Spans {
		if s.Asked {
			asked++
		}
	}
	return fmt.Sprintf("%d of %d, %d", majority, len(r.Windows), asked)
}

func firstOK(r results.Run) string {
	var parts []string
	for _, node := range r.Plan.NodeNames() {
		took, ok := r.Recovery.FirstOK[node]
		switch {
		case ok:
			parts = append(parts, fmt.Sprintf("%s %d ms", node, took.Round(time.Millisecond).Milliseconds()))
		default:
			parts = append(parts, node+" lost")
		}
	}
	return strings.Join(parts, ", ")
}
