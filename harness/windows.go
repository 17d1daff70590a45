package harness

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
)

const (
	// spanTimeouts is how many timeouts a window or a span lasts at least in which success is asked
	// for: a client may need one to notice, and one to be answered.
	spanTimeouts = 2
	// attemptsMin is how many attempts there must have been in it.
	attemptsMin = 20
)

// A tally counts operations by the time of their call.
type tally struct {
	calls []time.Duration
	// sums holds at i what became of the first i operations.
	sums []results.Outcomes
}

// newTally counts operations, which it sorts by their calls.
func newTally(ops []history.Operation) tally {
	slices.SortStableFunc(ops, func(a, b history.Operation) int {
		return cmp.Compare(a.Call, b.Call)
	})
	t := tally{sums: make([]results.Outcomes, 1, len(ops)+1)}
	var sum results.Outcomes
	for _, op := range ops {
		sum.Count(op.Outcome)
		t.calls = append(t.calls, op.CallTime)
		t.sums = append(t.sums, sum)
	}
	return t
}

// between counts what was called from one time until before another.
func (t tally) between(from, to time.Duration) results.Outcomes {
	count := func(at time.Duration) results.Outcomes {
		return t.sums[sort.Search(len(t.calls), func(i int) bool { return t.calls[i] >= at })]
	}
	return count(max(from, to)).Minus(count(from))
}

// A moment is when something about a fault changes.
type moment struct {
	at    time.Duration
	fault *fault
	what  turn
}

// A turn is what changes.
type turn int

const (
	begins   turn = iota // its injection was asked for: it may bite from now on
	bites                // its injection was answered
	releases             // its heal was asked for
	ends                 // it is healed
)

