package main

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/results"
)

// BenchmarkRun runs the command as a user would, five nodes and no faults, with the image present,
// and reports what a user waits for: from the command to the first operation, and from the end of
// the load to the end of the cluster. What it reports are medians, in milliseconds.
func BenchmarkRun(b *testing.B) {
	if !hasEngine(b) {
		b.Skip("needs a Docker engine")
	}
	program, err := os.Executable()
	require.NoError(b, err)
	root := b.TempDir()
	var starts, removals, whole []float64
	once := func(seed int) {
		command := exec.Command(program, "run", "--quiet", "--seed", strconv.Itoa(seed),
			"--nemesis", "none", "--time", "1s", "--results", root)
		command.Env = append(os.Environ(), "ORDEAL_TEST_MAIN=1")
		var errs bytes.Buffer
		command.Stderr = &errs
		began := time.Now()
		require.NoError(b, command.Run(), errs.String())
		whole = append(whole, milliseconds(time.Since(began)))
		directory, err := results.Find(root, "latest")
		require.NoError(b, err)
		run, err := directory.Load()
		require.NoError(b, err)
		begins := make(map[string]time.Duration)
		for _, stage := range run.Stages {
			begins[stage.Name] = stage.After
		}
		starts = append(starts, milliseconds(run.Started.Sub(began)+begins["run"]))
		removals = append(removals,
			milliseconds(begins["check the history"]-begins["remove the cluster"]))
	}
	once(1) // imports the image, if it is not there
	starts, removals, whole = nil, nil, nil
	b.ResetTimer()
	for i := range b.N {
		once(i + 2)
	}
	b.ReportMetric(median(starts), "ms-to-first-operation")
	b.ReportMetric(median(removals), "ms-removal")
	b.ReportMetric(median(whole), "ms-whole-run-of-1s")
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
