package nemesis

import (
	"fmt"
	"slices"
	"strings"
)

// hopeless returns the fault of the schedule that keeps all victims of the fault at index i dead
// for as long as that lasts, so that it can have no effect: a process that is dead can be neither
// killed nor stopped nor paused. It returns false if there is none. A disk can be damaged whenever:
// the machine of a process that was killed may crash, too.
func (s Schedule) hopeless(i int) (by Fault, ok bool) {
	f := s[i]
	if len(f.Nodes) == 0 || f.Kind.Damages() {
		return Fault{}, false
	}
	for j, other := range s {
		first := other.At < f.At || other.At == f.At && j < i
		if j == i || !other.kills() || !first || other.until() < f.End() {
			continue
		}
		covers := func(victim string) bool { return slices.Contains(other.Nodes, victim) }
		if !slices.ContainsFunc(f.Nodes, func(v string) bool { return !covers(v) }) {
			return other, true
		}
	}
	return Fault{}, false
}

// kills tells whether the fault's victims are dead while it lasts.
func (f Fault) kills() bool { return f.Kind.Ends() }

// validateOverlaps returns an error for the first fault that can have no effect. The schedule is
// ordered.
func (s Schedule) validateOverlaps() error {
	for i, f := range s {
		if by, ok := s.hopeless(i); ok {
			are := "they are"
			if len(f.Nodes) == 1 {
				are = "it is"
			}
			return fmt.Errorf("fault %s: it cannot %s %s from %v to %v: %s dead all the "+
				"time for %s, from %v %s", f.label(i), f.Kind, strings.Join(f.Nodes, " "), f.At,
				f.End(), are, by.ID, by.At, by.untilText())
		}
	}
	return nil
}
