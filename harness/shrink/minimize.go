package shrink

import (
	"context"
	"reflect"
	"slices"
	"time"

	"ordeal/harness/plan"
	"ordeal/nemesis"
	"ordeal/workloads"
)

// How many seeds a step is tried with: so many that the runs have seedEvents events together,
// within these bounds.
const (
	seedsMin, seedsMax = 3, 96
	seedEvents         = 60_000
	// beginningSeeds is with how many seeds it is tried whether the first operations are enough.
	beginningSeeds = 8
	// smallOperations is how many operations a run may have so that steps are tried with several
	// seeds at all.
	smallOperations = 40
)

// A minimizer goes from the run as it was to the smallest.
type minimizer struct {
	*search
	// watched is the oracle that counts messages; nil leaves them alone.
	watched Oracle
	// all are the operations of the run, load those that prove no recovery and are no final reads.
	all, load workloads.Listing
	stage     func(string)
	pace      pace
	// settling tells that the last step has begun, in which a run that is still large is tried with
	// other seeds too: it depends on its timing as a whole.
	settling bool
}

// A pace is how near things come to each other.
type pace struct {
	// gap is how near two moments are brought to each other, fault how short a fault becomes at the
	// least, and scale tells whether all times may be divided.
	gap, fault time.Duration
	scale      bool
	// spread is how far apart everything is moved at last, 0 for not at all.
	spread time.Duration
	// seeds tells that steps are tried with other seeds.
	seeds bool
	// faultsLast tells that faults are left out after operations: many operations that get in each
	// other's way may do without a fault with any seed, but not in containers.
	faultsLast bool
}

// In the simulator all is exact. In containers it takes a while until a fault is in force.
var (
	quick = pace{gap: 10 * time.Millisecond, fault: time.Millisecond, scale: true, seeds: true}
	slow  = pace{
		gap: 400 * time.Millisecond, fault: 600 * time.Millisecond,
		spread: 300 * time.Millisecond, faultsLast: true,
	}
)

// A step is one of those that make the run smaller.
type step struct {
	name string
	do   func(context.Context) error
}

// run makes the best plan as small as it can be made.
func (m *minimizer) run(ctx context.Context) error {
	steps := []step{
		{"list the operations", m.list},
		{"cut off the end", m.cutEnd},
		{"leave out faults", m.fewerFaults},
		{"leave out keys", m.fewerKeys},
		{"leave out clients", m.fewerClients},
		{"leave out operations", m.fewerOperations},
		{"leave out what is left, with other timings", m.settle},
		{"leave out messages", m.settleMessages},
	}
	if m.pace.faultsLast {
		faults := steps[2]
		steps = slices.Insert(slices.Delete(steps, 2, 3), 5, faults)
	}
	for _, step := range steps {
		if err := step.do(ctx); err != nil {
			return err
		}
		m.stage(step.name)
	}
	return nil
}

// list replaces the generated operations by those that were called: all of them, without a proof of
// recovery and final reads of their own; or else those of the load. If neither violates the
// operations stay generated.
func (m *minimizer) list(ctx context.Context) error {
	plans := []plan.Plan{m.best}
	if m.best.Operations == nil {
		var err error
		if plans, err = m.listings(); err != nil {
			return err
		}
	}
	found, err := m.anyOf(ctx, plans, 1)
	if err == nil && !found {
		err = ErrNotSteady
	}
	return err
}

// listings returns the plans of which one replaces that of the run.
func (m *minimizer) listings() ([]plan.Plan, error) {
	schedule, err := m.best.Schedule()
	if err != nil {
		return nil, err
	}
	listed := withFaults(m.best, schedule)
	listed.FailFast = false
	without, with := listed, listed
	without.Operations, without.Recovery = m.all[:min(len(m.all), workloads.ListingMax)], 0
	for _, client := range m.all.Clients() {
		without.Clients = max(without.Clients, client+1)
	}
	with.Operations = m.load
	return []plan.Plan{without, with, listed}, nil
}

// cutEnd finds how many of the operations are enough, counted from the first. Few are tried before
// many, with several timings: what needs a certain one after many operations seldom needs the
// operations.
func (m *minimizer) cutEnd(ctx context.Context) error {
	ops := m.best.Operations
	until := func(count, seeds int) (bool, error) {
		p := m.best
		p.Operations = ops[:count:count]
		return m.anyOf(ctx, []plan.Plan{p}, seeds)
	}
	enough, tooFew := len(ops), -1
	for count := 1; m.pace.seeds && count < len(ops); count *= 2 {
		fewer, err := until(count, beginningSeeds)
		if err != nil {
			return err
		}
		if fewer {
			enough = count
			break
		}
	}
	for enough-tooFew > 1 {
		middle := (enough + tooFew) / 2
		fewer, err := until(middle, 1)
		if err != nil {
			return err
		}
		if fewer {
			enough = middle
		} else {
			tooFew = middle
		}
	}
	return nil
}

// seeds returns with how many seeds a step is tried.
func (m *minimizer) seeds() int {
	large := len(m.best.Operations) > smallOperations || m.best.Operations == nil
	switch {
	case !m.pace.seeds || large && !m.settling:
		return 1
	case large:
		return seedsMin
	}
	return max(seedsMin, min(seedsMax, int(seedEvents/max(m.judged.Events, 1))))
}

func (m *minimizer) fewerFaults(ctx context.Context) error {
	p := m.best
	_, err := m.reduce(ctx, len(p.Faults), m.seeds(), func(kept []int) plan.Plan {
		return withFaults(m.best, pick(p.Faults, kept))
	})
	return err
}

func (m *minimizer) fewerOperations(ctx context.Context) error {
	p := m.best
	_, err := m.reduce(ctx, len(p.Operations), m.seeds(), func(kept []int) plan.Plan {
		q := m.best
		q.Operations = pick(p.Operations, kept)
		return q
	})
	return err
}

