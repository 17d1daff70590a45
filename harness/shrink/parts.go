package shrink

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ordeal/harness/plan"
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
			for _, simpler := range simplerFault(f) {
				faults := slices.Clone(p.Faults)
				faults[i] = simpler
				plans = append(plans, withFaults(p, faults.Ordered()))
			}
		}
		return plans
	})
}

// simplerFault returns what a fault could be instead: each with fewer victims or links, shorter,
// with rounder times, or with something certain in place of something random.
func simplerFault(f nemesis.Fault) []nemesis.Fault {
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
	change(f.Jitter > 0, func(g *nemesis.Fault) { g.Jitter = 0 })
	change(f.Loss > 0 && f.Loss < 100, func(g *nemesis.Fault) { g.Loss = 100 })
	change(f.Duplicate > 0 && f.Duplicate < 100, func(g *nemesis.Fault) { g.Duplicate = 100 })
	half := (f.For / 2).Truncate(time.Millisecond)
	change(half >= time.Millisecond, func(g *nemesis.Fault) { g.For = half })
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
