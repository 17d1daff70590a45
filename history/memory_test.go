package history

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// The room that is made is what the part that was read lets expect, and never without bound.
func TestRoomIsMadeForWhatIsExpected(t *testing.T) {
	full := make([]Operation, 10_000)
	for name, test := range map[string]struct {
		operations []Operation
		read, size int64
		atLeast    int
		atMost     int
	}{
		"a tenth was read":         {full, 100, 1000, 100_000, 110_000},
		"nearly all was read":      {full, 999, 1000, 11_000, 13_000},
		"a thousandth was read":    {full, 1, 1000, 100_000, 170_000},
		"nothing is known":         {full, 1000, 0, 10_000, 10_000},
		"all was read":             {full, 1000, 1000, 10_000, 10_000},
		"more than all was read":   {full, 1001, 1000, 10_000, 10_000},
		"too few to tell":          {full[:5000:5000], 100, 1000, 5000, 5000},
		"there is room":            {full[:9999], 100, 1000, 10_000, 10_000},
		"a size beyond all bounds": {full, 1, 1 << 62, 100_000, 170_000},
	} {
		in := measured{read: test.read, size: test.size}
		got := in.makeRoom(test.operations)
		require.Equal(t, test.operations, got, name)
		require.GreaterOrEqual(t, cap(got), test.atLeast, name)
		require.LessOrEqual(t, cap(got), test.atMost, name)
	}
}

// What is recorded after an error is not written, and so not collected either.
func TestAWriterThatFailedCollectsNothing(t *testing.T) {
	w := NewWriter(io.Discard, Header{})
	w.Mark(Mark{}, 0)
	require.ErrorContains(t, w.Err(), "a mark needs a name")
	for range 100 {
		op := Operation{Kind: Read, Key: "r0"}
		w.Complete(w.Invoke(op, 0), Result{Outcome: OK}, 0)
		w.Mark(Mark{Name: "m"}, 0)
	}
	require.EqualValues(t, 300, w.Next(), "recording goes on")
	require.Zero(t, w.buffer.Len())
}
