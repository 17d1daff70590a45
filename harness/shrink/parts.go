package shrink

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/nemesis"
)

// withoutNode returns the plan with one node less. The nodes after it move up; what was called at
// it is called at the one in its place, and faults happen to the others alone.
func withoutNode(p plan.Plan, name string) plan.Plan {
	gone := slices.Index(p.NodeNames(), name)
	names := make(map[string]string)
	for i, old := range p.NodeNames() {
		switch {
		case i < gone:
			names[old] = old
		case i > gone:
			names[old] = fmt.Sprintf("n%d", i)
		}
	}
	p.Nodes--
	p.Operations = slices.Clone(p.Operations)
	for i, op := range p.Operations {
		moved, kept := names[op.Node]
		if !kept {
			moved = fmt.Sprintf("n%d", gone%p.Nodes+1)
		}
		p.Operations[i].Node = moved
	}
	p.Simulation = renamedOmissions(p.Simulation, names)
	var faults nemesis.Schedule
	for _, f := range p.Faults {
		f.Nodes = renamed(f.Nodes, names)
		f.Cut, f.Links = renamedGraph(f.Cut, names), renamedGraph(f.Links, names)
		if len(f.Nodes)+len(f.Cut)+len(f.Links) > 0 {
			faults = append(faults, unnamed(f))
		}
	}
	return withFaults(p, faults)
}

// renamedOmissions returns the conditions with the lists of a cluster in which nodes have other
// names, or none any more.
func renamedOmissions(c nemesis.Conditions, names map[string]string) nemesis.Conditions {
	var lose []nemesis.Datagram
	for _, d := range c.Lose {
		from, sends := names[d.From]
		to, takes := names[d.To]
		if sends && takes {
			d.From, d.To = from, to
			lose = append(lose, d)
		}
	}
	var mute []nemesis.Timer
	for _, t := range c.Mute {
		if name, kept := names[t.Node]; kept {
			t.Node = name
			mute = append(mute, t)
		}
	}
	c.Lose, c.Mute = lose, mute
	return c
}

// renamed returns the names that nodes have now, without those that are gone.
func renamed(nodes []string, names map[string]string) []string {
	var all []string
	for _, node := range nodes {
		if name, kept := names[node]; kept {
			all = append(all, name)
		}
	}
	return all
}

func renamedGraph(g nemesis.Graph, names map[string]string) nemesis.Graph {
	if g == nil {
		return nil
	}
	result := nemesis.Graph{}
	for from, to := range g {
		if name, kept := names[from]; kept {
			result[name] = renamed(to, names)
		}
	}
	if result = result.Canonical(); len(result) == 0 {
		return nil
	}
	return result
}

// unnamed returns a fault without the name of what it was before it was changed.
func unnamed(f nemesis.Fault) nemesis.Fault {
	f.Name = ""
	return f
}

// simplerFaults makes single faults shorter and smaller, and what is random about them certain.
func (m *minimizer) simplerFaults(ctx context.Context) error {
	return m.improve(ctx, func(p plan.Plan) []plan.Plan {
		var plans []plan.Plan
		for i, f := range p.Faults {
			for _, simpler := range simplerFault(f, m.pace.fault) {
				faults := slices.Clone(p.Faults)
				faults[i] = simpler
				plans = append(plans, withFaults(p, faults.Ordered()))
			}
		}
		return plans
	})
}

