package shrink

import (
	"context"
	"errors"
	"time"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/results"
)

// ErrNotReplayed is the error of a shrinking whose time was over before the run had been replayed
// once: nothing is known of it then.
var ErrNotReplayed = errors.New("the time was over before the run had been replayed once")

// replaysAfter is for how many replays of the best plan there is time left when the search for a
// smaller one ends: it is run once more here, and once more by whoever keeps it.
const replaysAfter = 2

// A deadline is when a search has to end.
type deadline struct {
	// over is when the time is, the zero value for never.
	over time.Time
	// replay is how long the run took that had so many events.
	replay time.Duration
	events uint64
	timer  *time.Timer
}

// limit returns when a shrinking that began then has to end, and the context of its first replay.
func (t Shrinking) limit(
	ctx context.Context, began time.Time,
) (*deadline, context.Context, context.CancelFunc) {
	if t.Time == 0 {
		return &deadline{}, ctx, func() {}
	}
	over := began.Add(t.Time)
	limited, cancel := context.WithDeadline(ctx, over)
	return &deadline{over: over}, limited, cancel
}

// begin returns the context of the search for a plan that is smaller than the run, of which that
// came.
func (d *deadline) begin(ctx context.Context, r Result) (context.Context, context.CancelFunc) {
	d.replay, d.events = r.Replay, r.Original.Events
	limited, cancel := context.WithCancel(ctx)
	if !d.over.IsZero() {
		d.timer = time.AfterFunc(d.left(d.events), cancel)
	}
	return limited, cancel
}

// left is how long it is until a plan of so many events has to be the last.
func (d *deadline) left(events uint64) time.Duration {
	share := float64(events) / float64(max(d.events, 1))
	return time.Until(d.over) - time.Duration(replaysAfter*share*float64(d.replay))
}

// move is to be told how many events the best plan has.
func (d *deadline) move(events uint64) {
	if d.timer != nil {
		d.timer.Reset(d.left(events))
	}
}

// notReplayed is the error of the first replay: err, unless that is that the time was over.
func notReplayed(ctx, limited context.Context, err error) error {
	if limited.Err() != nil && ctx.Err() == nil {
		return ErrNotReplayed
	}
	return err
}

// smaller tells whether there is less of anything.
func (s Size) smaller(than Size) bool {
	return s.Faults < than.Faults || s.Operations < than.Operations || s.Nodes < than.Nodes ||
		s.Events < than.Events
}

// unchanged makes the result the run itself, which came to that outcome.
func (r *Result) unchanged(p plan.Plan, o harness.Outcome) {
	r.Plan, r.Minimal, r.Steady = p, r.Original, false
	r.What, r.Trace = sentence(o, r.Class), o.Trace
}

// Smaller tells whether the run was made smaller.
func (r Result) Smaller() bool { return r.Minimal.smaller(r.Original) }

// sentence returns what an outcome's first violation of a class is.
func sentence(o harness.Outcome, class string) string {
	for _, f := range o.Findings {
		if f.Verdict == results.Violation && f.Class == class {
			return f.What
		}
	}
	return ""
}
