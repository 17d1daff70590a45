package simulation_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/shrink"
	"ordeal/node/paxos"
)

// firstViolation returns the first violation that a campaign finds of a bug.
func firstViolation(t testing.TB, bug string, seed uint64) harness.CampaignGroup {
	t.Helper()
	c := campaignOf(seed, bug)
	c.Classes, c.Time, c.Workers = 1, 2*time.Minute, 1
	report, err := c.Run(context.Background())
	require.NoError(t, err)
	require.NotEmpty(t, report.Groups, bug)
	return report.Groups[0]
}

// BenchmarkShrink finds each bug of the catalogue by a campaign, shrinks the first violation, and
// prints the table of docs/measurements.md. ORDEAL_BUGS names the bugs, separated by commas, and
// ORDEAL_SEED the seed of the campaigns.
func BenchmarkShrink(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(800))
	only := os.Getenv("ORDEAL_BUGS")
	seed, err := strconv.ParseUint(cmp.Or(os.Getenv("ORDEAL_SEED"), "1"), 10, 64)
	require.NoError(b, err)
	fmt.Println("| bug | class | events | faults | operations | shrunk: faults | operations | nodes " +
		"| events | replays | seconds |\n|---|---|---|---|---|---|---|---|---|---|---|")
	var times []float64
	for _, bug := range paxos.Bugs() {
		if only != "" && !slices.Contains(strings.Split(only, ","), bug.Name) {
			continue
		}
		found := firstViolation(b, bug.Name, seed)
		r, err := shrink.Shrinking{Plan: found.Plan, Start: start, Time: 2 * time.Minute}.
			Run(context.Background())
		require.NoError(b, err)
		mark := ""
		if !r.Complete {
			mark = " (not to the end)"
		}
		fmt.Printf("| %s | %s%s | %d | %d | %d | %d | %d | %d | %d | %d | %.1f |\n", bug.Name, r.Class,
			mark, r.Original.Events, r.Original.Faults, r.Original.Operations, r.Minimal.Faults,
			r.Minimal.Operations, r.Minimal.Nodes, r.Minimal.Events, r.Replays, r.Elapsed.Seconds())
		times = append(times, r.Elapsed.Seconds())
	}
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2], "median-s")
}