// simplerFault returns what a fault could be instead: each with fewer victims or links, shorter,
// with rounder times, or with something certain in place of something random. None becomes shorter
// than shortest.
func simplerFault(f nemesis.Fault, shortest time.Duration) []nemesis.Fault {
	var all []nemesis.Fault
	for _, victim := range f.Nodes {
		if len(f.Nodes) > 1 {
			g := f
			g.Nodes = slices.DeleteFunc(slices.Clone(f.Nodes),
				func(node string) bool { return node == victim })
			all = append(all, g)
		}
	}
	for _, link := range f.Cut.Links() {
		if g := f; len(f.Cut.Links()) > 1 {
			g.Cut = withoutLink(f.Cut, link)
			all = append(all, unnamed(g))
		}
	}
	for _, link := range f.Links.Links() {
		if g := f; len(f.Links.Links()) > 1 {
			g.Links = withoutLink(f.Links, link)
			all = append(all, g)
		}
	}
	change := func(different bool, set func(*nemesis.Fault)) {
		if different {
			g := f
			set(&g)
			all = append(all, g)
		}
	}
	change(f.Stay, func(g *nemesis.Fault) { g.Stay = false })
	change(f.Jitter > 0, func(g *nemesis.Fault) { g.Jitter = 0 })
	change(f.Loss > 0 && f.Loss < 100, func(g *nemesis.Fault) { g.Loss = 100 })
	change(f.Duplicate > 0 && f.Duplicate < 100, func(g *nemesis.Fault) { g.Duplicate = 100 })
	half := (f.For / 2).Truncate(time.Millisecond)
	change(half >= shortest, func(g *nemesis.Fault) { g.For = half })
	for _, unit := range []time.Duration{10 * time.Millisecond, time.Millisecond} {
		change(f.At%unit != 0, func(g *nemesis.Fault) { g.At = f.At.Truncate(unit) })
		change(f.Delay%unit != 0 && f.Delay > unit,
			func(g *nemesis.Fault) { g.Delay = f.Delay.Truncate(unit); g.Jitter = min(g.Jitter, g.Delay) })
	}
	return all
}

// withoutLink returns the graph without a link.
func withoutLink(g nemesis.Graph, link nemesis.Link) nemesis.Graph {
	result := nemesis.Graph{}
	for from, to := range g {
		result[from] = slices.DeleteFunc(slices.Clone(to),
			func(node string) bool { return from == link.From && node == link.To })
	}
	return result.Canonical()
}

// simplerOperations turns compare-and-sets into writes, and both into reads: a condition that holds
// only after another operation keeps that one from being left out.
func (m *minimizer) simplerOperations(ctx context.Context) error {
	return m.improve(ctx, func(p plan.Plan) []plan.Plan {
		var plans []plan.Plan
		for i, op := range p.Operations {
			for _, kind := range simplerKinds[op.Kind] {
				q := p
				q.Operations = slices.Clone(p.Operations)
				simpler := &q.Operations[i]
				simpler.Kind, simpler.Expected = kind, nil
				if kind == history.Read {
					simpler.Value = ""
				}
				plans = append(plans, q)
			}
		}
		return plans
	})
}

// simplerKinds are the kinds that are simpler than a kind, the simplest first.
var simplerKinds = map[history.Kind][]history.Kind{
	history.CompareAndSet: {history.Read, history.Write}, history.Write: {history.Read},
}

// togetherMax is how many faults and operations there may be so that two are left out at a time.
const togetherMax = 9

// fewerTogether leaves out two faults or operations at a time where no single one can be: an
// operation and the fault that brings about what it sees, or a write and what reads it.
func (m *minimizer) fewerTogether(ctx context.Context) error {
	if !m.pace.seeds || len(m.best.Operations)+len(m.best.Faults) > togetherMax {
		return nil
	}
	return m.improve(ctx, func(p plan.Plan) []plan.Plan {
		var plans []plan.Plan
		faults, count := len(p.Faults), len(p.Faults)+len(p.Operations)
		for i := range count {
			for j := range i {
				kept := func(from, to int) []int {
					var all []int
					for k := from; k < to; k++ {
						if k != i && k != j {
							all = append(all, k-from)
						}
					}
					return all
				}
				q := withFaults(p, pick(p.Faults, kept(0, faults)))
				q.Operations = pick(p.Operations, kept(faults, count))
				plans = append(plans, q)
			}
		}
		return plans
	})
}
