package linearizability

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

func TestEachClassInWords(t *testing.T) {
	for _, test := range classCases {
		t.Run(test.name, func(t *testing.T) {
			ops := parse(t, test.text)
			require.Equal(t, Illegal, naive(ops))
			report := check(t, ops, Options{})
			require.Equal(t, Illegal, report.Verdict)
			require.Len(t, report.Violations, 1)
			e := report.Violations[0]
			require.Equal(t, test.sentence, e.Sentence)
			require.Equal(t, test.class, e.Class)
			require.True(t, e.Confirmed)
			require.True(t, e.Minimal)
			require.Equal(t, "r0", e.Key)
			var ids []int64
			for _, in := range e.Operations {
				ids = append(ids, in.Operation.ID)
				require.NotEmpty(t, in.Text)
			}
			require.Equal(t, test.operations, ids)
		})
	}
}

// What had not returned when the history became illegal counts by its call alone.
func TestAnOperationThatReturnsLaterIsOpen(t *testing.T) {
	ops := parse(t, "c1 write 1 0..1\nc2 write 2 2..20\nc3 read 2 3..4\nc4 read 1 5..6")
	e := check(t, ops, Options{}).Violations[0]
	require.Len(t, e.Operations, 4)
	require.True(t, e.Operations[1].Open)
	require.False(t, e.Operations[0].Open)
	require.EqualValues(t, 20, e.Operations[1].Return, "it is shown as recorded")
}

func TestADetachedUpdateIsMarked(t *testing.T) {
	ops := parse(t, `c1 write 1 0..1
		c2 cas 1>2 2..3
		c3 write 3 4..5
		c4 read 2 6..7`)
	e := check(t, ops, Options{}).Violations[0]
	require.Len(t, e.Operations, 3)
	require.True(t, e.Operations[0].Detached)
	require.Equal(t, history.CompareAndSet, e.Operations[0].Operation.Kind)
	require.False(t, e.Operations[1].Detached)
}

func TestAReportIsADocument(t *testing.T) {
	ops := parse(t, "c1 write 1 0..1\nc2 read - 2..3")
	text, err := json.Marshal(check(t, ops, Options{}))
	require.NoError(t, err)
	var report struct {
		Model, Verdict string
		Keys           []struct{ Key, Verdict string }
		Violations     []struct {
			Class, Sentence string
			Operations      []struct {
				Call, Return int64
				Operation    struct{ F, Key, Outcome string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &report))
	require.Equal(t, "register", report.Model)
	require.Equal(t, "illegal", report.Verdict)
	require.Equal(t, "illegal", report.Keys[0].Verdict)
	require.Equal(t, "stale read", report.Violations[0].Class)
	require.EqualValues(t, 3, report.Violations[0].Operations[1].Return)
	require.Equal(t, "read", report.Violations[0].Operations[1].Operation.F)
}

func TestValuesInASentence(t *testing.T) {
	for value, want := range map[string]string{
		"41": "41", "": `""`, "nothing": `"nothing"`, "a b": `"a b"`, "x;y": `"x;y"`,
		"\n": `"\n"`, strings.Repeat("é", 30): `"` + strings.Repeat("é", 20) + `"…`,
		strings.Repeat("x", 1000): strings.Repeat("x", 40) + "…",
	} {
		require.Equal(t, want, text(history.NewValue(value)))
	}
	require.Equal(t, "nothing", text(history.Value{}))
}

func TestTimesInASentence(t *testing.T) {
	require.Equal(t, "12.41 s", seconds(12_412*time.Millisecond))
	require.Equal(t, "1.83 ms", seconds(1_834*time.Microsecond))
	require.Equal(t, "0.10 s", seconds(100*time.Millisecond))
	require.Equal(t, "0 ms", seconds(0))
}

// Imported histories may know neither nodes nor times.
func TestASentenceWithoutNodesAndTimes(t *testing.T) {
	ops := parse(t, "c1 write 1 0..1\nc2 write 2 2..3\nc3 read 1 4..5")
	for i := range ops {
		ops[i].Node, ops[i].CallTime, ops[i].ReturnTime = "", 0, 0
	}
	e := check(t, ops, Options{}).Violations[0]
	require.Equal(t, "c3 read 1 as event 5; 2 had been acknowledged to c2 earlier", e.Sentence)
	require.Equal(t, "c1 wrote 1, events 0 to 1", e.Operations[0].Text)
	ops[0].Outcome = history.Info
	require.Equal(t, "c1 called write 1 as event 0, outcome unknown", describe(&ops[0]))
}
