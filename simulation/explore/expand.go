package explore

import (
	"slices"

	"ordeal/history"
	"ordeal/simulation/invariants"
)

// A caller is a node at which an operation was called since the last event that costs something,
// and its state before.
type caller struct {
	place  int
	before uint32
}

// expand makes the successors of the visit in hand: some calls that are used at once, and one event
// that costs something and uses them.
func (s *search) expand() {
	v := s.visits[s.walk]
	s.trail = s.trail[:0]
	s.events(&v.state, int(v.cost), v.unused, nil)
	s.invoke(&v.state, int(v.cost), v.unused, nil, s.nextNumber(&v.state))
}

func (s *search) nextNumber(st *state) uint8 { return uint8(len(s.pasts.all[st.past].ops) + 1) }

// events makes all events that cost something and use every call since the last: by happening to
// the node of the call, or by delivering what the call had it send.
func (s *search) events(st *state, cost int, unused uint8, callers []caller) {
	for place := range s.config.Nodes {
		if s.locals.states[st.locals[place]].out || !uses(callers, place, place) {
			continue
		}
		s.timers(st, cost, unused, place)
		s.try(st, cost+1, unused, place, place, event{kind: Crash, self: All})
		if s.locals.rules.MayTakePart(false) {
			s.try(st, cost+1, unused, place, place, event{kind: Wipe, self: All})
		}
		for batch := range s.locals.states[st.locals[place]].batches {
			s.try(st, cost+1, unused, place, place,
				event{kind: Rot, argument: uint32(batch), self: All})
		}
	}
	for from := range s.config.Nodes {
		for to := range s.config.Nodes {
			if from == to || s.locals.states[st.locals[to]].out || !uses(callers, from, to) {
				continue
			}
			fresh := sentBefore(s, callers, from, to)
			for _, m := range s.locals.states[st.locals[from]].sent[to] {
				if slices.Contains(fresh, m) {
					continue // it does not use the call at its sender
				}
				s.try(st, cost+1, unused, from, to, event{kind: Deliver, argument: m, self: All})
			}
		}
	}
}

// uses tells whether an event at one node, by what another sent, may use all calls.
func uses(callers []caller, from, to int) bool {
	return !slices.ContainsFunc(callers, func(c caller) bool {
		return c.place != from && c.place != to
	})
}

// sentBefore returns what the sender had sent before its call, where only that call's messages
// count: elsewhere nothing.
func sentBefore(s *search, callers []caller, from, to int) []uint32 {
	for _, c := range callers {
		if c.place == from {
			return s.locals.states[c.before].sent[to]
		}
	}
	return nil
}

func (s *search) timers(st *state, cost int, unused uint8, place int) {
	l := &s.locals.states[st.locals[place]]
	first, last := 1, int(l.deadlines)
	if l.retry {
		first = 0
	}
	for timer := first; timer <= last; timer++ {
		s.try(st, cost+1, unused, place, place,
			event{kind: Timeout, argument: uint32(timer), self: All})
	}
}

// try makes an event happen, and its variants: the node takes only some of its messages to itself,
// for now, or crashes before it has taken all.
func (s *search) try(st *state, cost int, unused uint8, from, to int, e event) {
	t := *s.locals.after(st.locals[to], e)
	s.happen(st, cost, unused, from, to, e, t)
	if e.begins() {
		return
	}
	for taken := range int8(t.taken) {
		e.self = taken
		if s.config.SelfLater {
			s.happen(st, cost, unused, from, to, e, *s.locals.after(st.locals[to], e))
			continue
		}
		e.crashes = true
		s.happen(st, cost+1, unused, from, to, e, *s.locals.after(st.locals[to], e))
	}
}

// happen takes what becomes of a node.
func (s *search) happen(
	st *state, cost int, unused uint8, from, to int, e event, t transition,
) {
	if t.next == st.locals[to] && len(t.answers) == 0 && t.broke&s.goal == 0 {
		return // it changes nothing
	}
	next, violates, ok := s.becomes(st, to, t)
	if !ok {
		return
	}
	for _, h := range s.trail {
		unused &^= 1 << h.place
	}
	unused &^= 1<<from | 1<<to
	if s.goal != 0 || len(t.answers) == 0 {
		unused |= 1 << to
	}
	s.trail = append(s.trail, hop{to, e})
	s.reach(&next, cost, unused, violates)
	s.trail = s.trail[:len(s.trail)-1]
}

