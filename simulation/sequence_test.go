package simulation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/results/diagram"
	"ordeal/simulation"
)

// sequenceOf returns the text of a plan's diagram.
func sequenceOf(t *testing.T, p plan.Plan, o simulation.SequenceOptions) (diagram.Diagram, string) {
	t.Helper()
	s := simulation.NewSequence(o)
	watched(t, p, s.Observe)
	d := s.Diagram()
	var picture, text strings.Builder
	require.NoError(t, diagram.SVG(&picture, d))
	require.NoError(t, diagram.Text(&text, d, 0))
	return d, text.String()
}

// Whatever happens in a run can be drawn, also where the picture begins in the middle of it.
func TestEveryRunCanBeDrawn(t *testing.T) {
	for seed := range uint64(10) {
		p := plan.Swarm(seed, "")
		whole, _ := sequenceOf(t, p, simulation.SequenceOptions{Rows: diagram.RowsMax})
		require.NotEmpty(t, whole.Arrows)
		part, text := sequenceOf(t, p, simulation.SequenceOptions{Rows: 50})
		require.Len(t, part.Rows, 50)
		require.Positive(t, part.Before)
		require.Contains(t, text, "earlier happenings are left out")
		rows := len(whole.Rows) + whole.Before
		if whole.Before == 0 {
			require.Equal(t, rows, len(part.Rows)+part.Before, "seed %d", seed)
		}
		for _, a := range whole.Arrows {
			if a.Sent != diagram.Outside && a.Ended != diagram.Outside {
				require.GreaterOrEqual(t, a.Ended, a.Sent)
			}
		}
	}
}

func TestADiagramIsOfOneKeyAndEndsWithItsViolation(t *testing.T) {
	p := plan.Swarm(3, "forget-accepted")
	for seed := uint64(4); ; seed++ {
		o := rehearse(t, p)
		if o.Class() == "a forgotten acceptance" {
			break
		}
		p = plan.Swarm(seed, "forget-accepted")
	}
	key := ""
	watched(t, p, func(h simulation.Happening) {
		if h.Kind == simulation.KindViolation && key == "" {
			key = h.Message.Key.Name
		}
	})
	d, text := sequenceOf(t, p, simulation.SequenceOptions{
		Key: key, Rows: 300, UntilViolation: true,
	})
	require.Positive(t, d.After)
	last := d.Marks[len(d.Marks)-1]
	require.Equal(t, len(d.Rows)-1, last.Row)
	require.Equal(t, diagram.Alarm, last.Kind)
	require.True(t, last.Signal)
	require.Contains(t, text, "written, not synced: ")
	require.Contains(t, text, "! ")

	// All keys are more than one.
	all, _ := sequenceOf(t, p, simulation.SequenceOptions{Rows: diagram.RowsMax})
	require.Greater(t, len(all.Rows)+all.Before, len(d.Rows)+d.Before)
}

// The operations of a violation stand out, and the picture ends when the last has returned.
func TestTheOperationsOfAViolationAreMarked(t *testing.T) {
	p := plan.Swarm(1, "")
	marked := []int64{5, 6}
	d, _ := sequenceOf(t, p, simulation.SequenceOptions{
		Marked: marked, Awaited: marked, Rows: 5, Whole: true,
	})
	require.Greater(t, len(d.Rows), 5, "it begins before the first of them is called")
	bars := 0
	for _, s := range d.Spans {
		if s.Kind == diagram.Busy && s.Signal {
			bars++
			require.NotEqual(t, diagram.Outside, s.From)
			require.NotEqual(t, diagram.Outside, s.To)
		}
	}
	require.Equal(t, len(marked), bars)
	require.Positive(t, d.After)
}
