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
	// windowTimeouts is how many timeouts a window lasts at least in which success is asked for:
	// a client may need one to notice, and one to be answered.
	windowTimeouts = 2
	// windowAttempts is how many attempts there must have been in it.
	windowAttempts = 20
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

// A moment is when a fault begins or is healed.
type moment struct {
	at     time.Duration
	fault  *fault
	begins bool
}

// moments returns when the faults that were injected began and when they were healed, in order. One
// that was never healed lasts until the end.
func moments(faults []*fault, end time.Duration) []moment {
	var all []moment
	for _, f := range faults {
		if !f.injected {
			continue
		}
		until := f.result.HealedAt
		if until == 0 {
			until = end
		}
		all = append(all, moment{f.result.BegunAt, f, true}, moment{until, f, false})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return all
}

// windows returns the times in which the same faults were in force, those without any left out,
// with what was attempted at the nodes that had a majority. A node that was wiped is out from then
// on. What has no effect is taken as having one: it only makes the core smaller.
func (d *driver) windows(ops []history.Operation, end time.Duration) []results.Window {
	nodes := d.env.Nodes()
	byNode := make(map[string][]history.Operation)
	for _, op := range ops {
		byNode[op.Node] = append(byNode[op.Node], op)
	}
	tallies := make(map[string]tally)
	for _, node := range nodes {
		tallies[node] = newTally(byNode[node])
	}
	windows := []results.Window{}
	var active []*fault
	var lost []string
	since := time.Duration(0)
	for _, m := range moments(d.faults, end) {
		if len(active) > 0 && m.at > since {
			windows = append(windows, d.window(since, m.at, active, lost, tallies))
		}
		since = m.at
		if !m.begins {
			active = slices.DeleteFunc(active, func(f *fault) bool { return f == m.fault })
			continue
		}
		active = append(active, m.fault)
		if m.fault.fault.Kind == nemesis.Wipe {
			lost = append(lost, m.fault.fault.Nodes...)
		}
	}
	return windows
}

// window describes one window.
func (d *driver) window(
	from, to time.Duration, active []*fault, lost []string, tallies map[string]tally,
) results.Window {
	w := results.Window{From: from, To: to, Core: []string{}}
	var faults []nemesis.Fault
	effective := false
	for _, f := range active {
		w.Faults = append(w.Faults, f.fault.ID)
		faults = append(faults, f.fault)
		effective = effective || f.result.Effective
	}
	cut, dead := nemesis.Effect(faults)
	w.Core = append(w.Core, nemesis.HealthyCore(d.env.Nodes(), cut, append(dead, lost...))...)
	// What is called in the last timeout may be cut short by the next fault.
	counted := max(from, to-d.plan.Timeout)
	for _, node := range w.Core {
		w.Attempts = w.Attempts.Plus(tallies[node].between(from, counted))
	}
	w.Asked = effective && len(w.Core) > 0 && to-from >= windowTimeouts*d.plan.Timeout &&
		w.Attempts.Total() >= windowAttempts
	return w
}

// tallyFaults puts into the results of the faults what was attempted while each was in force, and
// when each node that it touched answered an operation after the heal had begun.
func (d *driver) tallyFaults(ops []history.Operation, end time.Duration) {
	all := newTally(slices.Clone(ops))
	served := newServed(ops)
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
			if took, ok := served.after(node, f.result.HealingAt); ok && !d.lost[node] {
				f.result.FirstOK[node] = took
			}
		}
	}
}

// touched returns the nodes that the fault happens to, sorted, each once.
func (f *fault) touched() []string {
	nodes := slices.Clone(f.fault.Nodes)
	for _, link := range f.fault.Cut.Links() {
		nodes = append(nodes, link.From, link.To)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}

// served holds for each node when its operations ended ok, in order.
type served map[string][]time.Duration

func newServed(ops []history.Operation) served {
	s := make(served)
	for _, op := range ops {
		if op.Outcome == history.OK {
			s[op.Node] = append(s[op.Node], op.ReturnTime)
		}
	}
	for _, times := range s {
		slices.Sort(times)
	}
	return s
}

// after returns how long after a time the node's next operation ended ok.
func (s served) after(node string, at time.Duration) (time.Duration, bool) {
	times := s[node]
	i, _ := slices.BinarySearch(times, at)
	if i == len(times) {
		return 0, false
	}
	return times[i] - at, true
}

// firstOK returns, for each node that is not lost, the time from when the last heal began until an
// operation through it ended ok; nothing for a run that did not come to its recovery.
func (d *driver) firstOK(ops []history.Operation) map[string]time.Duration {
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
	served, first := newServed(ops), make(map[string]time.Duration)
	for _, node := range d.survivors() {
		if took, ok := served.after(node, last); ok {
			first[node] = took
		}
	}
	return first
}
