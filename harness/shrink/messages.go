package shrink

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/history/stream"
	"ordeal/nemesis"
)

const (
	// lossy is how many datagrams of a thousand are lost where a step is tried with losses.
	lossy = 250
	// startsMin and startsMax bound how many timings are tried for the smallest run.
	startsMin, startsMax = 4, 4000
	// messageEventsMax is how many events a run may have at the most so that single messages are
	// left out of it.
	messageEventsMax = 5_000
)

// An effort says how much is tried to leave out messages.
type effort struct {
	// events is how many events the runs with other timings have together, of which the smallest are
	// chosen; starts is how many are chosen, and rounds how often.
	events, starts, rounds int
}

// A little is enough as long as operations can be left out.
var (
	little = effort{events: 20_000, starts: 2, rounds: 1}
	much   = effort{events: 200_000, starts: 6, rounds: 6}
)

// A Tally has watched a run of the simulator.
type Tally interface {
	// Until returns what was counted until a violation was there: one of the class that the nodes
	// showed, or else when the last of the operations that show it had returned.
	Until(class string, operations []int64) nemesis.Tallied
}

// record runs the plan, and returns what it came to and what it called, with a function that tells
// what was counted until a violation was there.
func (t Shrinking) record(ctx context.Context) (
	o harness.Outcome, tally func(class string, o harness.Outcome) nemesis.Tallied,
	ops []history.Operation, err error,
) {
	var watching Tally
	start := t.Start
	if t.Watch != nil {
		start = func(p plan.Plan) (env harness.Environment, err error) {
			env, watching, err = t.Watch(p)
			return env, err
		}
	}
	o, ops, err = harness.Rehearsal{Plan: t.Plan, Start: start}.Record(ctx)
	return o, func(class string, o harness.Outcome) nemesis.Tallied {
		if watching == nil {
			return nemesis.Tallied{}
		}
		return watching.Until(class, o.Shown[class])
	}, ops, err
}

// lossily returns the plan with another timing: every other one with losses, which let a run do
// without what else would keep a datagram away. They are listed at last (pinned).
func lossily(p plan.Plan, number int) plan.Plan {
	q := reseeded(p, (number+1)/2)
	if number > 0 && number%2 == 0 {
		q.Simulation.Loss = lossy
		if p.Simulation.Loss > 0 {
			q.Simulation.Loss = 0
		}
	}
	return q
}

// jumbled returns the plan with another timing, and two of three with other nodes, times and kinds
// for some of the operations, and other times for some of the faults. A write takes fewer messages
// than a read that has to write back what it found.
func jumbled(p plan.Plan, number int) plan.Plan {
	q := lossily(p, number)
	if number%3 == 0 {
		return q
	}
	r := stream.New(uint64(number), "jumble")
	nodes, delay := p.NodeNames(), p.Simulation.Delay
	spans := []time.Duration{5 * delay, 20 * delay, lasts(p) + delay}
	span := spans[r.IntN(len(spans))]
	// Sometimes nearly all of it changes, and sometimes one thing.
	oneIn := 2 + 3*r.IntN(3)
	changes := func() bool { return r.IntN(oneIn) == 0 }
	moved := func(at time.Duration) time.Duration {
		if !changes() {
			return at
		}
		return time.Duration(r.Int64N(int64(span))).Truncate(10 * time.Microsecond)
	}
	q.Operations, q.Faults = slices.Clone(p.Operations), slices.Clone(p.Faults)
	for i := range q.Operations {
		op := &q.Operations[i]
		if op.At = moved(op.At); changes() {
			op.Node = nodes[r.IntN(len(nodes))]
		}
		if kind, reads := writing[op.Kind]; reads && !op.Final && changes() {
			op.Kind, op.Value = kind, fmt.Sprintf("w%d-%d", op.Client, op.Number)
		}
	}
	for i := range q.Faults {
		f := &q.Faults[i]
		if f.At = moved(f.At); changes() {
			f.For = min(f.For, time.Duration(1+r.IntN(10))*time.Millisecond)
		}
	}
	q.Operations, q.Faults = q.Operations.Ordered(), q.Faults.Ordered()
	return q
}