// moments returns the turns of the faults that were injected, in order. One that was never healed
// lasts until the end.
func moments(faults []*fault, end time.Duration) []moment {
	var all []moment
	for _, f := range faults {
		if !f.injected {
			continue
		}
		r := f.result
		all = append(all,
			moment{r.BegunAt, f, begins}, moment{r.InjectedAt, f, bites},
			moment{cmp.Or(r.HealingAt, end), f, releases},
			moment{cmp.Or(r.HealedAt, end), f, ends})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return all
}

// windows returns the times in which the same faults were in force, those without any left out,
// with what was attempted at the nodes that had a majority. A node that was wiped is out from then
// on. What has no effect, or may have none yet or any more, is taken as having one: it only makes
// the core smaller.
func (d *driver) windows(ended endings, end time.Duration) []results.Window {
	windows := []results.Window{}
	var active []*fault
	var lost []string
	since, biting := time.Duration(0), 0
	for _, m := range moments(d.faults, end) {
		if len(active) > 0 && m.at > since {
			windows = append(windows, d.window(since, m.at, active, lost, biting > 0, ended))
		}
		since = m.at
		switch m.what {
		case begins:
			active = append(active, m.fault)
			if m.fault.fault.Kind.Loses() {
				lost = append(lost, m.fault.fault.Nodes...)
			}
		case bites:
			if m.fault.result.Effective {
				biting++
			}
		case releases:
			if m.fault.result.Effective {
				biting--
			}
		case ends:
			active = slices.DeleteFunc(active, func(f *fault) bool { return f == m.fault })
		}
	}
	return windows
}

// window describes one window.
func (d *driver) window(
	from, to time.Duration, active []*fault, lost []string, effective bool, ended endings,
) results.Window {
	w := results.Window{From: from, To: to, Core: []string{}, Effective: effective}
	var faults []nemesis.Fault
	for _, f := range active {
		w.Faults = append(w.Faults, f.fault.ID)
		faults = append(faults, f.fault)
	}
	cut, dead := nemesis.Effect(faults)
	w.Core = append(w.Core, nemesis.HealthyCore(d.env.Nodes(), cut, append(dead, lost...))...)
	for _, node := range w.Core {
		w.Attempts = w.Attempts.Plus(ended.within(node, from, to))
	}
	w.Asked = w.Effective && d.asked(from, to, w.Attempts)
	return w
}

// asked tells whether success can be asked for of nodes that had a majority.
func (d *driver) asked(from, to time.Duration, attempts results.Outcomes) bool {
	return to-from >= spanTimeouts*d.plan.Timeout && attempts.Total() >= attemptsMin
}

// spans returns for each node the times in which it had a majority while faults that bit were in
// force, whatever other faults came and went meanwhile, as far as they are long enough to ask
// something of it.
func (d *driver) spans(windows []results.Window, ended endings) []results.Span {
	spans := []results.Span{}
	for _, node := range d.env.Nodes() {
		var open *results.Span
		closeSpan := func() {
			if open == nil || open.To-open.From < spanTimeouts*d.plan.Timeout {
				return
			}
			open.Attempts = ended.within(node, open.From, open.To)
			open.Asked = d.asked(open.From, open.To, open.Attempts)
			spans = append(spans, *open)
		}
		for _, w := range windows {
			if !w.Effective || !slices.Contains(w.Core, node) {
				continue
			}
			if open == nil || open.To != w.From {
				closeSpan()
				open = &results.Span{Node: node, From: w.From}
			}
			open.To = w.To
		}
		closeSpan()
	}
	return spans
}

// endings hold the operations of each node by the time of their end.
type endings map[string][]history.Operation

func newEndings(ops []history.Operation) endings {
	e := make(endings)
	for _, op := range ops {
		e[op.Node] = append(e[op.Node], op)
	}
	for _, of := range e {
		slices.SortStableFunc(of, func(a, b history.Operation) int {
			return cmp.Compare(a.ReturnTime, b.ReturnTime)
		})
	}
	return e
}

// within counts what a node was asked and what ended, one way or the other, from one time to
// another: what was under way at either end says nothing of what was in between.
func (e endings) within(node string, from, to time.Duration) results.Outcomes {
	of := e[node]
	var count results.Outcomes
	first := sort.Search(len(of), func(i int) bool { return of[i].ReturnTime >= from })
	for _, op := range of[first:] {
		if op.ReturnTime > to {
			break
		}
		if op.CallTime >= from {
			count.Count(op.Outcome)
		}
	}
	return count
}

// firstOK returns how long after a time a node's next operation ended ok.
func (e endings) firstOK(node string, at time.Duration) (time.Duration, bool) {
	of := e[node]
	first := sort.Search(len(of), func(i int) bool { return of[i].ReturnTime >= at })
	for _, op := range of[first:] {
		if op.Outcome == history.OK {
			return op.ReturnTime - at, true
		}
	}
	return 0, false
}

// tallyFaults puts into the results of the faults what was attempted while each was in force, and
// when each node that it touched answered an operation after the heal had begun.
func (d *driver) tallyFaults(ops []history.Operation, ended endings, end time.Duration) {
	all := newTally(slices.Clone(ops))
	for _, f := range d.faults {
		if !f.injected {
			continue
		}
		// From the first to the last moment at which it may have bitten: a fault that takes longer
		// to inject than it lasts, as a wipe may, still met what was called meanwhile.
		f.result.Attempts = all.between(f.result.BegunAt, cmp.Or(f.result.HealedAt, end))
		if f.result.HealingAt == 0 {
			continue
		}
		f.result.FirstOK = make(map[string]time.Duration)
		for _, node := range f.touched() {
			if took, ok := ended.firstOK(node, f.result.HealingAt); ok && !d.lost[node] {
				f.result.FirstOK[node] = took
			}
		}
	}
}

// touched returns the nodes that the fault happens to, sorted, each once.
func (f *fault) touched() []string {
	nodes := slices.Clone(f.fault.Nodes)
	for _, link := range nemesis.Union(f.fault.Cut, f.fault.Links).Links() {
		nodes = append(nodes, link.From, link.To)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// firstOK returns, for each node that is not lost, the time from when the last heal began until an
// operation through it ended ok; nothing for a run that did not come to its recovery.
func (d *driver) firstOK(ended endings) map[string]time.Duration {
	if d.recovery.begun == 0 {
		return nil
	}
	last := time.Duration(0)
	for _, f := range d.faults {
		last = max(last, f.result.HealingAt)
	}
	if last == 0 {
		last = d.recovery.begun
	}
	first := make(map[string]time.Duration)
	for _, node := range d.survivors() {
		if took, ok := ended.firstOK(node, last); ok {
			first[node] = took
		}
	}
	return first
}
