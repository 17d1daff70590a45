package main

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/nemesis"
	"ordeal/results/diagram"
	"ordeal/simulation"
)

// The picture of a violation ends when the last of its operations has returned, be it one that is
// part of it only by having been called.
func TestASequenceEndsWithTheLastAnswerOfItsViolation(t *testing.T) {
	late := func(i linearizability.Involved) bool {
		return i.Open && i.Operation.Outcome == history.OK
	}
	for seed := uint64(1); seed < 100; seed++ {
		run, _, err := keep(t.Context(), plan.Swarm(seed, "read-without-write-back"), t.TempDir())
		require.NoError(t, err)
		e, found := firstExplanation(run.Check)
		if !found || !slices.ContainsFunc(e.Operations, late) {
			continue
		}
		last := time.Duration(0)
		for _, i := range e.Operations {
			if i.Operation.Outcome == history.OK {
				last = max(last, i.ReturnTime)
			}
		}
		d, _, err := storyOf(run).draw(t.Context(), run)
		require.NoError(t, err)
		require.Positive(t, d.After, "seed %d", seed)
		require.Equal(t, last, d.Rows[len(d.Rows)-1], "seed %d", seed)
		return
	}
	require.Fail(t, "no violation has such an operation")
}

func TestAFewKeysAreNamed(t *testing.T) {
	keys := []string{"k1-1", "k1-2", "k1-3", "k2-1", "k2-2", "k2-3", "k2-4"}
	require.EqualError(t, noKey("x", keys),
		`the run has no key "x" (accepted: k1-1, k1-2, k1-3, k2-1, k2-2 and 2 more)`)
	require.EqualError(t, noKey("x", keys[:2]), `the run has no key "x" (accepted: k1-1, k1-2)`)
	require.EqualError(t, noKey("x", nil),
		`the run has no key "x" (accepted: none: nothing was called)`)
}

// Where the last answer comes so late that the beginning would not be on the picture, the beginning
// is drawn.
func TestTheBeginningOfAViolationIsDrawn(t *testing.T) {
	p := plan.Default()
	p.Seed, p.Nemesis, p.Time = 1, []string{nemesis.None}, time.Second
	var ops []int64
	var began time.Duration
	_, err := observed(t.Context(), p, func(h simulation.Happening) {
		if h.Kind == simulation.KindReturn {
			ops = append(ops, h.Operation.ID)
		}
		if h.Kind == simulation.KindCall && len(ops) == 0 {
			began = h.At
		}
	})
	require.NoError(t, err)
	first, last := ops[0], ops[len(ops)-1]
	s := story{began: began, late: []int64{last}, options: simulation.SequenceOptions{
		Marked: []int64{first, last}, Awaited: []int64{first}, Rows: 5, Whole: true,
	}}
	d, _, err := s.drawn(t.Context(), p)
	require.NoError(t, err)
	require.LessOrEqual(t, d.Rows[0], began)
	require.Less(t, len(d.Rows), diagram.RowsMax)
}
