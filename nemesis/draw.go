package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/history/stream"
)

// DefaultInterval is the interval of a schedule that does not ask for another.
const DefaultInterval = 3 * time.Second

// maxHealth bounds the healthy time at the start that is taken by default.
const maxHealth = 2500 * time.Millisecond

// Options say what to draw.
type Options struct {
	// Seed decides everything that is left open here.
	Seed uint64
	// Nodes are the names of all nodes.
	Nodes []string
	// Nemeses are names from [Nemeses], each with an interval of its own if one stands behind it, as
	// in "kill=5s". No names mean the same as "none": an empty schedule.
	Nemeses []string
	// Time is how long the clients run under faults. Every fault is healed before its end.
	Time time.Duration
	// Interval is the mean time from the start of one fault of a nemesis to the start of its next;
	// 0 means DefaultInterval. The least is 10 ms.
	Interval time.Duration
	// Health is the time at the start without faults; 0 means an eighth of Time, but at most 2.5 s,
	// and less where a fault would not fit otherwise.
	Health time.Duration
	// DataLoss allows that more nodes are wiped than a minority.
	DataLoss bool
}

// Draw returns the schedule that the options stand for, resolved and ordered; equal options give
// equal schedules.
//
// Each nemesis has a schedule of its own, drawn from a stream of its own, so that the faults of
// different nemeses overlap, and choosing one more does not change the faults of the others but for
// their ids, which are given in the order of time, and for what is said below. Within one nemesis a
// fault lasts from 1/3 to 1 interval, followed by 1/6 to 1/2 of an interval of calm, both uniformly
// distributed; times are whole milliseconds. Everything that a nemesis can do is drawn once before
// anything is drawn again; from then on it is drawn by weight.
//
// What cannot be is mended afterwards: wipes of more nodes than a minority over the whole run are
// left out, and a kill, stop or pause that could have no effect, because others keep all of its
// victims dead when it is due, is put off until it can.
//
// There may be times at which nothing can succeed, because a majority is dead or paused, or a cut
// adds to what is dead. That is legal, because disks are kept, and [HealthyCore] tells when it is
// so.
//
// An error names the option that is wrong and what is accepted. A time that is too short for even
// one fault is an error too: a run that was asked for faults must not quietly go without. So is a
// nemesis that is left without any ([ErrCrowded]).
func Draw(o Options) (Schedule, error) {
	chosen, err := choose(o.Nemeses, len(o.Nodes))
	if err != nil || len(chosen) == 0 {
		return nil, err
	}
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	var all []*drawn
	for _, nemesis := range chosen {
		own := o.of(nemesis)
		if err := own.validate(); err != nil {
			return nil, err
		}
		r := stream.New(o.Seed, "nemesis/"+nemesis.Name)
		for _, fault := range nemesis.draw(r, own) {
			all = append(all, &drawn{
				Fault: fault, nemesis: nemesis.Name, order: len(all),
				shortest: own.shortest(), end: own.end(),
			})
		}
	}
	if !o.DataLoss {
		all = limitLosses(stream.New(o.Seed, "nemesis/losses"), all, len(o.Nodes))
	}
	schedule, err := settle(all, o.Seed)
	if err != nil {
		return nil, err
	}
	return schedule.Ordered(), nil
}

// of returns the options of one nemesis: its interval, and the healthy time before its first fault.
func (o Options) of(n Nemesis) Options {
	if n.interval != 0 {
		o.Interval = n.interval
	}
	if o.Health == 0 {
		o.Health = max(0, min(o.Time/8, maxHealth, o.slack())).Truncate(time.Millisecond)
	}
	return o
}

func (o Options) validate() error {
	if err := validateNames(o.Nodes); err != nil {
		return err
	}
	if o.Interval < intervalMin {
		return fmt.Errorf("interval %v is too short: want at least %v", o.Interval, intervalMin)
	}
	if o.Health < 0 || o.Health%time.Millisecond != 0 {
		return fmt.Errorf("health %v: want the time without faults at the start, from 1ms, "+
			"in whole milliseconds", o.Health)
	}
	if o.slack() < 0 {
		return fmt.Errorf("time %v is too short for a fault: want at least %v, for %v of health "+
			"and an interval of %v", o.Time, o.Time-o.slack(), o.Health, o.Interval)
	}
	return nil
}

// shortest and longest bound how long a fault lasts; calm bounds what follows it.
func (o Options) shortest() time.Duration  { return o.Interval / 3 }
func (o Options) longest() time.Duration   { return o.Interval }
func (o Options) leastCalm() time.Duration { return o.Interval / 6 }
func (o Options) mostCalm() time.Duration  { return o.Interval / 2 }

// end is when the last fault must be healed.
func (o Options) end() time.Duration { return o.Time - o.leastCalm() }

// slack is by how much the first fault could be put off if it were the shortest.
func (o Options) slack() time.Duration { return o.end() - o.shortest() - o.Health }

// draw returns the faults of one nemesis, in the order of time. The first comes up to a third of an
// interval after the healthy time, so that different nemeses do not start together.
func (n Nemesis) draw(r *rand.Rand, o Options) []Fault {
	var faults []Fault
	turns := turns{all: n.variants, fresh: slices.Clone(n.variants)}
	at := between(r, o.Health, o.Health+min(o.Interval/3, o.slack()))
	for at+o.shortest() <= o.end() {
		length := between(r, o.shortest(), o.longest())
		calm := between(r, o.leastCalm(), o.mostCalm())
		fault := turns.next(r).draw(r, o.Nodes)
		fault.At = at
		fault.For = min(length, o.end()-at).Truncate(time.Millisecond)
		faults = append(faults, fault)
		at += length + calm
	}
	return faults
}

// between returns a duration from least to most, rounded down to milliseconds.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	return (least + time.Duration(r.Int64N(int64(most-least)+1))).Truncate(time.Millisecond)
}

// turns decides which variant of a nemesis is next: each once, in random order by weight, and then
// any, by weight.
type turns struct{ all, fresh []variant }

func (t *turns) next(r *rand.Rand) variant {
	if len(t.fresh) == 0 {
		return t.all[weighted(r, t.all)]
	}
	i := weighted(r, t.fresh)
	result := t.fresh[i]
	t.fresh = slices.Delete(t.fresh, i, i+1)
	return result
}

// weighted returns the index of one of the variants, each with a probability in proportion to its
// weight.
func weighted(r *rand.Rand, variants []variant) int {
	total := 0
	for _, v := range variants {
		total += v.weight
	}
	left := r.IntN(total)
	for i, v := range variants {
		if left -= v.weight; left < 0 {
			return i
		}
	}
	panic("nemesis: a weight is not positive")
}
