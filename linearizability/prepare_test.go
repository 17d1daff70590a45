package linearizability

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// Each case is a rule of the preparation: what is left of the history, as "id: start..end", with
// "?" for an end that is not known.
func TestPreparationByRule(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
		impossible       bool
	}{
		{name: "what certainly did not happen is left out",
			text: "c1 write 1 0..1 fail\nc2 read - 2..3", want: "2: 2..3"},
		{name: "an unknown read is left out",
			text: "c1 read 1 0..?\nc2 read - 2..3", want: "2: 2..3"},
		{name: "an unknown write that nobody saw is dropped",
			text: "c1 write 1 0..?\nc2 read - 2..3", want: "2: 2..3"},
		{name: "an unknown compare-and-set the new value of which nobody saw is dropped",
			text: "c1 cas ->1 0..?\nc2 read - 2..3", want: "2: 2..3"},
		{name: "an unknown write ends at the earliest return among its readers",
			text: "c1 write 1 0..?\nc2 read 1 2..9\nc3 read 1 3..7\nc4 read 1 8..12",
			want: "1: 0..7, 2: 2..9, 3: 3..7, 4: 8..12"},
		{name: "a compare-and-set that applied observes what it expected",
			text: "c1 write 1 0..?\nc2 cas 1>2 2..5", want: "1: 0..5, 2: 2..5"},
		{name: "a compare-and-set that did not apply observes what it reports",
			text: "c1 write 1 0..?\nc2 cas 7>2 2..5 saw 1", want: "1: 0..5, 2: 2..5"},
		{name: "what a compare-and-set of unknown outcome expected is not observed",
			text: "c1 write 1 0..?\nc2 cas 1>2 2..?", want: ""},
		{name: "unless its own value is observed in turn, and so on",
			text: "c1 write 1 0..?\nc2 cas 1>2 2..?\nc3 cas 2>3 2..?\nc4 read 3 4..8",
			want: "1: 0..8, 2: 2..8, 3: 2..8, 4: 4..8"},
		{name: "an earlier observer down the chain comes first",
			text: "c1 write 1 0..?\nc2 cas 1>2 2..?\nc4 read 2 4..8\nc5 read 1 3..5",
			want: "1: 0..5, 2: 2..8, 3: 4..8, 4: 3..5"},
		{name: "a later observer down the chain does not matter",
			text: "c1 write 1 0..?\nc2 cas 1>2 2..?\nc4 read 2 4..8\nc5 read 1 3..9",
			want: "1: 0..8, 2: 2..8, 3: 4..8, 4: 3..9"},
		{name: "unknown compare-and-sets in a circle end as well",
			text: "c1 cas 2>1 0..?\nc2 cas 1>2 2..?\nc4 read 2 4..8",
			want: "1: 0..8, 2: 2..8, 3: 4..8"},
		{name: "a value that was seen before it was written",
			text: "c1 read 1 0..1\nc2 write 1 2..?", want: "1: 0..1, 2: 2..1", impossible: true},
		{name: "and then one that was seen in time",
			text: "c1 read 1 0..1\nc2 write 1 2..?\nc3 write 2 2..?\nc4 read 2 4..5",
			want: "1: 0..1, 2: 2..1, 3: 2..5, 4: 4..5", impossible: true},
		{name: "a value that was seen just when it was written: equal times are concurrent",
			text: "c1 read 1 0..2\nc2 write 1 2..?", want: "1: 0..2, 2: 2..2"},
		{name: "values that are written twice: the key is left alone",
			text: "c1 write 1 0..?\nc2 write 1 2..?\nc3 read 1 4..5\nc4 read - 0..?",
			want: "1: 0..?, 2: 2..?, 3: 4..5"},
		{name: "a write of what the register held at first: so is it",
			text: "c1 write - 0..?\nc2 write 1 2..3", want: "1: 0..?, 2: 2..3"},
		{name: "a refused compare-and-set that did not say why: so is it",
			text: "c1 write 1 0..?\nc2 cas 2>3 2..3 blind", want: "1: 0..?, 2: 2..3"},
		{name: "a value is written twice only if both may have happened",
			text: "c1 write 1 0..?\nc2 write 1 2..3 fail\nc3 read 1 4..5",
			want: "1: 0..5, 3: 4..5"},
		{name: "a proposal that nobody was told of is dropped",
			text: "c1 propose 1 0..?\nc2 propose 2 2..3 told 2", want: "2: 2..3"},
		{name: "one that somebody was told of ends there",
			text: "c1 propose 1 0..?\nc2 propose 2 2..3 told 1", want: "1: 0..3, 2: 2..3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ops := parse(t, test.text)
			p := prepare(pointers(ops))
			require.Equal(t, test.want, show(p.calls))
			require.Equal(t, !test.impossible, p.possible)
			require.Equal(t, len(ops), p.failed+p.dropped+len(p.all))
			want := naive(ops)
			require.Equal(t, want, check(t, ops, Options{}).Verdict)
			require.False(t, test.impossible && want == Legal)
		})
	}
}

func show(c *calls) string {
	var all []string
	for _, one := range c.all {
		end := fmt.Sprint(one.end)
		if one.end == forever {
			end = "?"
		}
		all = append(all, fmt.Sprintf("%d: %d..%s", one.op.ID, one.start, end))
	}
	return strings.Join(all, ", ")
}

// A long chain of unknown compare-and-sets, called in any order, is walked once.
func TestALongChainIsBounded(t *testing.T) {
	const length = 50_000
	ops := make([]history.Operation, 0, length+1)
	for i := range length {
		op := history.Operation{
			ID: int64(i + 1), Process: i, Kind: history.CompareAndSet, Key: "r0",
			Expected: number(i), Value: number(i + 1), Call: int64(length - i),
			Return: history.NoReturn, Result: history.Result{Outcome: history.Info},
		}
		if i == 0 {
			op.Expected = history.Value{}
		}
		ops = append(ops, op)
	}
	ops = append(ops, history.Operation{
		ID: length + 1, Process: length, Kind: history.Read, Key: "r0",
		Call: length + 1, Return: length + 2,
		Result: history.Result{Outcome: history.OK, Returned: number(length)},
	})
	p := prepare(pointers(ops))
	require.Equal(t, length, p.bounded)
	require.True(t, p.possible)
	require.EqualValues(t, length+2, p.all[0].end)
}

func number(n int) history.Value { return history.NewValue(fmt.Sprint(n)) }
