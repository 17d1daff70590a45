package simulation_test

import (
	"cmp"
	"context"
	"errors"
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
	"ordeal/simulation/explore"
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
	fmt.Println("| bug | class | events | steps | faults | operations | shrunk: faults | operations " +
		"| nodes | deliveries + crashes + timeouts = steps | listed | optimum | ratio | replays " +
		"| seconds | of a processor |\n|" + strings.Repeat("---|", 16))
	var times, used, ratios []float64
	for _, bug := range paxos.Bugs() {
		if only != "" && !slices.Contains(strings.Split(only, ","), bug.Name) {
			continue
		}
		found := firstViolation(b, bug.Name, seed)
		before := processorTime(b)
		r, err := shrink.Shrinking{
			Plan: found.Plan, Start: start, Watch: watch, Time: 2 * time.Minute,
		}.Run(context.Background())
		require.NoError(b, err)
		used = append(used, (processorTime(b) - before).Seconds())
		mark, best, ratio := "", "-", "-"
		if !r.Complete {
			mark = " (not to the end)"
		}
		if steps := optimum(b, r); steps > 0 {
			ratios = append(ratios, float64(r.Minimal.Steps())/float64(steps))
			best, ratio = fmt.Sprint(steps), fmt.Sprintf("%.1f", ratios[len(ratios)-1])
		}
		was, is := r.Original, r.Minimal
		fmt.Printf("| %s | %s%s | %d | %d | %d | %d | %d | %d | %d | %d + %d + %d = %d | %d | %s | %s "+
			"| %d | %.1f | %.1f |\n", bug.Name, r.Class, mark, was.Events, was.Steps(), was.Faults,
			was.Operations, is.Faults, is.Operations, is.Nodes, is.Deliveries, is.Crashes, is.Timeouts,
			is.Steps(), is.Omissions, best, ratio, r.Replays, r.Elapsed.Seconds(),
			used[len(used)-1])
		times = append(times, r.Elapsed.Seconds())
	}
	if len(ratios) > 0 {
		slices.Sort(ratios)
		b.ReportMetric(ratios[len(ratios)/2], "median-ratio")
	}
	slices.Sort(times)
	slices.Sort(used)
	b.ReportMetric(times[len(times)/2], "median-s")
	b.ReportMetric(used[len(used)/2], "median-cpu-s")
}

// optimum returns the steps of the shortest run that shows the bug of a shrunk one in the same
// class, with as many nodes and of up to as many operations, three at least; 0 where that is not
// known within a minute.
func optimum(b *testing.B, r shrink.Result) int {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	c := explore.Config{
		Bug: r.Plan.Bug, Class: r.Class, Nodes: r.Plan.Nodes, Decree: r.Plan.Workload == "decision",
		OperationsMax: max(3, r.Minimal.Operations), StatesMax: 20_000_000,
	}
	if c.Nodes > 4 || c.OperationsMax > 6 {
		return 0
	}
	best, err := explore.Search(ctx, c)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		b.Fatal(err)
	}
	if best.SmallestOf() < c.OperationsMax {
		return 0
	}
	return best.Size().Total()
}
