package harness

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// ended is a run without what differs from one time to the next.
func ended(t *testing.T, run results.Run) results.Run {
	require.NotNil(t, run.Check, findings(run))
	run.Started, run.Finished, run.Elapsed, run.Stages = time.Time{}, time.Time{}, 0, nil
	l := &run.Check.Linearizability
	l.Duration, l.Memory = 0, linearizability.Memory{}
	for i := range l.Keys {
		l.Keys[i].Duration = 0
	}
	return run
}

// A run of which little is kept in memory is read back, and comes to the same in every field.
func TestRunThatIsReadBackIsJudgedAsOneInMemory(t *testing.T) {
	for _, workload := range []string{"register", "decision"} {
		for name, make := range map[string]func() *fake{
			"correct":     newFake,
			"a violation": func() *fake { return violating(2 * time.Second) },
			"unknown outcomes": func() *fake {
				f, n := newFake(), 0
				f.answer = func(op history.Operation, r history.Result) history.Result {
					if n++; n%9 == 0 {
						return history.Result{Outcome: history.Info, Error: "timed out"}
					}
					return r
				}
				return f
			},
		} {
			t.Run(workload+", "+name, func(t *testing.T) {
				p := testPlan()
				p.Workload = workload
				whole := executeTest(t, make(), Test{Plan: p, Virtual: true})
				read := executeTest(t, make(), Test{Plan: p, Virtual: true, keptMost: 50})
				require.Equal(t, ended(t, whole), ended(t, read))
				require.Equal(t, name == "a violation", whole.Verdict == results.Violation)
			})
		}
	}
}

// A file that is full after so many bytes.
type fullFile struct {
	*os.File
	left int
}

var errFull = errors.New("no space left")

func (f *fullFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p[:min(len(p), f.left)])
	f.left -= n
	if err == nil && n < len(p) {
		err = errFull
	}
	return n, err
}

// recordedTo records operations on some keys, one in flight at a time and one in ten for ever, and
// returns what a run has then.
func recordedTo(t *testing.T, file *fullFile, operations, most int) *driver {
	d := &driver{kept: kept{most: most}, log: quiet}
	d.record = history.NewWriter(file, history.Header{Run: "r", Model: "register"})
	for i := range operations {
		op := d.record.Invoke(history.Operation{
			Process: i, Node: "n1", Kind: history.Read, Key: "k" + string(rune('a'+i/20)),
		}, time.Duration(i))
		if i%10 == 0 {
			continue
		}
		done := d.record.Complete(op, history.Result{Outcome: history.OK}, time.Duration(i))
		d.kept.log.add(&done)
		d.counts.Count(done)
		if i%7 == 0 {
			d.flush()
		}
	}
	if d.record.Sync() == nil {
		d.kept.handedOver()
	}
	return d
}

func collected(t *testing.T, s source) []history.Operation {
	var all []history.Operation
	require.NoError(t, s.each(t.Context(), func(op *history.Operation) error {
		all = append(all, *op)
		return nil
	}))
	return all
}

// Whatever part of the record the disk took, the operations are those that would be in memory.
func TestOperationsOfARecordThatCouldNotBeWrittenAreAllThere(t *testing.T) {
	file := func(left int) *fullFile {
		f, err := os.CreateTemp(t.TempDir(), "")
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return &fullFile{f, left}
	}
	all := recordedTo(t, file(1<<30), 200, 0)
	operations, keys := all.operations(nil)
	require.Nil(t, keys)
	want := collected(t, operations)
	require.Len(t, want, 200)
	read, failed := 0, 0
	for left := 200; left < 50_000; left += 1 + left/17 {
		f := file(left)
		d := recordedTo(t, f, 200, 10)
		operations, keys := d.operations(f)
		require.Equal(t, want, collected(t, operations), "%d bytes", left)
		if d.record.Err() != nil {
			require.ErrorIs(t, d.broken, errFull)
			failed++
		}
		if keys != nil {
			read++
			require.Greater(t, len(operations.(onDisk).rest), 19, "what is in flight")
		}
	}
	require.Greater(t, read, 10)
	require.Greater(t, failed, 10)
}

