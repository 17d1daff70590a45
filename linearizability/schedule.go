package linearizability

import (
	"cmp"
	"context"
	"slices"
	"sync"
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
}

// begin returns when the key was first called, as an index of the record.
func (j *job) begin() int64 {
	first := j.ops[0].Call
	for _, op := range j.ops {
		first = min(first, op.Call)
	}
	return first
}

// A schedule shares the time budget of a check among its keys, and is where the clock is read.
type schedule struct {
	ctx     context.Context
	workers int
	started time.Time
	// judged is when the verdicts must be there, explained when the explanations must.
	judged, explained time.Time
}

// explainShare is the part of the budget that is kept for the explanations: one in so many.
const explainShare = 5

// probeShare bounds each search for an explanation to one in so many of the explanation's time.
const probeShare = 16

func newSchedule(ctx context.Context, budget time.Duration, workers int) *schedule {
	now := time.Now()
	return &schedule{
		ctx: ctx, workers: workers, started: now,
		judged: now.Add(budget - budget/explainShare), explained: now.Add(budget),
	}
}

func (s *schedule) elapsed() time.Duration { return time.Since(s.started) }

// run brings every job to a verdict or to the end of the budget.
//
// In a round each key gets an equal share of the time that is left when its turn comes, the keys
// with the fewest calls first: what the easy ones do not use goes to the hard ones, and a key
// that explodes takes its own share and no other's. Keys without an answer go into another round
// as long as time is left, which it is only when others needed less than their shares, and so
// every round is longer a key or has fewer keys.
func (s *schedule) run(jobs []*job) {
	s.each(jobs, func(j *job, _ int) {
		j.prepared = prepare(j.ops)
		j.verdict, j.reason = Unknown, "the time budget ended before its turn"
	})
	pending := slices.Clone(jobs)
	slices.SortStableFunc(pending, func(a, b *job) int {
		return cmp.Compare(len(a.prepared.all), len(b.prepared.all))
	})
	for len(pending) > 0 && s.ctx.Err() == nil && time.Now().Before(s.judged) {
		s.each(pending, func(j *job, behind int) {
			left := time.Until(s.judged)
			s.judge(j, min(left, left*time.Duration(s.workers)/time.Duration(behind)))
		})
		pending = slices.DeleteFunc(pending, func(j *job) bool { return j.verdict != Unknown })
	}
	if s.ctx.Err() != nil {
		for _, j := range pending {
			j.reason = "the check was interrupted"
		}
	}
}

// judge searches one key for at most limit.
func (s *schedule) judge(j *job, limit time.Duration) {
	if limit <= 0 {
		return
	}
	started := time.Now()
	if j.verdict = Illegal; j.prepared.possible {
		j.verdict = search(s.ctx, j.prepared.calls, limit)
	}
	j.duration += time.Since(started)
	j.reason = ""
	if j.verdict == Unknown {
		j.reason = "no answer within its share of the time budget"
	}
}

// each calls f for every job, in order, on as many goroutines as there are workers, and waits for
// them. It tells f how many jobs are not done when its own begins, itself among them.
func (s *schedule) each(jobs []*job, f func(j *job, behind int)) {
	queue := make(chan int, len(jobs))
	for i := range jobs {
		queue <- i
	}
	close(queue)
	var group sync.WaitGroup
	for range min(s.workers, len(jobs)) {
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
			return search(s.ctx, newCalls(ops), limit)
		}
		p := prepare(ops)
		if !p.possible {
			return Illegal
		}
		return search(s.ctx, p.calls, limit)
	}
}
