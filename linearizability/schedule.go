package linearizability

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
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
	// certificate proves that the key is illegal, if the method is ByCertificate.
	certificate []*history.Operation
	detached    map[int64]bool
	verdict     Verdict
	method      Method
	reason      string
	duration    time.Duration
	// legalPrefix is how many of the operations that ended first were found legal, if no more was
	// found. died is what a child died of.
	legalPrefix int
	died        string
	// inChild tells that the verdict is a child's: then the explanation is left to one, too.
	inChild bool
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
	// child returns the command of another process that searches, see Options.Child; or is nil.
	child   func(context.Context) *exec.Cmd
	started time.Time
	// judged is when the verdicts must be there, explained when the explanations must.
	judged, explained time.Time
	// setAside is how many jobs wait for being alone.
	setAside atomic.Int64
	// together is how many searches there may be at the same time.
	together int
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
		ctx: ctx, workers: workers, together: workers, guard: g, started: now,
		judged: now.Add(budget - budget/explainShare), explained: now.Add(budget),
	}
}

func (s *schedule) elapsed() time.Duration { return time.Since(s.started) }

// postpone moves all deadlines: so much time went by in which nothing was judged.
func (s *schedule) postpone(idle time.Duration) {
	s.started = s.started.Add(idle)
	s.judged, s.explained = s.judged.Add(idle), s.explained.Add(idle)
}

// decideAll decides the jobs that need no search. The others are left without a method.
func (s *schedule) decideAll(jobs []*job) {
	s.each(jobs, s.workers, func(j *job, _ int) {
		started := time.Now()
		j.prepared = prepare(j.ops)
		j.verdict, j.reason = Unknown, "out of time: the time budget ended before its turn"
		j.alone = !s.guard.fits(len(j.prepared.all), s.workers)
		s.decide(j)
		j.duration = time.Since(started)
	})
}

