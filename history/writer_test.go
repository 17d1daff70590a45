package history_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/history"
)

// The lines are an interface: people read them with jq, and old files must stay readable.
func TestTheLinesOfAHistory(t *testing.T) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{
		Run: "2026-01-01", Workload: "register", Model: "register", Seed: 1<<64 - 1})
	w.Mark(history.Mark{Name: history.MarkStart}, 0)
	first := w.Invoke(write(0, "r0", "17"), 1000)
	second := w.Invoke(compareAndSet(3, "r0", history.Value{}, "18"), 2000)
	third := w.Invoke(read(4, "r1"), 2000)
	w.Complete(first, ok(), 3000)
	w.Complete(second, history.Result{
		Outcome: history.OK, Returned: history.NewValue("17")}, 4000)
	w.Complete(third, history.Result{Outcome: history.OK}, 5000)
	fourth := w.Invoke(read(4, "r1"), 6000)
	w.Complete(fourth, info(), 7000)
	w.Fault(history.Fault{ID: "f1", Phase: history.Skipped, Kind: "kill", Nodes: []string{"n1"},
		Reason: "n1 is dead"}, 8000)
	require.NoError(t, w.Flush())
	require.Equal(t, []string{
		`{"format":"ordeal-history","version":1,"run":"2026-01-01","workload":"register",` +
			`"model":"register","seed":18446744073709551615}`,
		`{"index":0,"time":0,"type":"mark","mark":{"name":"start"}}`,
		`{"index":1,"time":1000,"type":"invoke","op":1,"process":0,"client":0,"node":"n1",` +
			`"f":"write","key":"r0","value":"17"}`,
		`{"index":2,"time":2000,"type":"invoke","op":2,"process":3,"client":3,"node":"n1",` +
			`"f":"cas","key":"r0","value":"18","expected":null}`,
		`{"index":3,"time":2000,"type":"invoke","op":3,"process":4,"client":4,"node":"n2",` +
			`"f":"read","key":"r1"}`,
		`{"index":4,"time":3000,"type":"ok","op":1,"process":0,"node":"n1","f":"write",` +
			`"key":"r0"}`,
		`{"index":5,"time":4000,"type":"ok","op":2,"process":3,"node":"n1","f":"cas",` +
			`"key":"r0","applied":false,"returned":"17"}`,
		`{"index":6,"time":5000,"type":"ok","op":3,"process":4,"node":"n2","f":"read",` +
			`"key":"r1","returned":null}`,
		`{"index":7,"time":6000,"type":"invoke","op":4,"process":4,"client":4,"node":"n2",` +
			`"f":"read","key":"r1"}`,
		`{"index":8,"time":7000,"type":"info","op":4,"process":4,"node":"n2","f":"read",` +
			`"key":"r1","error":"deadline exceeded"}`,
		`{"index":9,"time":8000,"type":"fault","fault":{"id":"f1","phase":"skipped",` +
			`"kind":"kill","nodes":["n1"],"reason":"n1 is dead"}}`,
	}, strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"))
}

func TestTheWriterGivesBackTheOperationAsRecorded(t *testing.T) {
	w := history.NewWriter(&bytes.Buffer{}, history.Header{})
	w.Mark(history.Mark{Name: history.MarkStart}, 5)
	invoked := w.Invoke(write(2, "r0", "1"), 10)
	require.EqualValues(t, 1, invoked.ID)
	require.EqualValues(t, 1, invoked.Call)
	require.Equal(t, time.Duration(10), invoked.CallTime)
	require.Equal(t, history.NoReturn, invoked.Return)

	require.Len(t, w.Pending(), 1)
	require.Equal(t, history.Info, w.Pending()[0].Outcome)
	require.Equal(t, history.NoReturn, w.Pending()[0].Return)

	completed := w.Complete(invoked, ok(), 20)
	require.EqualValues(t, 2, completed.Return)
	require.Equal(t, time.Duration(20), completed.ReturnTime)
	require.Empty(t, w.Pending())

	unknown := w.Complete(w.Invoke(write(2, "r0", "2"), 30), info(), 40)
	require.EqualValues(t, 2, unknown.ID)
	require.Equal(t, history.NoReturn, unknown.Return)
	require.Equal(t, time.Duration(40), unknown.ReturnTime)
	require.EqualValues(t, 5, w.Next())
	require.NoError(t, w.Err())
}

