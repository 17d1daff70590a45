package nemesis

import (
	"errors"
	"fmt"
	"time"
)

// Limits of the parameters of faults.
const (
	delayMax   = 10 * time.Second
	percentMax = 100
	// rateMin and rateMax bound how much too slow and too fast a clock runs, in percent.
	rateMin, rateMax = -90, 900
)

// parameters says in words what a fault does beyond its kind and targets.
func (f Fault) parameters() []string {
	var words []string
	add := func(given bool, format string, value any) {
		if given {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	add(len(f.Links) > 0, "of %s", f.Links)
	add(f.Delay > 0, "delay %v", f.Delay)
	add(f.Jitter > 0, "± %v", f.Jitter)
	add(f.Loss > 0, "loss %d %%", f.Loss)
	add(f.Duplicate > 0, "duplicate %d %%", f.Duplicate)
	add(f.Hold, "%s", "held")
	add(f.Rate != 0, "rate %+d %%", f.Rate)
	add(f.Stay, "%s", "to the end")
	return words
}

// completeGraph returns all links between nodes.
func completeGraph(nodes []string) Graph {
	g := Graph{}
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to {
				g[from] = append(g[from], to)
			}
		}
	}
	return g.Canonical()
}

// validateParameters returns an error unless the fault has the parameters that its kind wants, in
// their ranges, and no others.
func (f Fault) validateParameters() error {
	packets := f.Kind == Packets
	if f.Stay && f.Kind.Loses() {
		return fieldErrorf("stay", "a %s stays in any case: want no stay", f.Kind)
	}
	switch {
	case !packets && (f.Links != nil || f.Jitter != 0 || f.Loss != 0 || f.Duplicate != 0 || f.Hold):
		return fmt.Errorf("a %s has no links, jitter, loss, duplicate or hold: they are for %s",
			f.Kind, Packets)
	case f.Delay != 0 && !packets && f.Kind != SlowDisk:
		return fieldErrorf("delay", "a %s has no delay: it is for %s and %s", f.Kind, Packets, SlowDisk)
	case f.Rate != 0 && f.Kind != Drift:
		return fieldErrorf("rate", "a %s has no rate: it is for %s", f.Kind, Drift)
	case f.Delay < 0 || f.Delay > delayMax:
		return fieldErrorf("delay", "delay is %v: want up to %v", f.Delay, delayMax)
	case f.Jitter < 0 || f.Jitter > f.Delay:
		return fieldErrorf("jitter", "jitter is %v: want up to the delay, %v", f.Jitter, f.Delay)
	case f.Loss < 0 || f.Loss > percentMax:
		return fieldErrorf("loss", "loss is %d: want 0 to %d, in percent", f.Loss, percentMax)
	case f.Duplicate < 0 || f.Duplicate > percentMax:
		return fieldErrorf("duplicate", "duplicate is %d: want 0 to %d, in percent",
			f.Duplicate, percentMax)
	case packets && f.Delay == 0 && f.Loss == 0 && f.Duplicate == 0 && !f.Hold:
		return errors.New("packets has nothing to do: want a delay, loss, duplicate or hold")
	case f.Kind == SlowDisk && f.Delay == 0:
		return errors.New("a slow-disk has no delay: want how much longer a sync takes, " +
			"such as delay: 50ms")
	case f.Kind == Drift && f.Rate == 0 || f.Rate < rateMin || f.Rate > rateMax:
		return fieldErrorf("rate", "rate is %d: want %d to %d, in percent, and not 0",
			f.Rate, rateMin, rateMax)
	}
	return nil
}
