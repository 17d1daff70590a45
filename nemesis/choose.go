package nemesis

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// intervalMin is the shortest interval of a schedule.
const intervalMin = 10 * time.Millisecond

// choose returns the nemeses with the given names, in the order of Nemeses, each with the variants
// that so many nodes allow, and with the interval that its name was given. It returns none for
// "none" and for no names at all.
func choose(names []string, nodes int) ([]Nemesis, error) {
	all := Nemeses()
	intervals, err := chosenIntervals(all, names)
	if err != nil {
		return nil, err
	}
	var chosen []Nemesis
	for _, nemesis := range all {
		interval, ok := intervals[nemesis.Name]
		if nemesis.Name == None || !ok {
			continue
		}
		fitting, err := nemesis.fitting(nodes)
		if err != nil {
			return nil, err
		}
		fitting.interval = interval
		chosen = append(chosen, fitting)
	}
	return chosen, nil
}

// chosenIntervals maps the name of each nemesis that is chosen to the interval that stands behind
// it, as in "kill=5s", or to 0.
func chosenIntervals(all []Nemesis, names []string) (map[string]time.Duration, error) {
	accepted := make([]string, len(all))
	for i, nemesis := range all {
		accepted[i] = nemesis.Name
	}
	intervals := make(map[string]time.Duration)
	for _, text := range names {
		name, own, given := strings.Cut(text, "=")
		if !slices.Contains(accepted, name) {
			return nil, fmt.Errorf("nemesis %q is unknown: want some of %s",
				name, strings.Join(accepted, ", "))
		}
		if _, twice := intervals[name]; twice {
			return nil, fmt.Errorf("nemesis %q is named twice", name)
		}
		if name == None && (len(names) > 1 || given) {
			return nil, fmt.Errorf("nemesis %q cannot be combined with anything", None)
		}
		intervals[name] = 0
		if !given {
			continue
		}
		interval, err := time.ParseDuration(own)
		if err != nil || interval < intervalMin {
			return nil, fmt.Errorf("nemesis %q: %q is not an interval: want one from %v, "+
				"such as %s=5s", text, own, intervalMin, name)
		}
		intervals[name] = interval
	}
	return intervals, nil
}

// Estimate returns about how many faults would be drawn, without drawing them: one an interval for
// each nemesis. Names that are unknown count like others.
func Estimate(o Options) int {
	count := 0
	for _, text := range o.Nemeses {
		interval := o.Interval
		if _, own, given := strings.Cut(text, "="); given {
			if parsed, err := time.ParseDuration(own); err == nil {
				interval = parsed
			}
		}
		if interval <= 0 {
			interval = DefaultInterval
		}
		count += int(o.Time / interval)
	}
	return count
}
