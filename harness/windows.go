package harness

import (
	"cmp"
	"slices"
	"time"

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
// and the nodes that had a majority; what was attempted there is still to be counted. A node that
// was wiped is out from then on. What has no effect, or may have none yet or any more, is taken as
// having one: it only makes the core smaller.
func (d *driver) windows(end time.Duration) []results.Window {
	windows := []results.Window{}
	var active []*fault
	var lost []string
	since, biting := time.Duration(0), 0
	for _, m := range moments(d.faults, end) {
		if len(active) > 0 && m.at > since {
			windows = append(windows, d.window(since, m.at, active, lost, biting > 0))
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
	from, to time.Duration, active []*fault, lost []string, effective bool,
) results.Window {
	w := results.Window{From: from, To: to, Core: []string{}, Effective: effective}
	var faults []nemesis.Fault
	for _, f := range active {
		w.Faults = append(w.Faults, f.fault.ID)
		faults = append(faults, f.fault)
	}
	cut, dead := nemesis.Effect(faults)
	w.Core = append(w.Core, nemesis.HealthyCore(d.env.Nodes(), cut, append(dead, lost...))...)
	return w
}

// asked tells whether success can be asked for of nodes that had a majority.
func (d *driver) asked(from, to time.Duration, attempts results.Outcomes) bool {
	return to-from >= spanTimeouts*d.plan.Timeout && attempts.Total() >= attemptsMin
}

// spans returns for each node the times in which it had a majority while faults that bit were in
// force, whatever other faults came and went meanwhile, as far as they are long enough to ask
// something of it. What was attempted there is still to be counted.
func (d *driver) spans(windows []results.Window) []results.Span {
	spans := []results.Span{}
	for _, node := range d.env.Nodes() {
		var open *results.Span
		closeSpan := func() {
			if open == nil || open.To-open.From < spanTimeouts*d.plan.Timeout {
				return
			}
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

// touched returns the nodes that the fault happens to, sorted, each once.
func (f *fault) touched() []string {
	nodes := slices.Clone(f.fault.Nodes)
	for _, link := range nemesis.Union(f.fault.Cut, f.fault.Links).Links() {
		nodes = append(nodes, link.From, link.To)
	}
	slices.Sort(nodes)
	return slices.Compact(nodes)
}
