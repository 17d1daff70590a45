package harness

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"time"

	"ordeal/history"
	"ordeal/results"
)

// A tally counts operations by times that are known before: those of faults, windows and spans. It
// is told of each operation once, in the order in which they ended, and needs no memory for them.
type tally struct {
	calls   calls
	windows periods
	nodes   map[string]*nodeTally
}

// A nodeTally is what is counted of one node.
type nodeTally struct {
	spans periods
	first firstOKs
}

func newTally() *tally { return &tally{nodes: make(map[string]*nodeTally)} }

// node returns what is counted of a node.
func (t *tally) node(name string) *nodeTally {
	n := t.nodes[name]
	if n == nil {
		n = &nodeTally{}
		t.nodes[name] = n
	}
	return n
}

// begin has to be called when everything was asked for that will be, before anything is counted.
func (t *tally) begin() {
	t.calls.begin()
	for _, node := range t.nodes {
		node.first.begin()
	}
}

// count counts an operation.
func (t *tally) count(op *history.Operation) {
	t.calls.count(op)
	t.windows.count(op)
	if node := t.nodes[op.Node]; node != nil {
		node.spans.count(op)
		node.first.count(op)
	}
}

// Calls count operations by the time of their call.
type calls struct {
	// at are the times that can be asked for, rising.
	at []time.Duration
	// counts holds at i what was called from at[i-1] on, and before at[i].
	counts []results.Outcomes
}

// ask adds a time that can be asked for.
func (c *calls) ask(at time.Duration) { c.at = append(c.at, at) }

func (c *calls) begin() {
	slices.Sort(c.at)
	c.at = slices.Compact(c.at)
	c.counts = make([]results.Outcomes, len(c.at)+1)
}

func (c *calls) count(op *history.Operation) {
	c.counts[sort.Search(len(c.at), func(i int) bool { return c.at[i] > op.CallTime })].
		Count(op.Outcome)
}

// between returns what was called from one time until before another. Both were asked for.
func (c *calls) between(from, to time.Duration) results.Outcomes {
	var sum results.Outcomes
	place := func(at time.Duration) int {
		return sort.Search(len(c.at), func(i int) bool { return c.at[i] > at })
	}
	for i := place(from); i < place(to); i++ {
		sum = sum.Plus(c.counts[i])
	}
	return sum
}

// Periods are times that follow each other. What one ends with may be what the next begins with;
// else they do not overlap.
type periods []period

// A period counts what nodes were asked and what ended, one way or the other, from one time to
// another: what was under way at either end says nothing of what was in between.
type period struct {
	from, to time.Duration
	// nodes are those that count.
	nodes    []string
	attempts results.Outcomes
}

func (p periods) count(op *history.Operation) {
	later := sort.Search(len(p), func(i int) bool { return p[i].from > op.CallTime })
	for i := later - 1; i >= 0 && p[i].to >= op.ReturnTime; i-- {
		if slices.Contains(p[i].nodes, op.Node) {
			p[i].attempts.Count(op.Outcome)
		}
	}
}

// FirstOKs find the first operations that ended ok.
type firstOKs struct {
	// after are the times after which one is looked for, rising, and found the times at which one
	// ended, as far as there was one.
	after, found []time.Duration
}

// ask adds a time that can be asked for.
func (f *firstOKs) ask(after time.Duration) { f.after = append(f.after, after) }

func (f *firstOKs) begin() {
	slices.Sort(f.after)
	f.after = slices.Compact(f.after)
}

func (f *firstOKs) count(op *history.Operation) {
	if op.Outcome != history.OK {
		return
	}
	for n := len(f.found); n < len(f.after) && f.after[n] <= op.ReturnTime; n++ {
		f.found = append(f.found, op.ReturnTime)
	}
}

// within returns how long after a time, which was asked for, the next operation ended ok.
func (f *firstOKs) within(after time.Duration) (time.Duration, bool) {
	place, asked := slices.BinarySearch(f.after, after)
	if !asked || place >= len(f.found) {
		return 0, false
	}
	return f.found[place] - after, true
}

// tallied puts what is counted of the operations into the results of the faults and of the
// recovery, and into windows and spans; and counts those of each key, if that is asked for.
func (d *driver) tallied(
	ctx context.Context,
	windows []results.Window, spans []results.Span, operations source, keys *census,
) error {
	t := newTally()
	end := d.over
	d.askFaults(t, end)
	last, recovered := d.lastHeal()
	for _, node := range d.env.Nodes() {
		t.node(node).first.ask(last)
	}
	for _, w := range windows {
		t.windows = append(t.windows, period{from: w.From, to: w.To, nodes: w.Core})
	}
	for _, s := range spans {
		of := t.node(s.Node)
		of.spans = append(of.spans, period{from: s.From, to: s.To, nodes: []string{s.Node}})
	}
	t.begin()
	err := operations.each(ctx, func(op *history.Operation) error {
		t.count(op)
		if keys != nil {
			keys.count(op)
		}
		return nil
	})
	d.tellFaults(t, end)
	for i := range windows {
		w := &windows[i]
		w.Attempts = t.windows[i].attempts
		w.Asked = w.Effective && d.asked(w.From, w.To, w.Attempts)
	}
	told := make(map[string]int)
	for i := range spans {
		s := &spans[i]
		s.Attempts = t.node(s.Node).spans[told[s.Node]].attempts
		s.Asked = d.asked(s.From, s.To, s.Attempts)
		told[s.Node]++
	}
	if recovered {
		d.recovery.result.FirstOK = make(map[string]time.Duration)
		for _, node := range d.survivors() {
			if took, ok := t.node(node).first.within(last); ok {
				d.recovery.result.FirstOK[node] = took
			}
		}
	}
	return err
}

// lastHeal returns when the last heal began, or the proof of recovery where there was none; false
// for a run that did not come to its recovery.
func (d *driver) lastHeal() (at time.Duration, recovered bool) {
	for _, f := range d.faults {
		at = max(at, f.result.HealingAt)
	}
	if at == 0 {
		at = d.recovery.begun
	}
	return at, d.recovery.begun > 0
}

// askFaults asks for what was attempted while each fault was in force, and for when each node that
// it touched answered an operation after the heal had begun.
func (d *driver) askFaults(t *tally, end time.Duration) {
	for _, f := range d.faults {
		if !f.injected {
			continue
		}
		t.calls.ask(f.result.BegunAt)
		t.calls.ask(cmp.Or(f.result.HealedAt, end))
		for _, node := range f.touched() {
			t.node(node).first.ask(f.result.HealingAt)
		}
	}
}

// tellFaults puts the answers into the results of the faults.
func (d *driver) tellFaults(t *tally, end time.Duration) {
	for _, f := range d.faults {
		if !f.injected {
			continue
		}
		// From the first to the last moment at which it may have bitten: a fault that takes longer
		// to inject than it lasts, as a wipe may, still met what was called meanwhile.
		f.result.Attempts = t.calls.between(f.result.BegunAt, cmp.Or(f.result.HealedAt, end))
		if f.result.HealingAt == 0 {
			continue
		}
		f.result.FirstOK = make(map[string]time.Duration)
		for _, node := range f.touched() {
			took, ok := t.node(node).first.within(f.result.HealingAt)
			if ok && !d.lost[node] {
				f.result.FirstOK[node] = took
			}
		}
	}
}
