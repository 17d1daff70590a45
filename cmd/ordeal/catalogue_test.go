package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/harness/shrink"
	"ordeal/node/paxos"
	"ordeal/results"
)

// update makes the catalogue anew: go test ./cmd/ordeal -run Catalogue -update.
var update = flag.Bool("update", false, "make the scenarios of testdata/catalogue anew")

// The catalogue holds for each bug the smallest scenario that a campaign and a shrinking have come
// to, and the story of its run as text. They are documentation, and regressions: the scenario shows
// the bug, and nothing without it. Both depend on every random decision of the simulator: a change
// of those makes others, with -update, to be read before they are committed.
const catalogue = "testdata/catalogue"

// noStory are the bugs whose violation is that nothing happens: their runs are long.
var noStory = map[string]bool{"livelock": true}

func TestCatalogue(t *testing.T) {
	for _, bug := range paxos.Bugs() {
		t.Run(bug.Name, func(t *testing.T) {
			path := filepath.Join(catalogue, bug.Name)
			if *update {
				renew(t, bug, path)
			}
			text, err := os.ReadFile(path + ".yaml")
			require.NoError(t, err)
			p, err := plan.Read(bytes.NewReader(text), plan.Default())
			require.NoError(t, err)
			require.Equal(t, bug.Name, p.Bug)
			run, directory, err := keep(t.Context(), p, t.TempDir())
			require.NoError(t, err)
			require.Equal(t, results.Violation, run.Verdict, "%v", run.Findings)
			require.Contains(t, string(text), "# "+run.Findings[0].Class+"\n")
			if !noStory[bug.Name] {
				story, err := os.ReadFile(directory.Path(results.SequenceText))
				require.NoError(t, err)
				_, story, _ = bytes.Cut(story, []byte("\n")) // the first line names the run
				if *update {
					require.NoError(t, os.WriteFile(path+".txt", story, 0o644))
				}
				golden, err := os.ReadFile(path + ".txt")
				require.NoError(t, err)
				require.Equal(t, string(golden), string(story))
			}
			p.Bug = ""
			correct, err := harness.Rehearsal{Plan: p, Start: startSimulated}.Run(t.Context())
			require.NoError(t, err)
			require.Empty(t, correct.Findings)
		})
	}
}

// renew finds the bug by a campaign, shrinks what is found, and writes its scenario.
func renew(t *testing.T, bug paxos.Bug, path string) {
	report, err := harness.Campaign{
		Seed: 1, Start: startSimulated, Workers: 1, Classes: 1, Time: 5 * time.Minute,
		Draw: func(seed uint64) plan.Plan { return plan.Swarm(seed, bug.Name) },
	}.Run(context.Background())
	require.NoError(t, err)
	require.NotEmpty(t, report.Groups)
	r, err := shrink.Shrinking{
		Plan: report.Groups[0].Plan, Start: startSimulated, Watch: watchSimulated,
		Time: 5 * time.Minute,
	}.Run(context.Background())
	require.NoError(t, err)
	var out strings.Builder
	fmt.Fprintf(&out, "# %s: %s.\n# Seen in: %s.\n# %s\n",
		bug.Name, bug.Mistake, bug.SeenIn, r.Class)
	fmt.Fprintf(&out, "# %s\n", r.What)
	require.NoError(t, plan.Write(&out, r.Plan))
	require.NoError(t, os.MkdirAll(catalogue, 0o755))
	require.NoError(t, os.WriteFile(path+".yaml", []byte(out.String()), 0o644))
}