// hushed returns the plan in which, one time in four, a node does not get through with what it
// sends for an operation, of one of the kinds that were delivered, and does not try again: the
// operation ends at its deadline.
func hushed(p plan.Plan, number int, delivered []nemesis.Datagram) plan.Plan {
	r := stream.New(uint64(number), "hush")
	if p.Recovery > 0 || len(delivered) == 0 || r.IntN(4) != 0 {
		return p
	}
	d := delivered[r.IntN(len(delivered))]
	var all []nemesis.Datagram
	for _, to := range p.NodeNames() {
		if to != d.From {
			d.To, d.Occurrence = to, 1
			all = append(all, d)
		}
	}
	p.Simulation.Lose = with(p.Simulation.Lose, all)
	p.Simulation.Mute = with(p.Simulation.Mute, []nemesis.Timer{
		{Node: d.From, Occurrence: 1, Operation: d.Operation},
	})
	return p
}

// writing is what an operation could write in place of reading.
var writing = map[history.Kind]history.Kind{
	history.Read: history.Write, history.Learn: history.Propose,
}

// fewerMessages leaves out what can be left out of single datagrams and timers, so that fewer
// deliveries, ends of processes and timers are left until the violation is there. It begins with
// the smallest of many timings, keeps the one that ends smallest, and begins with that again.
func (m *minimizer) fewerMessages(ctx context.Context, e effort) error {
	if m.watched == nil || m.best.Operations == nil || m.judged.Events > messageEventsMax {
		return nil
	}
	var least *search
	for range e.rounds {
		from, err := m.beginnings(ctx, e)
		if err != nil {
			return err
		}
		before := least
		for _, a := range from {
			s := &search{oracle: m.watched, workers: m.workers, best: a.plan, judged: a.judged}
			err := s.omit(ctx)
			m.replays += s.replays
			if err != nil {
				return err
			}
			if least == nil || s.smaller(least) {
				least = s
				m.best, m.judged = s.best, s.judged
			}
		}
		if least == before {
			return nil
		}
	}
	return nil
}

// smaller tells whether a search has come to less than another one.
func (s *search) smaller(than *search) bool {
	return cmp.Or(
		cmp.Compare(s.judged.Tally.Size(), than.judged.Tally.Size()),
		cmp.Compare(s.best.Simulation.Omissions(), than.best.Simulation.Omissions()),
	) < 0
}

// beginnings returns the best plan's run, and the smallest of those with other timings. Where its
// first violation is the one to be kept, it is that of all of them.
func (m *minimizer) beginnings(ctx context.Context, e effort) ([]answer, error) {
	count := max(startsMin, min(startsMax, e.events/int(max(m.judged.Events, 1))))
	s := &search{oracle: m.watched, workers: m.workers}
	watched, err := m.watched(ctx, m.best)
	if err != nil {
		return nil, err
	}
	m.replays++
	delivered := watched.Tally.Datagrams
	all, err := s.all(ctx, count, func(i int) plan.Plan {
		if i == 0 {
			return m.best
		}
		return hushed(jumbled(m.best, i), i, delivered)
	})
	m.replays += s.replays
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if all[0].judged.First {
		all = slices.DeleteFunc(all, func(a answer) bool { return !a.judged.First })
	}
	slices.SortStableFunc(all[1:], func(a, b answer) int {
		return cmp.Compare(a.judged.Tally.Size(), b.judged.Tally.Size())
	})
	return all[:min(len(all), e.starts)], nil
}

// omit lists datagrams and timers to be left out of the best plan for as long as that makes its run
// smaller, and then takes out of the list what it need not name.
func (s *search) omit(ctx context.Context) error {
	if err := s.pin(ctx); err != nil {
		return err
	}
	for {
		size, listed := s.judged.Tally.Size(), s.best.Simulation.Omissions()
		for {
			fewer, err := s.fewerEvents(ctx)
			if err != nil {
				return err
			}
			if !fewer {
				break
			}
		}
		if err := s.firstTries(ctx); err != nil {
			return err
		}
		if err := s.shorten(ctx); err != nil {
			return err
		}
		if s.judged.Tally.Size() == size && s.best.Simulation.Omissions() == listed {
			return nil
		}
	}
}

// pin lists the datagrams that were lost by chance, in place of the chance. The run stays the same.
func (s *search) pin(ctx context.Context) error {
	if s.best.Simulation.Loss == 0 {
		return nil
	}
	q := s.best
	q.Simulation.Loss = 0
	q.Simulation.Lose = with(q.Simulation.Lose, s.judged.Tally.Lost)
	_, err := s.anyOf(ctx, []plan.Plan{q}, 1)
	return err
}

