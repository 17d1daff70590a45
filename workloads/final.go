package workloads

import (
	"slices"

	"ordeal/history"
)

// FinalReads are the operations at the end of a run, in order of their importance, each marked
// Final. They are made as they are asked for, so that any number of retired keys takes no memory.
// A FinalReads is not safe for concurrent use.
type FinalReads struct {
	// places is a copy of its own.
	places *places
	nodes  []string
	plan   finalPlan
	// listed, if it is not empty, are the operations, and all of the above is nothing.
	listed []history.Operation

	// ago, place and step are where the next operation stands: of the keys that stood at their
	// places so many keys ago, the one at this place, and of its operations the one at step.
	ago, place, step int
	left             int
}

// A finalPlan says what is asked of a key at the end.
type finalPlan struct {
	// live are asked of each live key at every node, one after the other.
	live []history.Kind
	// retired is asked of each retired key, of the recent ones at every node, of others at one.
	retired history.Kind
	// recent is how many keys of each place count as recent after they were retired.
	recent int
	// value returns what a Propose proposes.
	value func() history.Value
}

func newFinalReads(p *places, nodes []string, plan finalPlan) *FinalReads {
	snapshot := *p
	snapshot.retired = slices.Clone(p.retired)
	f := &FinalReads{places: &snapshot, nodes: nodes, plan: plan}
	for _, retired := range snapshot.retired {
		for ago := range retired + 1 {
			f.left += f.steps(ago)
		}
	}
	return f
}

// Left returns how many operations Next has not returned yet.
func (f *FinalReads) Left() int { return f.left }

// Next returns the next operation, and false when there is none left. Which client calls it is not
// said.
func (f *FinalReads) Next() (history.Operation, bool) {
	if f.left == 0 {
		return history.Operation{}, false
	}
	if len(f.listed) > 0 {
		f.left--
		return f.listed[len(f.listed)-1-f.left], true
	}
	for f.ago > f.places.retired[f.place] {
		f.nextPlace()
	}
	operation := f.operation()
	f.left--
	if f.step++; f.step == f.steps(f.ago) {
		f.step = 0
		f.nextPlace()
	}
	return operation, true
}

// steps returns how many operations a key gets that stood at its place so many keys ago.
func (f *FinalReads) steps(ago int) int {
	switch {
	case ago == 0:
		return len(f.nodes) * len(f.plan.live)
	case ago <= f.plan.recent:
		return len(f.nodes)
	default:
		return 1
	}
}

func (f *FinalReads) nextPlace() {
	if f.place++; f.place == len(f.places.retired) {
		f.place = 0
		f.ago++
	}
}

func (f *FinalReads) operation() history.Operation {
	operation := history.Operation{Key: f.places.key(f.place, f.ago), Final: true}
	switch {
	case f.ago == 0:
		operation.Kind = f.plan.live[f.step%len(f.plan.live)]
		operation.Node = f.nodes[f.step/len(f.plan.live)]
	case f.ago <= f.plan.recent:
		operation.Kind = f.plan.retired
		operation.Node = f.nodes[f.step]
	default:
		operation.Kind = f.plan.retired
		operation.Node = f.nodes[(f.place+f.ago)%len(f.nodes)]
	}
	if operation.Kind == history.Propose {
		operation.Value = f.plan.value()
	}
	return operation
}
