package shrink

import (
	"cmp"
	"context"
	"slices"
	"time"

	"ordeal/harness/plan"
	"ordeal/nemesis"
)

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

// closer brings what is left nearer to the start and together, and ends the run soon after it.
func (m *minimizer) closer(ctx context.Context) error {
	return m.improve(ctx, func(p plan.Plan) []plan.Plan {
		var plans []plan.Plan
		add := func(q plan.Plan) {
			if q = shortened(q); lasts(q) < lasts(p) || q.Time < p.Time {
				plans = append(plans, q)
			}
		}
		first := start(p)
		add(retimed(p, func(t time.Duration) time.Duration { return t - first }))
		for _, factor := range []time.Duration{10, 2} {
			if !m.pace.scale {
				break
			}
			add(retimed(p, func(t time.Duration) time.Duration { return t / factor }))
		}
		for _, at := range moments(p) {
			if gap := gapBefore(p, at); gap > m.pace.gap {
				add(retimed(p, func(t time.Duration) time.Duration {
					if t >= at {
						return t - gap + m.pace.gap
					}
					return t
				}))
			}
		}
		add(p)
		return plans
	})
}

// An instant is one moment of a plan, which can be set to another time.
type instant struct {
	at time.Duration
	// rank orders what happens at the same time: the start of a fault, a call, the end of a fault.
	rank int
	set  func(p *plan.Plan, at time.Duration)
}

// instants returns those of a plan, in order.
func instants(p plan.Plan) []instant {
	var all []instant
	for i, op := range p.Operations {
		all = append(all, instant{op.At, 1, func(p *plan.Plan, at time.Duration) {
			p.Operations[i].At = at
		}})
	}
	for i, f := range p.Faults {
		all = append(all, instant{f.At, 0, func(p *plan.Plan, at time.Duration) {
			p.Faults[i].At = at
		}}, instant{f.End(), 2, func(p *plan.Plan, at time.Duration) {
			p.Faults[i].For = at - p.Faults[i].At
		}})
	}
	slices.SortStableFunc(all, func(a, b instant) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank))
	})
	return all
}

// spaced returns the plan with its instants in the same order and at least a gap between any two of
// them; if calls may stay together, only between a call and the start or the end of a fault, and
// between two of these.
func spaced(p plan.Plan, gap time.Duration, together bool) plan.Plan {
	q := p
	q.Operations, q.Faults = slices.Clone(p.Operations), slices.Clone(p.Faults)
	last, was := time.Duration(0), instant{}
	for i, one := range instants(p) {
		at := last + gap
		if i == 0 || together && one.rank == 1 && was.rank == 1 || one.at-was.at >= gap {
			at = last + one.at - was.at
		}
		one.set(&q, at)
		last, was = at, one
	}
	q.Operations = q.Operations.Ordered()
	q.Time = max(q.Time, last+gap)
	return shortened(withFaults(q, q.Faults.Ordered()))
}

// spacedMax bounds how many instants are moved apart.
const spacedMax = 60

// apart moves everything apart, where the pace asks for it: what comes in a certain order in the
// simulator within milliseconds comes in any order in containers. It tells whether that changed
// anything.
func (m *minimizer) apart(ctx context.Context) (bool, error) {
	if m.pace.spread == 0 || len(instants(m.best)) > spacedMax {
		return false, nil
	}
	var plans []plan.Plan
	for _, together := range []bool{false, true} {
		if q := spaced(m.best, m.pace.spread, together); lasts(q) > lasts(m.best) {
			plans = append(plans, q)
		}
	}
	return m.anyOf(ctx, plans, 1)
}
