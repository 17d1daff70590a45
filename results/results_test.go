package results

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
)

var verdicts = []Verdict{Violation, Interrupted, Harness, Inconclusive, Unfinished, Vacuous, Pass}

func TestWorseVerdictIsNeverMaskedByAMilderOne(t *testing.T) {
	for i, worse := range verdicts {
		for _, milder := range verdicts[i:] {
			require.Equal(t, worse, Worse(worse, milder))
			require.Equal(t, worse, Worse(milder, worse))
		}
	}
}

func TestExitCodes(t *testing.T) {
	want := map[Verdict]int{
		Violation: 1, Harness: 2, Unfinished: 2, Inconclusive: 3, Vacuous: 4, Pass: 0,
		Interrupted: 130,
	}
	for verdict, code := range want {
		require.Equal(t, code, verdict.ExitCode(), verdict)
	}
	require.Panics(t, func() { Verdict("fine").ExitCode() })
}

func TestFindingsMakeTheVerdict(t *testing.T) {
	r := Run{Verdict: Pass}
	r.Find(Finding{Verdict: Vacuous, What: "no read was attempted"})
	require.Equal(t, Vacuous, r.Verdict)
	r.Find(Finding{Verdict: Violation, What: "k is not linearizable"})
	r.Find(Finding{Verdict: Inconclusive, What: "the cluster did not recover"})
	require.Equal(t, Violation, r.Verdict)
	require.Equal(t, 1, r.ExitCode)
	require.Len(t, r.Findings, 3)
}

func TestDirectoryIsFoundByPathIdAndLatest(t *testing.T) {
	root := t.TempDir()
	first, err := Create(root, "one")
	require.NoError(t, err)
	_, err = Create(root, "two")
	require.NoError(t, err)
	for name, id := range map[string]string{
		"one": "one", "two": "two", "latest": "two", first.Path(""): "one",
	} {
		found, err := Find(root, name)
		require.NoError(t, err)
		require.Equal(t, id, found.ID)
	}
	_, err = Find(root, "three")
	require.ErrorContains(t, err, `no run "three" (accepted: a directory, an id below `)
	_, err = Create(root, "one")
	require.ErrorIs(t, err, os.ErrExist)
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Len(t, entries, 3, "nothing temporary is left")
}

func TestRunIsSavedWholeAndLoadedAgain(t *testing.T) {
	directory, err := Create(t.TempDir(), "one")
	require.NoError(t, err)
	r := example()
	require.NoError(t, directory.Save(r))
	loaded, err := directory.Load()
	require.NoError(t, err)
	require.Equal(t, r, loaded)
	entries, err := os.ReadDir(directory.Path(""))
	require.NoError(t, err)
	require.Len(t, entries, 2, "run.json and logs, nothing temporary")

	require.NoError(t, directory.Write(RunFile, []byte(`{"format":99}`)))
	_, err = directory.Load()
	require.ErrorContains(t, err, "has format 99 (accepted: 1)")
	require.NoError(t, directory.Write(RunFile, []byte(`nonsense`)))
	_, err = directory.Load()
	require.ErrorContains(t, err, "invalid character")
	require.NoError(t, os.Remove(directory.Path(RunFile)))
	_, err = directory.Load()
	require.ErrorIs(t, err, os.ErrNotExist)
}

// A write that fails leaves the file that was there as it was.
func TestFailedWriteLosesNothing(t *testing.T) {
	directory, err := Create(t.TempDir(), "one")
	require.NoError(t, err)
	require.NoError(t, directory.Write(RunFile, []byte("old")))
	require.NoError(t, os.Mkdir(directory.Path("."+RunFile+".tmp"), 0o755))
	require.Error(t, directory.Write(RunFile, []byte("new")))
	text, err := os.ReadFile(directory.Path(RunFile))
	require.NoError(t, err)
	require.Equal(t, "old", string(text))
}

func TestOperationsAreCounted(t *testing.T) {
	var o Operations
	for _, outcome := range []history.Outcome{history.OK, history.OK, history.Fail, history.Info} {
		o.Count(history.Operation{
			Kind: history.Read, Result: history.Result{Outcome: outcome},
		})
	}
	o.Count(history.Operation{Kind: history.Write, Result: history.Result{Outcome: history.OK}})
	require.Equal(t, Operations{Total: 5, OK: 3, Fail: 1, Info: 1,
		Kinds: map[history.Kind]Outcomes{
			history.Read:  {OK: 2, Fail: 1, Info: 1},
			history.Write: {OK: 1},
		}}, o)
}