// with returns a list with what it lacks of another one.
func with[E comparable](list, more []E) []E {
	all := slices.Clone(list)
	has := make(map[E]bool, len(all))
	for _, e := range all {
		has[e] = true
	}
	for _, e := range more {
		if !has[e] {
			has[e] = true
			all = append(all, e)
		}
	}
	return all
}

// demand lets only plans become the best whose size is below that of the best one by so much at
// least, and of which the violation is told first if it is of the best one. It ends when done is
// called.
func (s *search) demand(less int) (done func()) {
	s.better = func(j Judgement) bool {
		return j.Tally.Size()+less <= s.judged.Tally.Size() && (j.First || !s.judged.First)
	}
	return func() { s.better = nil }
}

// fewerEvents leaves out what of the counted datagrams and timers can be: what makes the run
// smaller.
func (s *search) fewerEvents(ctx context.Context) (bool, error) {
	p, t := s.best, s.judged.Tally
	timers := t.Timers
	if p.Recovery > 0 {
		timers = nil // a plan that proves its recovery mutes none
	}
	datagrams := len(t.Datagrams)
	defer s.demand(1)()
	return s.reduce(ctx, datagrams+len(timers), 1, func(kept []int) plan.Plan {
		q := p
		q.Simulation.Lose = slices.Clone(p.Simulation.Lose)
		q.Simulation.Mute = slices.Clone(p.Simulation.Mute)
		next := 0
		for i := range datagrams + len(timers) {
			switch {
			case next < len(kept) && kept[next] == i:
				next++
			case i < datagrams:
				q.Simulation.Lose = append(q.Simulation.Lose, t.Datagrams[i])
			default:
				q.Simulation.Mute = append(q.Simulation.Mute, timers[i-datagrams])
			}
		}
		return q
	})
}

// firstTries lets an operation get through the first time with what its node had to send again and
// again, and waits no more. Nothing else makes such a run smaller: with one try less, it fails.
func (s *search) firstTries(ctx context.Context) error {
	defer s.demand(1)()
	for fewer := s.best.Recovery == 0; fewer; {
		var plans []plan.Plan
		var tried []nemesis.Timer
		for _, timer := range s.judged.Tally.Timers {
			timer.Occurrence = 1
			if slices.Contains(tried, timer) {
				continue
			}
			tried = append(tried, timer)
			once := triedOnce(s.best, s.judged.Tally.Datagrams, timer)
			waiting := once
			waiting.Simulation.Mute = s.best.Simulation.Mute
			plans = append(plans, once, waiting)
		}
		var err error
		if fewer, err = s.anyOf(ctx, plans, 1); err != nil {
			return err
		}
	}
	return nil
}

// triedOnce returns the plan in which nothing is lost of an operation of which another one of its
// kind was delivered on its link, and the timer that would try again is muted.
func triedOnce(p plan.Plan, delivered []nemesis.Datagram, timer nemesis.Timer) plan.Plan {
	arrives := func(d nemesis.Datagram) bool {
		return d.Operation == timer.Operation &&
			slices.ContainsFunc(delivered, func(other nemesis.Datagram) bool {
				other.Occurrence = d.Occurrence
				return other == d
			})
	}
	p.Simulation.Lose = slices.DeleteFunc(slices.Clone(p.Simulation.Lose), arrives)
	others := slices.DeleteFunc(slices.Clone(p.Simulation.Mute), func(t nemesis.Timer) bool {
		return t.Node == timer.Node && t.Operation == timer.Operation
	})
	p.Simulation.Mute = with(others, []nemesis.Timer{timer})
	return p
}

// shorten takes out of the lists what the run does not become larger without.
func (s *search) shorten(ctx context.Context) error {
	p := s.best
	defer s.demand(0)()
	datagrams := len(p.Simulation.Lose)
	_, err := s.reduce(ctx, p.Simulation.Omissions(), 1, func(kept []int) plan.Plan {
		q := p
		q.Simulation.Lose, q.Simulation.Mute = nil, nil
		for _, i := range kept {
			if i < datagrams {
				q.Simulation.Lose = append(q.Simulation.Lose, p.Simulation.Lose[i])
			} else {
				q.Simulation.Mute = append(q.Simulation.Mute, p.Simulation.Mute[i-datagrams])
			}
		}
		return q
	})
	return err
}
