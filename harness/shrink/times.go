package shrink

import (
	"slices"
	"time"

	"ordeal/harness/plan"
	"ordeal/nemesis"
)

// gapMin is how near two moments are brought to each other.
const gapMin = 10 * time.Millisecond

// moments returns when operations are called and when faults begin and end, in order, each once.
func moments(p plan.Plan) []time.Duration {
	var all []time.Duration
	for _, op := range p.Operations {
		all = append(all, op.At)
	}
	for _, f := range p.Faults {
		all = append(all, f.At, f.End())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// start returns the first moment, 0 if there is none.
func start(p plan.Plan) time.Duration {
	if all := moments(p); len(all) > 0 {
		return all[0]
	}
	return 0
}

// lasts returns the last moment.
func lasts(p plan.Plan) time.Duration {
	if all := moments(p); len(all) > 0 {
		return all[len(all)-1]
	}
	return 0
}

// gapBefore returns the time between a moment and the one before it.
func gapBefore(p plan.Plan, at time.Duration) time.Duration {
	before := time.Duration(0)
	for _, t := range moments(p) {
		if t < at {
			before = t
		}
	}
	return at - before
}

// retimed returns the plan with every moment moved. A fault lasts a millisecond at least.
func retimed(p plan.Plan, move func(time.Duration) time.Duration) plan.Plan {
	p.Operations = slices.Clone(p.Operations)
	for i := range p.Operations {
		p.Operations[i].At = move(p.Operations[i].At)
	}
	p.Operations = p.Operations.Ordered()
	faults := slices.Clone(p.Faults)
	for i, f := range faults {
		faults[i].At = move(f.At)
		faults[i].For = max(move(f.End())-faults[i].At, time.Millisecond)
	}
	return withFaults(p, faults.Ordered())
}

// shortened returns the plan with the shortest time that its faults and operations allow.
func shortened(p plan.Plan) plan.Plan {
	const step = 100 * time.Millisecond
	last := nemesis.Schedule(p.Faults).End()
	for _, op := range p.Operations {
		last = max(last, op.At)
	}
	p.Time = min(p.Time, max(plan.TimeMin, (last/step+1)*step))
	return p
}