func TestTheWriterRefusesWhatIsNoHistory(t *testing.T) {
	for name, test := range map[string]struct {
		wrong func(w *history.Writer, open history.Operation)
		want  string
	}{
		"a time that goes back": {func(w *history.Writer, _ history.Operation) {
			w.Mark(history.Mark{Name: "m"}, 9)
		}, "the time goes back from 10ns to 9ns"},
		"a busy process": {func(w *history.Writer, open history.Operation) {
			w.Invoke(read(open.Process, "r0"), 11)
		}, "process 1 calls operation 2 while its operation 1 is in flight"},
		"a process after an unknown outcome": {func(w *history.Writer, open history.Operation) {
			w.Complete(open, info(), 11)
			w.Invoke(read(open.Process, "r0"), 12)
		}, "process 1 calls operation 2 after one of unknown outcome"},
		"a second completion": {func(w *history.Writer, open history.Operation) {
			w.Complete(open, ok(), 11)
			w.Complete(open, ok(), 12)
		}, "operation 1 completes a second time"},
		"another process completes": {func(w *history.Writer, open history.Operation) {
			open.Process++
			w.Complete(open, ok(), 11)
		}, "operation 1 completes for process 2 (accepted: 1, which invoked it)"},
		"an unknown kind": {func(w *history.Writer, _ history.Operation) {
			w.Invoke(history.Operation{Process: 9, Kind: "append", Key: "r0"}, 11)
		}, `the kind of operation "append" is not known`},
		"a key that is not text": {func(w *history.Writer, _ history.Operation) {
			w.Invoke(read(9, "\xff"), 11)
		}, `the key "\xff" of operation 2 is not UTF-8`},
		"no key": {func(w *history.Writer, _ history.Operation) {
			w.Invoke(history.Operation{Process: 9, Kind: history.Read}, 11)
		}, "operation 2 has no key"},
		"an unknown outcome": {func(w *history.Writer, open history.Operation) {
			w.Complete(open, history.Result{Outcome: "maybe"}, 11)
		}, `the type of event "maybe" is not known`},
		"an outcome of nothing": {func(w *history.Writer, open history.Operation) {
			w.Complete(open, history.Result{}, 11)
		}, `the type of event "" is not known`},
		"an unknown phase": {func(w *history.Writer, _ history.Operation) {
			w.Fault(history.Fault{ID: "f1", Phase: "planned"}, 11)
		}, `the phase "planned" of fault f1 is not known`},
		"a nameless mark": {func(w *history.Writer, _ history.Operation) {
			w.Mark(history.Mark{}, 11)
		}, "a mark needs a name"},
		"a value that is not text": {func(w *history.Writer, _ history.Operation) {
			w.Invoke(write(9, "r0", "\xff"), 11)
		}, "is not valid UTF-8"},
		"a line without end": {func(w *history.Writer, _ history.Operation) {
			w.Mark(history.Mark{Name: strings.Repeat("x", 2<<20)}, 11)
		}, "is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := history.NewWriter(&out, history.Header{})
			test.wrong(w, w.Invoke(write(1, "r0", "1"), 10))
			require.ErrorContains(t, w.Err(), test.want)
			require.ErrorContains(t, w.Flush(), test.want)
			require.ErrorContains(t, w.Sync(), test.want)
			w.Mark(history.Mark{Name: "later"}, 100)
			require.ErrorContains(t, w.Flush(), test.want)

			// What came before the mistake is kept, and nothing after it.
			h, err := history.ReadAll(&out, "h")
			require.NoError(t, err)
			require.NotEmpty(t, h.Events)
			require.Equal(t, history.TypeInvoke, h.Events[0].Type)
			require.NotEqual(t, history.TypeMark, h.Events[len(h.Events)-1].Type)
		})
	}
}

// A fullDisk takes so many bytes and then no more.
type fullDisk struct {
	bytes.Buffer
	room   int
	synced bool
}

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if n := d.room - d.Len(); n < len(p) {
		d.Buffer.Write(p[:n])
		return n, errFull
	}
	return d.Buffer.Write(p)
}

func (d *fullDisk) Sync() error {
	d.synced = true
	return nil
}

func TestAFullDiskIsReportedAndWhatWasWrittenCanBeRead(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for room := 100; room < 3000; room += 37 {
		disk := &fullDisk{room: room}
		w := history.NewWriter(disk, history.Header{})
		require.NoError(t, w.Sync())
		for range 30 {
			w.Mark(history.Mark{Name: strings.Repeat("m", 1+random.IntN(80))}, 0)
			_ = w.Flush()
		}
		op := w.Invoke(write(0, "r0", "1"), 1)
		after := w.Complete(op, ok(), 2)
		require.EqualValues(t, 31, after.Return, "recording goes on in memory")
		_ = w.Flush()

		h, err := history.ReadAll(bytes.NewReader(disk.Bytes()), "h")
		require.NoError(t, err)
		if len(h.Events) < 32 {
			require.ErrorIs(t, w.Sync(), errFull)
			require.ErrorIs(t, w.Flush(), errFull)
			whole := disk.Bytes()[disk.Len()-1]
			require.Equal(t, whole == '\n' || whole == '}', h.Cut == "")
		}
	}
}

func TestSyncReachesTheFile(t *testing.T) {
	disk := &fullDisk{room: 1000}
	w := history.NewWriter(disk, history.Header{})
	w.Mark(history.Mark{Name: "m"}, 0)
	require.Zero(t, disk.Len(), "nothing is written before it is asked for")
	require.NoError(t, w.Flush())
	require.False(t, disk.synced)
	require.NoError(t, w.Sync())
	require.True(t, disk.synced)
	require.Equal(t, 2, bytes.Count(disk.Bytes(), []byte("\n")))
}

func TestAWriterThatIsNeverFlushedDoesNotGrowWithoutBound(t *testing.T) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{})
	for range 10_000 {
		w.Mark(history.Mark{Name: "m"}, 0)
	}
	require.Greater(t, out.Len(), 400_000)
	require.True(t, bytes.HasSuffix(out.Bytes(), []byte("\n")))
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		header := history.Header{Run: "r", Workload: "w", Model: "m", Seed: random.Uint64()}
		var out bytes.Buffer
		w := history.NewWriter(&out, header)
		recorded := recordAtRandom(w, random, rapid.IntRange(0, 200).Draw(t, "steps"))
		require.NoError(t, w.Flush())

		h, err := history.ReadAll(&out, "h")
		require.NoError(t, err)
		require.Empty(t, h.Cut)
		header.Format, header.Version = history.Format, history.Version
		require.Equal(t, header, h.Header)
		slices.SortFunc(recorded, func(a, b history.Operation) int {
			return int(a.Call - b.Call)
		})
		require.ElementsMatch(t, recorded, h.Operations())
		require.True(t, slices.IsSortedFunc(h.Operations(), func(a, b history.Operation) int {
			return int(a.Call - b.Call)
		}))
	})
}
