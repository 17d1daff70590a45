package linearizability

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ordeal/history"
)

const (
	// keysListedMax is how many keys a report lists, so that it does not grow with the history.
	keysListedMax = 10_000
	// waitingMax is how many operations there are on keys that wait for a search, while others are
	// still handed over. If there are more these keys are searched before anything else.
	waitingMax = 1 << 18
)

// Parts is a check of a history that does not fit in memory: it is handed over in parts, each of
// which holds some keys with all their operations, and is judged as if it were one. All bounds of
// the Options hold for the parts together. What is held at a time is the part that is judged, the
// keys that have to be searched (of which there are none in histories of unique values, and some
// hundred thousand operations at most) and those that are to be explained.
//
// What is not in one part is not compared: that a process calls one operation at a time is checked
// within a part only, since a history.Reader has refused the history otherwise.
//
// Parts are not safe for concurrent use.
type Parts struct {
	model    Model
	options  Options
	guard    *guard
	schedule *schedule
	report   Report
	// waiting are the keys to be searched, waitingOps how many operations they have.
	waiting    []*job
	waitingOps int
	// illegal are those to be explained.
	illegal []*job
	// legal and others are the keys to be listed, by their verdicts.
	legal, others []KeyReport
	// idle is since when nothing is judged: that time is not the check's.
	idle time.Time
}

// Begin begins a check in parts, which has to be closed. The clock of the budget runs while parts
// are judged, and not while they are made.
func Begin(ctx context.Context, model Model, options Options) *Parts {
	options = options.withDefaults()
	g := newGuard(options.Memory)
	s := newSchedule(ctx, options.Budget, options.Workers, g)
	s.child = options.Child
	return &Parts{
		model: model, options: options, guard: g, schedule: s, idle: s.started,
		report: Report{Model: model.name, Verdict: Legal},
	}
}

// Close ends the check. It can be called twice.
func (p *Parts) Close() { p.guard.close() }

// Add judges more keys. Each slice holds all operations of the keys that it names, in any order,
// and is not changed; it may be used as long as the check is not closed. About so many operations
// as left says are still to come, which is how the time is shared out between the keys that have to
// be searched.
//
// An error wraps ErrInvalid: the operations are no history of the model, and nothing of them was
// judged.
func (p *Parts) Add(keys [][]history.Operation, left int) error {
	p.wake()
	defer p.rest()
	var jobs []*job
	for _, ops := range keys {
		if err := validate(p.model, ops); err != nil {
			return fmt.Errorf("check by the model %s: %w", p.model.name, err)
		}
		jobs = append(jobs, partition(p.model, ops)...)
	}
	p.schedule.decideAll(jobs)
	for _, j := range jobs {
		if j.method != "" {
			p.settle(j)
			continue
		}
		p.waiting = append(p.waiting, j)
		p.waitingOps += len(j.ops)
	}
	if left > 0 && p.waitingOps > waitingMax {
		p.search(left)
	}
	return nil
}

// Over tells that nothing more would be judged: the time is over, or the context is done.
func (p *Parts) Over() bool {
	return p.schedule.ctx.Err() != nil || !p.idle.Before(p.schedule.judged)
}

// Leave counts so many keys that were not handed over, and so have no answer.
func (p *Parts) Leave(keys int) {
	if keys > 0 {
		p.report.Counts.Unknown += keys
		p.report.worsen(Unknown)
	}
}

// End judges what is left, explains the first violations and returns the report of all parts.
func (p *Parts) End() Report {
	p.wake()
	defer p.rest()
	p.search(0)
	for i, j := range p.illegal {
		p.report.Violations = append(
			p.report.Violations, p.schedule.explain(j, len(p.illegal)-i))
	}
	legal := p.legal[:min(len(p.legal), keysListedMax-len(p.others))]
	p.report.Keys = slices.Concat(p.others, legal)
	slices.SortFunc(p.report.Keys, func(a, b KeyReport) int { return cmp.Compare(a.Key, b.Key) })
	p.report.Duration, p.report.Memory = p.schedule.elapsed(), p.guard.usage()
	return p.report
}

// wake and rest stop the clock while nothing is judged.
func (p *Parts) wake() { p.schedule.postpone(time.Since(p.idle)) }

func (p *Parts) rest() { p.idle = time.Now() }

// search brings the keys that wait to their verdicts, within their share of the time.
func (p *Parts) search(left int) {
	limit := time.Until(p.schedule.judged)
	if left > 0 {
		limit = scale(limit, p.waitingOps, p.waitingOps+left)
	}
	p.schedule.searchAll(p.waiting, limit)
	for _, j := range p.waiting {
		p.settle(j)
	}
	p.waiting, p.waitingOps = nil, 0
}

// scale returns the part of a time that is as large as n is of all.
func scale(d time.Duration, n, all int) time.Duration {
	return time.Duration(float64(d) * float64(n) / float64(all))
}

// settle adds a key that has its verdict, and lets go of its operations unless they are to be
// explained: of the illegal keys those that were used first.
func (p *Parts) settle(j *job) {
	p.report.add(j)
	listed := &p.others
	if j.verdict == Legal {
		listed = &p.legal
	}
	if len(*listed) < keysListedMax {
		*listed = append(*listed, j.report())
	}
	if j.verdict != Illegal || p.options.Explanations == 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(p.illegal, j, func(a, b *job) int {
		return cmp.Or(cmp.Compare(a.begin(), b.begin()), cmp.Compare(a.key, b.key))
	})
	if at == p.options.Explanations {
		return
	}
	p.illegal = slices.Insert(p.illegal, at, j)
	p.illegal = p.illegal[:min(len(p.illegal), p.options.Explanations)]
}
