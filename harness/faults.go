package harness

import (
	"errors"
	"fmt"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/results"
)

// A heal that failed is tried again, healsMax times in all.
const (
	healsMax  = 3
	healRetry = 300 * time.Millisecond
)

// A fault is the life of one fault of the schedule.
type fault struct {
	fault nemesis.Fault
	phase history.Phase
	// injected tells that it is, or may be, in force and must be healed.
	injected bool
	// finished tells that nothing more will come of it.
	finished bool
	result   results.Fault
	// heals counts the attempts to heal it.
	heals int
	// generation tells a late answer from the one that is awaited.
	generation int
}

// inject starts a fault, unless the run is past its faults.
func (d *driver) inject(f *fault) {
	if d.phase != phaseLoad {
		return
	}
	f.result = results.Fault{
		ID: f.fault.ID, Kind: string(f.fault.Kind), Name: f.fault.Name, Nodes: f.fault.Nodes,
	}
	begun := d.now()
	f.result.BegunAt = begun
	d.step(f, history.Invoked, "", nil)
	if err := d.env.Unable(f.fault.Kind); err != nil {
		d.step(f, history.Skipped, err.Error(), nil)
		d.finish(f)
		return
	}
	done := d.once(f, func(evidence history.Evidence, err error) {
		f.result.InjectedAt = d.now()
		switch {
		case errors.Is(err, nemesis.ErrPrecondition):
			d.step(f, history.Skipped, err.Error(), nil)
			d.finish(f)
			return
		case err != nil:
			d.step(f, history.Indeterminate, err.Error(), &evidence)
		default:
			f.result.Effective = evidence.Shown
			d.step(f, history.Injected, "", &evidence)
		}
		f.injected = true
		d.lose(f.fault, evidence, err)
		if d.phase == phaseStop {
			d.heal(f)
			return
		}
		if f.fault.Stay {
			f.result.Stays = true
			d.finish(f)
			return
		}
		d.env.After(max(0, begun+f.fault.For-d.now()), func() { d.heal(f) })
	})
	d.env.Inject(f.fault, done)
}

// heal ends a fault. What was measured just before its end decides with the rest whether it counts.
func (d *driver) heal(f *fault) {
	if f.finished || f.phase == history.Healing {
		return
	}
	f.result.HealingAt = d.now()
	d.step(f, history.Healing, "", nil)
	d.tryHeal(f)
}

// tryHeal asks the environment to heal, and again when that failed: what stays in force would spoil
// everything after it.
func (d *driver) tryHeal(f *fault) {
	f.heals++
	done := d.once(f, func(evidence history.Evidence, err error) {
		if err != nil && f.heals < healsMax {
			d.log.Warn("a heal failed", "id", f.fault.ID, "attempt", f.heals, "error", err)
			d.env.After(healRetry, func() { d.tryHeal(f) })
			return
		}
		f.result.HealedAt = d.now()
		if !evidence.Shown && !evidence.Shows("end") {
			f.result.Effective = false
		}
		if err != nil {
			d.step(f, history.Indeterminate, err.Error(), &evidence)
		} else {
			f.result.Healed = evidence.Shown || evidence.Shows("after")
			d.step(f, history.Healed, "", &evidence)
		}
		d.finish(f)
	})
	d.env.Heal(f.fault, done)
}

// once returns a callback for the environment that takes the first answer only, and makes up one
// that says so when none came in time.
func (d *driver) once(
	f *fault, take func(history.Evidence, error),
) func(history.Evidence, error) {
	f.generation++
	awaited := f.generation
	answer := func(evidence history.Evidence, err error) {
		if f.generation != awaited {
			return
		}
		f.generation++
		take(evidence, err)
	}
	cancel := d.env.After(faultTimeout, func() {
		answer(history.Evidence{}, fmt.Errorf("no answer within %v", faultTimeout))
	})
	return func(evidence history.Evidence, err error) {
		cancel()
		answer(evidence, err)
	}
}

// step records a step in the life of a fault.
func (d *driver) step(f *fault, p history.Phase, reason string, e *history.Evidence) {
	f.phase = p
	f.result.Phase = p
	if reason != "" {
		f.result.Reason = reason
	}
	if e != nil {
		f.result.Evidence = append(f.result.Evidence, e.Measurements...)
	}
	d.log.Info("fault", "id", f.fault.ID, "phase", p, "fault", &f.fault, "reason", reason)
	recorded := history.Fault{
		ID: f.fault.ID, Phase: p, Kind: string(f.fault.Kind), Name: f.fault.Name,
		Nodes: f.fault.Nodes, Cut: f.fault.Cut, Links: f.fault.Links, Reason: reason, Evidence: e,
	}
	d.events = append(d.events, history.Event{
		Index: d.record.Next(), Time: d.now(), Type: history.TypeFault, Fault: &recorded,
	})
	d.record.Fault(recorded, d.now())
}

func (d *driver) finish(f *fault) {
	f.finished = true
	d.maybeRecover()
}

// faultResults returns what became of the faults, those that were never due left out.
func (d *driver) faultResults() []results.Fault {
	list := make([]results.Fault, 0, len(d.faults))
	for _, f := range d.faults {
		if f.phase != "" {
			f.result.Text = f.fault.String()
			list = append(list, f.result)
		}
	}
	return list
}