// What somebody else took out of the record is not judged as if it had not been.
func TestRecordWithAHoleIsNotJudged(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer f.Close()
	d := recordedTo(t, &fullFile{f, 1 << 30}, 200, 10)
	text, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.NoError(t, f.Truncate(int64(bytes.LastIndexByte(text[:len(text)/2], '\n')+1)))
	operations, _ := d.operations(f)
	err = operations.each(t.Context(), func(*history.Operation) error { return nil })
	require.ErrorContains(t, err, "history.jsonl has lost operations that were written")
}

// A record that cannot be read back is Ordeal's failure, and masks no violation that is known.
func TestRunWhoseRecordCannotBeReadBack(t *testing.T) {
	f := newFake()
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	spoil := func(string) {
		name := directory.Path(results.HistoryFile)
		if _, err := os.Stat(name); err == nil && f.now > 3*time.Second {
			_ = os.Truncate(name, 0)
		}
	}
	f.After(4*time.Second, func() { spoil("") })
	run, err := inFake(f, Test{
		Plan: testPlan(), Directory: directory, keptMost: 50, Virtual: true,
	}).Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Harness, run.Verdict, findings(run))
	require.Nil(t, run.Check)
	require.Contains(t, findings(run), "harness: read the history: ")

	f = violating(2 * time.Second)
	f.After(4*time.Second, func() { spoil("") })
	directory, err = results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	run, err = inFake(f, Test{
		Plan: testPlan(), Directory: directory, keptMost: 50, Virtual: true,
	}).Execute(t.Context())
	require.NoError(t, err)
	require.Equal(t, results.Violation, run.Verdict, findings(run))
	require.Contains(t, findings(run), "is illegal, as was found at")
}

// Keys are whole wherever the parts are cut, and what is held is what is open.
func TestSorterMakesWholeKeys(t *testing.T) {
	var ops []history.Operation
	for i := range 3 * partMax {
		key := i / 100 * 3
		if i%10 == 0 {
			key++ // it goes on for a while
		}
		ops = append(ops, history.Operation{ID: int64(i + 1), Key: time.Duration(key / 30).String()})
	}
	for i := range 50 {
		ops = append(ops, history.Operation{
			ID: int64(len(ops) + 1), Key: time.Duration(i * 40).String(), Final: true,
		})
	}
	c := newCensus()
	for i := range ops {
		c.count(&ops[i])
	}
	var seen []history.Operation
	names, parts, openMax := map[string]bool{}, 0, 0
	s := newSorter(c, func(part [][]history.Operation, left int) error {
		parts++
		for _, of := range part {
			require.False(t, names[of[0].Key])
			names[of[0].Key] = true
			for _, op := range of {
				require.Equal(t, of[0].Key, op.Key)
			}
			seen = append(seen, of...)
		}
		require.Equal(t, len(ops)-len(seen), left)
		return nil
	})
	for i := range ops {
		require.NoError(t, s.add(&ops[i]))
		openMax = max(openMax, len(s.open))
	}
	require.NoError(t, s.end())
	require.Len(t, names, c.keys())
	require.GreaterOrEqual(t, parts, 3)
	require.LessOrEqual(t, openMax, 3)
	slices.SortFunc(seen, func(a, b history.Operation) int { return int(a.ID - b.ID) })
	require.Equal(t, ops, seen)
}

// When the time is over the rest is not read any more, and has no answer.
func TestRecordThatIsTooLongForTheBudgetIsUndecided(t *testing.T) {
	var ops []history.Operation
	for i := range 3 * partMax {
		ops = append(ops, history.Operation{
			ID: int64(i + 1), Process: i, Node: "n1", Kind: history.Read,
			Key: time.Duration(i / 100).String(), Result: history.Result{Outcome: history.OK},
			Call: int64(2 * i), Return: int64(2*i + 1),
		})
	}
	c := newCensus()
	for i := range ops {
		c.count(&ops[i])
	}
	check, findings, err := judgeRecord(
		t.Context(), "register", inMemory(ops), c, nil, Budget{Time: time.Millisecond})
	require.NoError(t, err)
	report := check.Linearizability
	require.Equal(t, linearizability.Unknown, report.Verdict)
	require.Equal(t, c.keys(), report.Counts.Total())
	_, unlisted := report.Unlisted()
	require.Greater(t, unlisted, c.keys()/3)
	require.Equal(t, results.Inconclusive, findings[len(findings)-1].Verdict)
	require.Contains(t, findings[len(findings)-1].What, "more keys: they are not listed, or it ended")
}