// becomes returns the cluster's state after a node's, and whether that violates; ok is false where
// the run ends by an assertion that is not looked for.
func (s *search) becomes(st *state, place int, t transition) (next state, violates, ok bool) {
	next = *st
	next.locals[place] = t.next
	next.past = s.pasts.answered(st.past, t.answers)
	switch {
	case t.broke&s.goal != 0:
		return next, true, true
	case t.broke&brokeAssertion != 0:
		return next, false, false
	case s.goal == brokeTwoValues:
		violates = s.twoValues(&next, place)
	case s.goal == 0 && len(t.answers) > 0:
		violates = slices.Contains(s.pasts.classes(next.past), s.config.Class)
	}
	return next, violates, true
}

// twoValues tells whether a node proposes another value under a ballot than another node.
func (s *search) twoValues(st *state, place int) bool {
	for other := range s.config.Nodes {
		if other == place {
			continue
		}
		for _, a := range s.locals.states[st.locals[place]].accepts {
			for _, b := range s.locals.states[st.locals[other]].accepts {
				m, before := &s.locals.messages[a], &s.locals.messages[b]
				if m.Ballot == before.Ballot &&
					invariants.Compare(m, before.Proposal.State) != nil {
					return true
				}
			}
		}
	}
	return false
}

// invoke makes the calls that may come next, of which first is the number of the first since the
// last event that costs something. Calls at different nodes are made in the order of the nodes,
// unless one expects what another of them writes.
func (s *search) invoke(st *state, cost int, unused uint8, callers []caller, first uint8) {
	if len(s.pasts.all[st.past].ops) >= s.config.OperationsMax {
		return
	}
	for _, c := range s.pasts.menu(st.past) {
		for place := range s.config.Nodes {
			if len(callers) > 0 && place < s.trail[len(s.trail)-1].place && c.expected < first {
				continue
			}
			if s.takes(st, place, c) {
				s.call(st, cost, unused, callers, first, place, c)
			}
		}
	}
}

// takes tells whether a node takes a call, and does something about it: it has no operation in
// flight, or answers at once.
func (s *search) takes(st *state, place int, c callOf) bool {
	l := &s.locals.states[st.locals[place]]
	atOnce := c.kind == history.Learn || c.kind == history.Read && s.locals.rules.ReadLocally
	return !l.out && (len(l.open) == 0 || atOnce)
}

func (s *search) call(
	st *state, cost int, unused uint8, callers []caller, first uint8, place int, c callOf,
) {
	e := event{kind: Call, argument: s.locals.call(c), self: All}
	t := *s.locals.after(st.locals[place], e)
	asked := *st
	asked.past = s.pasts.called(st.past, uint8(place+1), c)
	variants := []event{e}
	for taken := range int8(t.taken) {
		variants = append(variants, event{
			kind: Call, argument: e.argument, self: taken, crashes: !s.config.SelfLater,
		})
	}
	for _, e := range variants {
		t := *s.locals.after(st.locals[place], e)
		next, violates, ok := s.becomes(&asked, place, t)
		switch {
		case !ok:
		case violates:
			s.happen(&asked, cost, unused, place, place, e, t)
		case e.crashes && uses(callers, place, place):
			s.happen(&asked, cost+1, unused, place, place, e, t)
		case e.crashes:
		case len(t.answers) > 0:
			if uses(callers, place, place) {
				s.happen(&asked, cost, unused, place, place, e, t)
			}
		default:
			s.called(&next, cost, unused, callers, first, hop{place, e}, st.locals[place])
		}
	}
}

// called goes on from a call that is not answered yet: it must be used.
func (s *search) called(
	st *state, cost int, unused uint8, callers []caller, first uint8, h hop, before uint32,
) {
	known := slices.ContainsFunc(callers, func(c caller) bool { return c.place == h.place })
	if !known {
		if len(callers) == 2 {
			return
		}
		callers = append(slices.Clip(callers), caller{h.place, before})
	}
	s.trail = append(s.trail, h)
	s.events(st, cost, unused, callers)
	s.invoke(st, cost, unused, callers, first)
	s.trail = s.trail[:len(s.trail)-1]
}