func example() Run {
	p := plan.Default()
	p.Seed = 5
	return Run{
		Format: FormatVersion, ID: "one", Verdict: Violation, ExitCode: 1,
		Findings: []Finding{{
			Verdict: Violation, What: "k is not linearizable: stale read: …",
			Detail: []string{"c0 wrote 1 at n1", "c1 read nothing from n2"},
		}},
		Command: "ordeal run --scenario results/runs/one/schedule.yaml", Plan: p,
		Operations: Operations{Total: 3, OK: 2, Info: 1, Kinds: map[history.Kind]Outcomes{
			history.Read: {OK: 2}, history.Write: {Info: 1},
		}},
		Faults: []Fault{{
			ID: "f1", Kind: "partition", Name: "isolate-one",
			Text: "partition isolate-one: n1 | n2 n3", Phase: history.Healed,
			Effective: true, Healed: true, InjectedAt: 2 * time.Second, HealedAt: 4 * time.Second,
		}, {
			ID: "f2", Kind: "kill", Nodes: []string{"n1", "n2"},
			Text: "kill n1 n2", Phase: history.Indeterminate,
			InjectedAt: 2 * time.Second, HealedAt: 4 * time.Second,
		}, {
			ID: "f3", Kind: "kill", Nodes: []string{"n1"},
			Text: "kill n1", Phase: history.Skipped,
			Reason: "n1 is dead already",
		}},
		Recovery:   Recovery{Proved: true, Duration: 493 * time.Millisecond},
		FinalReads: FinalReads{Asked: 9, Answered: 8, Unread: 1},
		Check: &Check{Model: "register", Linearizability: linearizability.Report{
			Model: "register", Verdict: linearizability.Illegal, Operations: 3,
			Keys:   []linearizability.KeyReport{{Key: "k", Verdict: linearizability.Illegal}},
			Counts: linearizability.KeyCounts{Illegal: 1},
		}},
	}
}

func TestSummaryOfAViolation(t *testing.T) {
	var text bytes.Buffer
	WriteSummary(&text, example(), SummaryOptions{Directory: "results/runs/one"})
	golden, err := os.ReadFile(filepath.Join("testdata", "violation.txt"))
	require.NoError(t, err)
	require.Equal(t, string(golden), text.String())
}

// What reads the same stands there once: a node that says the same to three others at one time has
// violated three times.
func TestWhatReadsTheSameIsSaidOnce(t *testing.T) {
	r := Run{Plan: plan.Plan{Seed: 5}}
	broken := Finding{Verdict: Violation, Class: "a broken promise", What: "n1 at 2 ms: promises k"}
	detailed := broken
	detailed.Detail = []string{"c0 wrote 1 at n1"}
	other := Finding{Verdict: Vacuous, What: broken.What}
	for _, f := range []Finding{broken, detailed, broken, other, broken} {
		r.Find(f)
	}
	var text bytes.Buffer
	WriteSummary(&text, r, SummaryOptions{Directory: "dir", Quiet: true})
	require.Equal(t, `violation: n1 at 2 ms: promises k (3 times)
violation: n1 at 2 ms: promises k
  c0 wrote 1 at n1
vacuous: n1 at 2 ms: promises k
violation (exit 1) · seed 5 · dir
`, text.String())
}

func TestQuietSummaryIsTheVerdictAndItsReasons(t *testing.T) {
	var text bytes.Buffer
	WriteSummary(&text, example(), SummaryOptions{Directory: "dir", Quiet: true})
	require.Equal(t, `violation: k is not linearizable: stale read: …
  c0 wrote 1 at n1
  c1 read nothing from n2
violation (exit 1) · seed 5 · dir
`, text.String())
}

func TestSummarySaysWhyARunEndedEarly(t *testing.T) {
	for want, found := range map[string]EarlyFinding{
		"ended early  at 12.30 s: the history of k3-7 is illegal (--fail-fast)": {Key: "k3-7"},
		"ended early  at 12.30 s: n2 ended by itself (--fail-fast)":             {Node: "n2"},
	} {
		r := example()
		found.At = 12300 * time.Millisecond
		r.EndedEarly = &found
		var text bytes.Buffer
		WriteSummary(&text, r, SummaryOptions{})
		require.Contains(t, text.String(), want)
	}
}

func TestKeysThatViolate(t *testing.T) {
	c := example().Check
	require.Equal(t, []string{"k"}, c.Illegal())
	c.Decisions = &linearizability.DecisionReport{
		Violations: []linearizability.Explanation{{Key: "d1"}},
	}
	require.Equal(t, []string{"k", "d1"}, c.Illegal())
}

func TestColorsAreForVerdictsOnly(t *testing.T) {
	var text bytes.Buffer
	WriteSummary(&text, Run{Verdict: Pass}, SummaryOptions{Quiet: true, Color: true})
	require.Equal(t, "\x1b[1;32mpass\x1b[0m (exit 0) · seed 0 · \n", text.String())
}

func TestCreatableLeavesNothing(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, Creatable(filepath.Join(root, "a", "b")))
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	require.Empty(t, entries)
	require.NoError(t, Creatable(root))
	require.DirExists(t, root)

	file := filepath.Join(root, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	require.ErrorContains(t, Creatable(file), "make the results directory")
	require.ErrorContains(t, Creatable(filepath.Join(file, "runs")), "make the results directory")
}

func TestAFaultThatStaysIsNotCalledUnhealed(t *testing.T) {
	f := Fault{Text: "kill n1, to the end", Effective: true, Stays: true}
	require.Contains(t, f.String(), "bit, stays")
	f.Stays = false
	require.Contains(t, f.String(), "NOT shown to be healed")
}
