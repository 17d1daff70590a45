package linearizability

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ordeal/history"
)

func TestMain(m *testing.M) {
	if playChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// explosive returns a history of one key that porcupine cannot finish: unknown compare-and-sets
// among a few values, so that nothing can be prepared, and a read of a value that was overwritten
// before, so that all of their orders are to be tried.
func explosive(key string, from int64) []history.Operation {
	const width = 60
	var ops []history.Operation
	for i := range int64(width) {
		ops = append(ops, history.Operation{
			ID: from + i, Process: int(from + i), Kind: history.CompareAndSet, Key: key,
			Expected: number(int(i % 7)), Value: number(int((i + 3) % 7)),
			Call: from + i, Return: history.NoReturn,
			Result: history.Result{Outcome: history.Info},
		})
	}
	return append(ops, overwritten(key, from, from+width)...)
}

func TestABudgetThatRunsOutIsUnknownAndNamesTheKeys(t *testing.T) {
	ops := slices.Concat(explosive("hard", 1000), explosive("harder", 3000),
		parse(t, "c1 write 1 0..1\nc2 read 1 2..3"))
	for _, workers := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(workers, " workers"), func(t *testing.T) {
			report := check(t, ops, Options{Budget: 300 * time.Millisecond, Workers: workers})
			require.Equal(t, Unknown, report.Verdict)
			require.Empty(t, report.Violations)
			unknown := report.Unknown()
			require.Len(t, unknown, 2)
			require.Equal(t, "hard", unknown[0].Key)
			require.Equal(t, "harder", unknown[1].Key)
			for _, k := range unknown {
				require.Equal(t, 63, k.Operations)
				require.Equal(t, 63, k.Judged)
				require.False(t, k.Unique)
				require.Regexp(t, "^out of time: ", k.Reason)
			}
			require.Equal(t, "r0", report.Keys[2].Key)
			require.Equal(t, Legal, report.Keys[2].Verdict, "the easy key had its share")
			// Generous: the machine may be busy. Without the bound the search takes hours.
			require.Less(t, report.Duration, 30*time.Second)
		})
	}
}

// An unknown key never hides an illegal one, wherever it stands.
func TestAViolationIsFoundNextToAKeyThatExplodes(t *testing.T) {
	for _, hard := range []string{"a", "z"} {
		ops := slices.Concat(explosive(hard, 1000), parse(t, "c1 write 1 0..1\nc2 read - 2..3"))
		report := check(t, ops, Options{Budget: 300 * time.Millisecond})
		require.Equal(t, Illegal, report.Verdict)
		require.Len(t, report.Unknown(), 1)
		require.Equal(t, hard, report.Unknown()[0].Key)
		require.Len(t, report.Violations, 1)
		require.True(t, report.Violations[0].Confirmed)
	}
}

// Small keys come first; one that explodes must leave the larger ones their shares.
func TestASmallKeyThatExplodesTakesItsShareOnly(t *testing.T) {
	ops := explosive("hard", 1000)
	for i := range int64(500) {
		ops = append(ops, history.Operation{
			ID: 5000 + i, Process: 5000, Kind: history.Write, Key: "large",
			Value: number(int(i)), Call: 5000 + 2*i, Return: 5001 + 2*i,
			Result: history.Result{Outcome: history.OK},
		})
	}
	report := check(t, ops, Options{Budget: 500 * time.Millisecond, Workers: 1})
	require.Equal(t, Unknown, report.Keys[0].Verdict)
	require.Equal(t, Legal, report.Keys[1].Verdict)
}

func TestACheckThatIsInterruptedKeepsWhatItHas(t *testing.T) {
	ops := slices.Concat(explosive("hard", 1000), parse(t, "c1 write 1 0..1\nc2 read 1 2..3"))
	t.Run("before it begins", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		report, err := Check(ctx, Register(), ops, Options{})
		require.NoError(t, err)
		require.Equal(t, Unknown, report.Verdict)
		require.Len(t, report.Unknown(), 2)
		require.Equal(t, "the check was interrupted", report.Unknown()[0].Reason)
	})
	t.Run("midway", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		report, err := Check(ctx, Register(), ops, Options{Budget: time.Hour})
		require.NoError(t, err)
		require.Equal(t, Unknown, report.Verdict)
		require.Len(t, report.Unknown(), 1)
		require.Equal(t, "the check was interrupted", report.Unknown()[0].Reason)
		require.Equal(t, Legal, report.Keys[1].Verdict)
	})
}

// An interrupted search finds no step possible any more, which must not be taken for illegal.
func TestASearchThatIsInterruptedFindsNothing(t *testing.T) {
	c := newCalls(pointers(explosive("hard", 0)))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	g := newGuard(memoryDefault)
	defer g.close()
	for _, limited := range []struct {
		ctx   context.Context
		limit time.Duration
	}{{ctx, time.Hour}, {t.Context(), 50 * time.Millisecond}, {t.Context(), 0}} {
		verdict, short := search(limited.ctx, c, limited.limit, g)
		require.Equal(t, Unknown, verdict)
		require.Equal(t, ofTime, short)
	}
}

func TestKeysAreJudgedByThemselvesAndInOrder(t *testing.T) {
	var ops []history.Operation
	for key := range 50 {
		one := parse(t, "c1 write 1 0..1\nc2 read 1 2..3\nc3 read 1 2..? ")
		if key%10 == 3 {
			one = parse(t, "c1 write 1 0..1\nc2 read - 2..3\nc3 read 1 2..?")
		}
		for i := range one {
			one[i].Key = fmt.Sprintf("r%02d", key)
			one[i].ID += int64(3 * key)
			one[i].Process += 3 * key
		}
		ops = append(ops, one...)
	}
	before := slices.Clone(ops)
	report := check(t, ops, Options{Explanations: 3})
	require.Equal(t, before, ops, "the operations are not changed")
	require.Equal(t, Illegal, report.Verdict)
	require.Equal(t, 150, report.Operations)
	require.Len(t, report.Keys, 50)
	for i, k := range report.Keys {
		require.Equal(t, fmt.Sprintf("r%02d", i), k.Key)
		require.Equal(t, i%10 == 3, k.Verdict == Illegal)
		require.Equal(t, 1, k.Dropped)
	}
	require.Len(t, report.Violations, 3)
	require.Equal(t, "r03", report.Violations[0].Key)
	require.Len(t, check(t, ops, Options{}).Violations, 5)
	require.Empty(t, check(t, ops, Options{Explanations: -1}).Violations)
}

func TestAnEmptyHistoryIsLegal(t *testing.T) {
	report := check(t, nil, Options{})
	require.Equal(t, Legal, report.Verdict)
	require.Empty(t, report.Keys)
}
