package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// searchRole is set in the processes that tests start of themselves for searches.
const searchRole = "ORDEAL_TEST_SEARCH"

func TestMain(m *testing.M) {
	if os.Getenv(searchRole) == "" {
		os.Exit(m.Run())
	}
	if err := linearizability.ServeSearch(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// unsearchable returns an environment in which no search can finish one of the keys: many of its
// first writes have no known outcome and no effect, and later every compare-and-set is refused
// without a word although its value is there. Any of the writes might be the reason of any refusal.
// It returns how the key is called, too, once there is one.
func unsearchable() (f *fake, key func() string) {
	const open = 24
	f = newFake()
	hard, opened := "", 0
	lost, refused := map[int64]bool{}, map[int64]bool{}
	f.refuse = func(op history.Operation) bool {
		if hard == "" {
			hard = op.Key
		}
		switch {
		case op.Key != hard || op.Kind == history.Read || op.Final:
			return false
		case opened < open:
			opened++
			lost[op.ID] = true
		case op.Kind == history.CompareAndSet && f.values[op.Key] == op.Expected:
			refused[op.ID] = true
		}
		return lost[op.ID] || refused[op.ID]
	}
	f.answer = func(op history.Operation, r history.Result) history.Result {
		switch {
		case lost[op.ID]:
			return history.Result{Outcome: history.Info, Error: "timed out"}
		case refused[op.ID]:
			return history.Result{Outcome: history.OK, Blind: true}
		}
		return r
	}
	return f, func() string { return hard }
}

// memoryFirst is more time than it takes to run out of memory on the slowest of machines.
const memoryFirst = 8 * time.Minute

// A run whose check cannot be finished is inconclusive, whatever the check ran out of, and complete
// all the same.
func TestCheckThatExplodesLeavesTheRunComplete(t *testing.T) {
	searcher := func(ctx context.Context, name string, args ...string) *exec.Cmd {
		command := exec.CommandContext(ctx, name, args...)
		command.Env = append(os.Environ(), searchRole+"=1")
		return command
	}
	for name, test := range map[string]struct {
		search func(context.Context) *exec.Cmd
		budget time.Duration
		memory int
		reason string
	}{
		"in this process": {nil, 2 * time.Second, 1024, "out of (time|memory): "},
		"in another process": {
			func(ctx context.Context) *exec.Cmd { return searcher(ctx, os.Args[0]) },
			2 * time.Second, 1024, "out of (time|memory): ",
		},
		"too little memory": {
			func(ctx context.Context) *exec.Cmd { return searcher(ctx, os.Args[0]) },
			memoryFirst, 64, "out of memory: |the process that searched died: ",
		},
		"under ulimit": {
			func(ctx context.Context) *exec.Cmd {
				return searcher(ctx, "sh", "-c", `ulimit -v 2000000 && exec "$0"`, os.Args[0])
			},
			memoryFirst, 4096, "the process that searched died: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, hard := unsearchable()
			p := testPlan()
			p.Time, p.OpsPerKey = 10*time.Second, 2000
			p.Budget, p.Memory = test.budget, test.memory
			directory, err := results.Create(t.TempDir(), "run")
			require.NoError(t, err)
			run, err := inFake(f, Test{Plan: p, Directory: directory, Search: test.search}).
				Execute(t.Context())
			require.NoError(t, err)
			require.Equal(t, results.Inconclusive, run.Verdict, findings(run))
			require.Equal(t, 3, run.ExitCode)
			require.Regexp(t, `inconclusive: the check has no answer for `+hard()+
				` \(\d+ operations\): (`+test.reason+`)`, findings(run))
			for _, key := range run.Check.Linearizability.Keys {
				if key.Key != hard() {
					require.Equal(t, linearizability.Legal, key.Verdict, key.Key)
				}
			}
			requireComplete(t, run, directory)
			t.Logf("%v of a budget of %v, %d MiB of one of %d", run.Check.Linearizability.Duration,
				test.budget, run.Check.Linearizability.Memory.PeakBytes>>20, test.memory)
		})
	}
}

// requireComplete checks that a run's directory holds everything, and in full.
func requireComplete(t *testing.T, run results.Run, directory results.Directory) {
	t.Helper()
	loaded, err := directory.Load()
	require.NoError(t, err)
	require.Equal(t, run.Verdict, loaded.Verdict)
	require.Equal(t, len(run.Findings), len(loaded.Findings))
	record, err := history.ReadFile(directory.Path(results.HistoryFile))
	require.NoError(t, err)
	require.Empty(t, record.Cut)
	require.GreaterOrEqual(t, len(record.Operations()), run.Operations.Total)
	for _, name := range []string{results.ScheduleFile, "logs/n1.log"} {
		text, err := os.ReadFile(directory.Path(name))
		require.NoError(t, err)
		require.NotEmpty(t, strings.TrimSpace(string(text)), name)
	}
}