func (m *minimizer) fewerKeys(ctx context.Context) error {
	keys := m.best.Operations.Keys()
	return m.fewerOf(ctx, len(keys), func(op workloads.Listed) int {
		return slices.Index(keys, op.Key)
	})
}

func (m *minimizer) fewerClients(ctx context.Context) error {
	clients := m.best.Operations.Clients()
	return m.fewerOf(ctx, len(clients), func(op workloads.Listed) int {
		return slices.Index(clients, op.Client)
	})
}

// fewerOf leaves out operations by what they belong to.
func (m *minimizer) fewerOf(
	ctx context.Context, count int, of func(workloads.Listed) int,
) error {
	p := m.best
	_, err := m.reduce(ctx, count, m.seeds(), func(kept []int) plan.Plan {
		q := m.best
		q.Operations = p.Operations.Shortened(func(op workloads.Listed) bool {
			return slices.Contains(kept, of(op))
		})
		return q
	})
	return err
}

// settle repeats what can make the run smaller until nothing does any more.
func (m *minimizer) settle(ctx context.Context) error {
	m.settling = true
	for {
		before := m.best
		for _, step := range []func(context.Context) error{
			m.fewerFaults, m.fewerKeys, m.fewerClients, m.fewerOperations, m.simplerOperations,
			m.fewerNodes, m.calmer, m.simplerFaults, m.closer, m.fewerTogether,
		} {
			if err := step(ctx); err != nil {
				return err
			}
			m.stage("leave out what is left, with other timings")
		}
		if !same(before, m.best) {
			continue
		}
		if spread, err := m.apart(ctx); err != nil || !spread {
			return err
		}
	}
}

// settleMessages leaves out single messages, and then again what the run does not need any more
// without them, until nothing can be left out.
func (m *minimizer) settleMessages(ctx context.Context) error {
	if m.watched == nil {
		return nil
	}
	for e := little; ; {
		if err := m.fewerMessages(ctx, e); err != nil {
			return err
		}
		m.stage("leave out messages")
		fewer, err := m.fewerAgain(ctx)
		switch {
		case err != nil:
			return err
		case fewer:
			e = little
			err = m.settle(ctx)
		case e == little:
			e = much
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fewerAgain tries whether a run of few messages needs all of its faults, operations and nodes. It
// tells whether it does not.
func (m *minimizer) fewerAgain(ctx context.Context) (fewer bool, err error) {
	vary, before := m.vary, m.best
	m.vary = jumbled
	defer func() { m.vary = vary }()
	for _, step := range []func(context.Context) error{
		m.fewerFaults, m.fewerOperations, m.fewerTogether, m.fewerNodes,
	} {
		if err := step(ctx); err != nil {
			return false, err
		}
	}
	return !same(before, m.best), nil
}

// same tells whether two plans have the same size and parts, whatever their seeds.
func same(a, b plan.Plan) bool {
	return len(a.Faults) == len(b.Faults) && len(a.Operations) == len(b.Operations) &&
		a.Nodes == b.Nodes
}

// improve tries candidates until none of them violates: each must be simpler than the best plan is.
func (m *minimizer) improve(ctx context.Context, candidates func(plan.Plan) []plan.Plan) error {
	for {
		plans := candidates(m.best)
		if len(plans) == 0 {
			return nil
		}
		if better, err := m.anyOf(ctx, plans, m.seeds()); err != nil || !better {
			return err
		}
	}
}

func (m *minimizer) fewerNodes(ctx context.Context) error {
	return m.improve(ctx, func(p plan.Plan) []plan.Plan {
		var plans []plan.Plan
		if p.Nodes <= plan.NodesMin {
			return nil
		}
		for _, name := range p.NodeNames() {
			fewer := withoutNode(p, name)
			for _, again := range fewer.NodeNames() {
				if fewer.Nodes > plan.NodesMin && p.Nodes == 5 {
					plans = append(plans, withoutNode(fewer, again))
				}
			}
		}
		for _, name := range p.NodeNames() {
			plans = append(plans, withoutNode(p, name))
		}
		return plans
	})
}

// calmer makes the conditions of the network and the disks those of a quiet network, with other
// seeds too, and without losses.
func (m *minimizer) calmer(ctx context.Context) error {
	vary := m.vary
	m.vary = nil
	defer func() { m.vary = vary }()
	calm := nemesis.DefaultConditions()
	set := []func(*nemesis.Conditions){
		func(c *nemesis.Conditions) {
			quiet := calm
			quiet.Seed, quiet.Lose, quiet.Mute = c.Seed, c.Lose, c.Mute
			*c = quiet
		},
		func(c *nemesis.Conditions) { c.Order = calm.Order },
		func(c *nemesis.Conditions) { c.Loss = 0 },
		func(c *nemesis.Conditions) { c.Duplicate = 0 },
		func(c *nemesis.Conditions) { c.Spread = calm.Spread },
		func(c *nemesis.Conditions) { c.Sync = calm.Sync },
		func(c *nemesis.Conditions) { c.Delay = calm.Delay },
		func(c *nemesis.Conditions) { c.Snapshot = calm.Snapshot },
	}
	return m.improve(ctx, func(p plan.Plan) []plan.Plan {
		var plans []plan.Plan
		for _, change := range set {
			q := p
			if change(&q.Simulation); !reflect.DeepEqual(q.Simulation, p.Simulation) {
				plans = append(plans, q)
			}
		}
		return plans
	})
}

// pick returns some of a list.
func pick[S ~[]E, E any](list S, kept []int) S {
	picked := make(S, 0, len(kept))
	for _, i := range kept {
		picked = append(picked, list[i])
	}
	return picked
}
