package explore

import (
	"context"

	"ordeal/node/paxos"
)

// A state is one of the cluster: of each node by its name, and of what clients saw.
type state struct {
	locals [nodesMost]uint32
	past   uint32
}

// A visit is a state that was reached, from which, at which cost, and with which nodes' last events
// unused.
type visit struct {
	state  state
	from   uint32
	cost   uint8
	unused uint8
}

// none is no visit.
const none = ^uint32(0)

// A search is one under way.
type search struct {
	config Config
	goal   broken
	bound  bound
	locals *locals
	pasts  *pasts

	visits []visit
	// best holds for each state, in 4 bits for each set of nodes, the lowest cost at which it was
	// reached with the last events of these nodes unused.
	best map[state]uint64
	// queues hold visits by what a run through them costs at the least.
	queues [costMost + 1][]uint32
	// now is the queue in hand.
	now int

	// walk is the visit whose successors are made, and trail the events since then.
	walk  uint32
	trail []hop
	// found is the last visit before a violation of cost foundCost, if it is known.
	found     uint32
	foundCost int
	// sought is set while a path is put together: it is told of each successor.
	sought func(st *state, cost int, unused uint8, violates bool)
}

// A hop is an event of a node.
type hop struct {
	place int
	event event
}

func newSearch(c Config, x *locals) *search {
	s := &search{config: c, goal: brokenBy[c.Class], best: make(map[state]uint64), found: none}
	s.foundCost = c.CostMax + 1
	s.locals, s.bound = x, newBound(&x.rules, c)
	s.pasts = newPasts(c.Decree, s.goal != 0)
	var start state
	for place := range c.Nodes {
		start.locals[place] = s.locals.first(paxos.NodeID(place + 1))
	}
	s.walk = none
	s.reach(&start, 0, 0, false)
	return s
}

// run searches until a smallest violation is found, there is none of at most CostMax, or a limit is
// reached. covered is the size up to which all runs were covered, -1 for none.
func (s *search) run(ctx context.Context) (covered int, err error) {
	for least := range s.config.CostMax + 1 {
		s.now = least
		if s.foundCost <= least {
			return least - 1, nil
		}
		for len(s.queues[least]) > 0 {
			last := len(s.queues[least]) - 1
			s.walk = s.queues[least][last]
			s.queues[least] = s.queues[least][:last]
			if s.stale(s.visits[s.walk]) {
				continue
			}
			s.expand()
			if s.foundCost <= least {
				return least - 1, nil
			}
			if len(s.visits) >= s.config.StatesMax {
				return least - 1, nil
			}
			if err := ctx.Err(); err != nil {
				return least - 1, err
			}
		}
	}
	return s.config.CostMax, nil
}

// stale tells whether the state was reached again meanwhile, in a better way.
func (s *search) stale(v visit) bool {
	costs := s.best[v.state]
	for set := v.unused; ; set = (set - 1) & v.unused {
		cost := uint8(costs >> (4 * set) & 15)
		if cost < v.cost || cost == v.cost && set != v.unused {
			return true
		}
		if set == 0 {
			return false
		}
	}
}

// reach takes a successor of the visit whose successors are made.
func (s *search) reach(st *state, cost int, unused uint8, violates bool) {
	if s.config.plain == withoutBounds {
		unused = 0
	}
	if s.sought != nil {
		s.sought(st, cost, unused, violates)
		return
	}
	if violates {
		if s.config.seen != nil {
			s.config.seen(s, cost)
			return
		}
		if cost < s.foundCost {
			s.found, s.foundCost = s.walk, cost
		}
		return
	}
	// A run costs no less than what was known of its beginning.
	least := max(s.now, cost+s.least(st, unused))
	if least >= s.foundCost || least > s.config.CostMax {
		return
	}
	costs, known := s.best[*st]
	if !known {
		costs = ^uint64(0)
	}
	for set := unused; ; set = (set - 1) & unused {
		if int(costs>>(4*set)&15) <= cost {
			return
		}
		if set == 0 {
			break
		}
	}
	shift := 4 * unused
	s.best[*st] = costs&^(15<<shift) | uint64(cost)<<shift
	s.queues[least] = append(s.queues[least], uint32(len(s.visits)))
	s.visits = append(s.visits, visit{*st, s.walk, uint8(cost), unused})
}

// path returns the run that was found.
func (s *search) path() []Action {
	var chain []uint32
	for at := s.found; at != none; at = s.visits[at].from {
		chain = append(chain, at)
	}
	var path []Action
	for i := len(chain) - 1; i >= 0; i-- {
		s.walk = chain[i]
		var hops []hop
		s.sought = func(st *state, cost int, unused uint8, violates bool) {
			wanted := violates && cost == s.foundCost
			if i > 0 {
				next := &s.visits[chain[i-1]]
				wanted = !violates && *st == next.state && cost == int(next.cost) &&
					unused == next.unused
			}
			if wanted && hops == nil {
				hops = append(hops, s.trail...)
			}
		}
		s.expand()
		for _, h := range hops {
			path = append(path, s.locals.action(h))
		}
	}
	s.sought = nil
	return path
}

// action returns a hop as what others can carry out.
func (x *locals) action(h hop) Action {
	a := Action{
		Kind: h.event.kind, Node: x.ids[h.place], Self: int(h.event.self), Crashes: h.event.crashes,
	}
	switch h.event.kind {
	case Call:
		a.Operation = x.calls[h.event.argument].operation()
	case Deliver:
		a.Message = x.messages[h.event.argument]
	case Timeout:
		a.Timer = int(h.event.argument)
	case Rot:
		a.Batch = int(h.event.argument)
	}
	return a
}