// searchAll brings jobs that were not decided to a verdict, or to the end of a budget, within a
// limit that is all the time for verdicts that is left or less.
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
func (s *schedule) searchAll(jobs []*job, limit time.Duration) {
	until := time.Now().Add(limit)
	pending := slices.Clone(jobs)
	slices.SortStableFunc(pending, func(a, b *job) int {
		return cmp.Compare(len(a.prepared.all), len(b.prepared.all))
	})
	for len(pending) > 0 && s.ctx.Err() == nil && time.Now().Before(until) {
		s.round(pending, until)
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

// round searches every job once, until a time at the latest: first those that may be searched at
// the same time, then those that must be alone.
func (s *schedule) round(pending []*job, until time.Time) {
	together := slices.DeleteFunc(slices.Clone(pending), func(j *job) bool { return j.alone })
	s.setAside.Store(int64(len(pending) - len(together)))
	s.together = max(1, min(s.workers, len(together)))
	s.each(together, s.workers, func(j *job, behind int) {
		left, workers := time.Until(until), time.Duration(s.workers)
		turns := time.Duration(behind) + workers*time.Duration(s.setAside.Load())
		s.judge(j, min(left, left*workers/turns))
	})
	alone := slices.DeleteFunc(slices.Clone(pending), func(j *job) bool { return !j.alone })
	s.each(alone, 1, func(j *job, behind int) {
		s.judge(j, time.Until(until)/time.Duration(behind))
	})
}

// judge searches one key for at most limit.
func (s *schedule) judge(j *job, limit time.Duration) {
	if limit <= 0 {
		return
	}
	started := time.Now()
	verdict, short := s.searchSomewhere(j, limit)
	j.duration += time.Since(started)
	s.settle(j, verdict, short)
}

// searchSomewhere searches a key in this process if that is over soon, and in another one if it is
// not and there is one.
func (s *schedule) searchSomewhere(j *job, limit time.Duration) (Verdict, shortage) {
	if s.child == nil {
		return s.search(j, limit)
	}
	if len(j.prepared.all) <= shortSearchMax {
		verdict, short := s.search(j, min(limit, shortSearch))
		if verdict != Unknown || limit <= shortSearch {
			return verdict, short
		}
		limit -= shortSearch
	}
	memory := int64(s.guard.allowance)
	if !j.alone {
		memory /= int64(s.together)
	}
	answer, err := s.ask(newChildRequest(j.ops, limit, memory))
	switch {
	case errors.Is(err, errChildDied):
		answer.Verdict, answer.Short, j.died = Unknown, ofProcess, err.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		answer.Verdict, answer.Short = Unknown, ofTime
	case err != nil:
		return s.search(j, limit) // there is no other process to be had
	}
	s.guard.saw(answer.Peak)
	j.inChild = true
	j.legalPrefix = max(j.legalPrefix, answer.LegalPrefix)
	if answer.Short == ofMemory && !j.alone && s.together > 1 {
		answer.Short = ofMemoryTogether
	}
	return answer.Verdict, answer.Short
}

// firstPrefix is how many operations have ended in the first part of a key that is searched for
// itself, and prefixGrowth by how much each further part is longer.
const firstPrefix, prefixGrowth = 256, 4

// search asks porcupine for at most limit: longer and longer parts of the key, from its beginning,
// and then the whole. If a part is illegal, so is the whole (see cutSuffix), and that may be found
// where the whole could not be finished. If the whole is not finished, it is known how far it is
// legal.
func (s *schedule) search(j *job, limit time.Duration) (Verdict, shortage) {
	deadline := time.Now().Add(limit)
	returns := returnsOf(j.ops)
	for n := firstPrefix; n < len(returns)/2; n *= prefixGrowth {
		if n <= j.legalPrefix {
			continue
		}
		p := prepare(prefix(j.ops, returns[n-1]))
		verdict, short := s.searchOnce(p, time.Until(deadline))
		if verdict != Legal {
			return verdict, short
		}
		j.legalPrefix = n
	}
	return s.searchOnce(j.prepared, time.Until(deadline))
}

func (s *schedule) searchOnce(p prepared, limit time.Duration) (Verdict, shortage) {
	if !p.possible {
		return Illegal, noShortage
	}
	if p.unique && !p.exact() {
		// Without the unknown calls that nobody saw it is quick, and a legal order stands.
		verdict, _ := search(s.ctx, p.withoutUnseen(true), limit/2, s.guard)
		if verdict == Legal {
			return Legal, noShortage
		}
		limit /= 2
	}
	return search(s.ctx, p.calls, limit, s.guard)
}

// settle keeps what came of a search.
func (s *schedule) settle(j *job, verdict Verdict, short shortage) {
	j.verdict = verdict
	if verdict != Unknown {
		j.method = BySearch
	}
	budget := sizeText(s.guard.allowance)
	switch short {
	case noShortage:
		j.reason = ""
	case ofTime:
		j.reason = "out of time: no answer within its share of the time budget"
	case ofMemory:
		j.hopeless = true
		j.reason = "out of memory: it needed more than " + budget
	case ofProcess:
		j.hopeless = true
		j.reason = j.died
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
		if p.exact() {
			if _, broken := p.decide(); broken != nil {
				return Illegal
			}
			return Legal
		}
		verdict, _ := s.searchOnce(p, limit)
		return verdict
	}
}

// decide judges a key without a search where that can be done, and has porcupine confirm it.
func (s *schedule) decide(j *job) {
	if s.ctx.Err() != nil {
		return
	}
	if !j.prepared.unique {
		if broken := impossible(j.prepared.calls); broken != nil {
			j.certificate = broken.recorded(j.prepared.calls)
			s.confirmCertificate(j)
		}
		return
	}
	witness, broken := j.prepared.decide()
	switch {
	case broken != nil:
		j.certificate, j.detached = broken.certificate(j.prepared.decided())
		s.confirmCertificate(j)
	case j.prepared.exact():
		j.method = ByWitness
		s.confirmed(j, confirmWitness(
			s.ctx, j.prepared.calls, witness, s.judged, s.workers), Legal)
	}
}

// confirmCertificate asks porcupine about the operations of a certificate, as they were recorded.
func (s *schedule) confirmCertificate(j *job) {
	j.method = ByCertificate
	verdict, _ := search(s.ctx, newCalls(j.certificate), time.Until(s.judged), s.guard)
	s.confirmed(j, verdict, Illegal)
}

// confirmed settles a key that was decided, when porcupine has had its say.
func (s *schedule) confirmed(j *job, said, decided Verdict) {
	switch said {
	case decided:
		j.verdict, j.reason = decided, ""
	case Unknown:
		j.verdict, j.method = Unknown, ""
		j.reason = "out of time: it was found " + string(decided) + ", but not confirmed"
	default:
		j.verdict, j.reason = Disputed, fmt.Sprintf("it was found %s by its %s, and porcupine "+
			"finds that %s: Ordeal or porcupine is wrong", decided, j.method, said)
	}
}
