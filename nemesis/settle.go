package nemesis

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"time"
)

// settleCalm is the least time between the end of what keeps nodes dead or frozen and a fault that
// needs them alive: they take a while to start.
const settleCalm = 300 * time.Millisecond

// ErrCrowded is wrapped by the error of a Draw in which a nemesis is left without any fault, since
// those of others keep its victims dead all the time. Another seed may do.
var ErrCrowded = errors.New("there is no time")

// A drawn fault is one that was drawn for a nemesis.
type drawn struct {
	Fault
	nemesis string
	// shortest is how long it must last at least, end when it must be healed.
	shortest, end time.Duration
	// order breaks ties of time.
	order int
}

// A queue holds drawn faults, the earliest first.
type queue []*drawn

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].At, q[j].At), cmp.Compare(q[i].order, q[j].order)) < 0
}
func (q *queue) Push(x any) { *q = append(*q, x.(*drawn)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// settle puts off each fault that could have no effect when it is due, since others keep all of its
// victims dead, or frozen so that they cannot stop, until it can have one. What does not fit any
// more is left out; an error names a nemesis that is left with nothing then: a run that was asked
// for faults must not quietly go without.
func settle(all []*drawn, seed uint64) (Schedule, error) {
	waiting := queue(slices.Clone(all))
	heap.Init(&waiting)
	var settled Schedule
	var active []Fault
	left := make(map[string]bool)
	for waiting.Len() > 0 {
		f := heap.Pop(&waiting).(*drawn)
		active = slices.DeleteFunc(active, func(a Fault) bool { return a.until()+settleCalm <= f.At })
		until, blocked := blockedUntil(f.Fault, active)
		if !blocked {
			settled, active = append(settled, f.Fault), append(active, f.Fault)
			left[f.nemesis] = true
			continue
		}
		if until+f.shortest <= f.end {
			f.At, f.For = until, min(f.For, f.end-until).Truncate(time.Millisecond)
			heap.Push(&waiting, f)
		}
	}
	for _, f := range all {
		if !left[f.nemesis] {
			return nil, fmt.Errorf("%w for a fault of %q beside those of the others, with seed %d: "+
				"want more, or another seed", ErrCrowded, f.nemesis, seed)
		}
	}
	return settled, nil
}

// blockedUntil tells whether all victims of a fault are out of its reach when it is due, and until
// when.
func blockedUntil(f Fault, active []Fault) (until time.Duration, blocked bool) {
	if len(f.Nodes) == 0 || f.Kind.Damages() {
		return 0, false
	}
	for _, victim := range f.Nodes {
		held := false
		for _, other := range active {
			holds := other.kills() || f.Kind == Stop && other.Kind == Pause
			if holds && slices.Contains(other.Nodes, victim) {
				held = true
				until = max(until, other.until()+settleCalm)
			}
		}
		if !held {
			return 0, false
		}
	}
	return until, true
}
