package explore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/simulation/invariants"
)

// optima are what is looked for of each bug: the class that its campaign finds first (see the table
// of shrunk runs in docs/measurements.md), in the smallest cluster that can have it. Livelock
// violates nothing.
var optima = []Config{
	{Bug: "accept-below-promise", Class: invariants.Promise},
	{Bug: "accept-unchecked", Class: invariants.Promise},
	{Bug: "accept-keeps-old-promise", Class: invariants.Promise},
	{Bug: "forget-promise", Class: invariants.Promise},
	{Bug: "forget-accepted", Class: invariants.Forgotten},
	{Bug: "amnesia", Class: invariants.Forgotten},
	{Bug: "damage-is-end", Class: invariants.Forgotten},
	{Bug: "learn-from-minority", Class: changed, Decree: true, OperationsMax: 4},
	{Bug: "redecide", Class: changed, Decree: true, OperationsMax: 4},
	{Bug: "ignore-accepted", Class: reappeared},
	{Bug: "adopt-any-value", Class: reappeared},
	{Bug: "shared-ballots", Class: invariants.TwoValues},
	{Bug: "small-quorum", Class: twoWinners},
	{Bug: "half-quorum", Class: twoWinners, Nodes: 4},
	{Bug: "count-duplicates", Class: staleRead, Nodes: 4},
	{Bug: "stale-ballot-cache", Class: invariants.TwoValues},
	{Bug: "local-read", Class: staleRead},
	{Bug: "read-without-write-back", Class: staleRead},
	{Bug: "failed-cas-without-write-back", Class: reappeared},
	{Bug: "blind-retry", Class: neverWritten},
	{Bug: "unknown-as-failed", Class: neverWritten},
}

// BenchmarkOptimum looks for the smallest run of each bug, and prints a table. ORDEAL_BUGS names
// the bugs, separated by commas; ORDEAL_STATES bounds the states of a search, 20 million if it is
// not set, which take 2 GB, and ORDEAL_OPERATIONS the operations, 3 if it is not set. A bug has
// five minutes.
func BenchmarkOptimum(b *testing.B) {
	only := os.Getenv("ORDEAL_BUGS")
	states, err := strconv.Atoi(cmp.Or(os.Getenv("ORDEAL_STATES"), "20000000"))
	require.NoError(b, err)
	operations, err := strconv.Atoi(cmp.Or(os.Getenv("ORDEAL_OPERATIONS"), "3"))
	require.NoError(b, err)
	fmt.Println("| bug | class | nodes | smallest run: deliveries | crashes | timeouts | size " +
		"| is smallest | states | seconds |\n|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range optima {
		if only != "" && !slices.Contains(strings.Split(only, ","), c.Bug) {
			continue
		}
		c.StatesMax, c.Nodes = states, cmp.Or(c.Nodes, 3)
		c.OperationsMax = max(c.OperationsMax, operations)
		began := time.Now()
		ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
		r, err := Search(ctx, c)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			require.NoError(b, err)
		}
		fmt.Printf("| %s | %s | %d | %s | %s | %d | %.1f |\n", c.Bug, c.Class, c.Nodes,
			sizeCells(r), proof(r), r.States(), time.Since(began).Seconds())
		if testing.Verbose() {
			for _, a := range r.Path {
				fmt.Println("    " + a.String())
			}
		}
	}
}

func sizeCells(r Result) string {
	if !r.Found() {
		return "not reached | | | "
	}
	s := r.Size()
	return fmt.Sprintf("%d | %d | %d | %d", s.Deliveries, s.Crashes, s.Timeouts, s.Total())
}

// proof says up to how many operations the size is the smallest, and what else is known.
func proof(r Result) string {
	var known []string
	if n := r.SmallestOf(); n > 0 {
		known = append(known, fmt.Sprintf("of ≤ %d operations", n))
	}
	for _, round := range r.Rounds {
		if !r.Found() || round.Covered < r.Size().Total()-1 {
			known = append(known,
				fmt.Sprintf("more than %d with ≤ %d", round.Covered, round.OperationsMax))
		}
	}
	return strings.Join(known, "; ")
}
