package linearizability

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ordeal/history"
)

// A job is one key on its way to a verdict.
type job struct {
	key      string
	ops      []*history.Operation
	prepared prepared
	verdict  Verdict
	reason   string
	duration time.Duration
	// alone jobs are searched one at a time, with all the memory. One that is hopeless needed more
	// even so.
	alone, hopeless bool
}

// begin returns when the key was first called, as an index of the record.
func (j *job) begin() int64 {
	first := j.ops[0].Call
	for _, op := range j.ops {
		first = min(first, op.Call)
	}
	return first
}

// A schedule shares the budgets of a check among its keys, and is where the clock is read.
type schedule struct {
	ctx     context.Context
	workers int
	guard   *guard
	started time.Time
	// judged is when the verdicts must be there, explained when the explanations must.
	judged, explained time.Time
	// setAside is how many jobs wait for being alone.
	setAside atomic.Int64
}

// explainShare is the part of the budget that is kept for the explanations: one in so many.
const explainShare = 5

// probeShare bounds each search for an explanation to one in so many of the explanation's time.
const probeShare = 16

func newSchedule(
	ctx context.Context, budget time.Duration, workers int, g *guard,
) *schedule {
	now := time.Now()
	return &schedule{
		ctx: ctx, workers: workers, guard: g, started: now,
		judged: now.Add(budget - budget/explainShare), explained: now.Add(budget),
	}
}

func (s *schedule) elapsed() time.Duration { return time.Since(s.started) }

// run brings every job to a verdict or to the end of a budget.
//
// In a round each key gets an equal share of the time that is left when its turn comes, the keys
// with the fewest calls first: what the easy ones do not use goes to the hard ones, and a key
// that explodes takes its own share and no other's. Keys without an answer go into another round
// as long as time is left, which it is only when others needed less than their shares, and so
// every round is longer a key or has fewer keys.
//
// The memory is not divided: nearly every key needs next to nothing, and the few that do need much
// are to have it. Keys whose searches together took more than there is are set aside, and searched
// one at a time at the end of the round, so that a key that fits has its answer whatever its
// neighbours need. Only a key that does not fit alone is given up for good.
func (s *schedule) run(jobs []*job) {
	s.each(jobs, s.workers, func(j *job, _ int) {
		j.prepared = prepare(j.ops)
		j.verdict, j.reason = Unknown, "out of time: the time budget ended before its turn"
		j.alone = !s.guard.fits(len(j.prepared.all), s.workers)
	})
	pending := slices.Clone(jobs)
	slices.SortStableFunc(pending, func(a, b *job) int {
		return cmp.Compare(len(a.prepared.all), len(b.prepared.all))
	})
	for len(pending) > 0 && s.ctx.Err() == nil && time.Now().Before(s.judged) {
		s.round(pending)
		pending = slices.DeleteFunc(pending, func(j *job) bool {
			return j.verdict != Unknown || j.hopeless
		})
	}
	if s.ctx.Err() != nil {
		for _, j := range pending {
			j.reason = "the check was interrupted"
		}
	}
}

// round searches every job once: first those that may be searched at the same time, then those
// that must be alone.
func (s *schedule) round(pending []*job) {
	together := slices.DeleteFunc(slices.Clone(pending), func(j *job) bool { return j.alone })
	s.setAside.Store(int64(len(pending) - len(together)))
	s.each(together, s.workers, func(j *job, behind int) {
		left, workers := time.Until(s.judged), time.Duration(s.workers)
		turns := time.Duration(behind) + workers*time.Duration(s.setAside.Load())
		s.judge(j, min(left, left*workers/turns))
	})
	alone := slices.DeleteFunc(slices.Clone(pending), func(j *job) bool { return !j.alone })
	s.each(alone, 1, func(j *job, behind int) {
		s.judge(j, time.Until(s.judged)/time.Duration(behind))
	})
}

// judge searches one key for at most limit.
func (s *schedule) judge(j *job, limit time.Duration) {
	if limit <= 0 {
		return
	}
	started := time.Now()
	verdict, short := Illegal, noShortage
	if j.prepared.possible {
		verdict, short = search(s.ctx, j.prepared.calls, limit, s.guard)
	}
	j.duration += time.Since(started)
	s.settle(j, verdict, short)
}

// settle keeps what came of a search.
func (s *schedule) settle(j *job, verdict Verdict, short shortage) {
	j.verdict = verdict
	budget := sizeText(s.guard.allowance)
	switch short {
	case noShortage:
		j.reason = ""
	case ofTime:
		j.reason = "out of time: no answer within its share of the time budget"
	case ofMemory:
		j.hopeless = true
		j.reason = "out of memory: it needed more than " + budget
	case ofMemoryTogether:
		j.alone = true
		s.setAside.Add(1)
		j.reason = fmt.Sprintf("out of memory: it and the keys next to it needed more than %s, "+
			"and the time budget ended before it was searched alone", budget)
	}
}

// each calls f for every job, in order, on so many goroutines, and waits for them. It tells f how
// many jobs are not done when its own begins, itself among them.
func (s *schedule) each(jobs []*job, workers int, f func(j *job, behind int)) {
	queue := make(chan int, len(jobs))
	for i := range jobs {
		queue <- i
	}
	close(queue)
	var group sync.WaitGroup
	for range min(workers, len(jobs)) {
		group.Go(func() {
			for i := range queue {
				f(jobs[i], len(jobs)-i)
			}
		})
	}
	group.Wait()
}

// A judge decides whether operations of one key are legal, within a bound of its own. Prepared
// tells whether unknown operations are bounded and dropped first.
type judge func(ops []*history.Operation, prepared bool) Verdict

// explainer returns the judge for one of the explanations that are still to come, which together
// have the time that is left.
func (s *schedule) explainer(explanations int) judge {
	share := time.Until(s.explained) / time.Duration(explanations)
	end := time.Now().Add(share)
	return func(ops []*history.Operation, withPreparation bool) Verdict {
		limit := min(time.Until(end), share/probeShare)
		if limit <= 0 {
			return Unknown
		}
		if !withPreparation {
			verdict, _ := search(s.ctx, newCalls(ops), limit, s.guard)
			return verdict
		}
		p := prepare(ops)
		if !p.possible {
			return Illegal
		}
		verdict, _ := search(s.ctx, p.calls, limit, s.guard)
		return verdict
	}
}
