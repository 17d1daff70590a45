package nemesis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Schedule is a list of faults, ordered by At, then ID (shorter ones first, so that f2 comes
// before f10). Faults may overlap.
type Schedule []Fault

// Ordered returns the schedule in order, with every cut in canonical form, and with an id for each
// fault that has none: f1, f2, … in the order of time, as listed where times are equal, leaving out
// those that are taken.
func (s Schedule) Ordered() Schedule {
	result := slices.Clone(s)
	slices.SortStableFunc(result, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	taken := map[string]bool{}
	for _, fault := range result {
		taken[fault.ID] = true
	}
	number := 0
	for i := range result {
		fault := &result[i]
		for fault.ID == "" {
			number++
			if id := fmt.Sprintf("f%d", number); !taken[id] {
				fault.ID = id
			}
		}
		if fault.Cut != nil {
			fault.Cut = fault.Cut.Canonical()
		}
	}
	slices.SortStableFunc(result, compareFaults)
	return result
}

func compareFaults(a, b Fault) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(len(a.ID), len(b.ID)),
		strings.Compare(a.ID, b.ID))
}

// Active returns the faults that are meant to be in force at the time t since the clients started:
// from At on, until just before their end.
func (s Schedule) Active(t time.Duration) []Fault {
	var active []Fault
	for _, fault := range s {
		if fault.At <= t && t < fault.End() {
			active = append(active, fault)
		}
	}
	return active
}

// End returns when the last fault is healed, in time since the clients started; 0 without faults.
func (s Schedule) End() time.Duration {
	var end time.Duration
	for _, fault := range s {
		end = max(end, fault.End())
	}
	return end
}

// Resolve returns the schedule with every fault resolved, as [Fault.Resolve] says. An error names
// the fault.
func (s Schedule) Resolve(nodes []string) (Schedule, error) {
	result := slices.Clone(s)
	for i, fault := range result {
		resolved, err := fault.Resolve(nodes)
		if err != nil {
			return nil, fmt.Errorf("fault %s: %w", fault.label(i), err)
		}
		result[i] = resolved
	}
	return result, nil
}

// label names the fault at index i of a schedule in an error.
func (f Fault) label(i int) string {
	if f.ID != "" {
		return f.ID
	}
	return fmt.Sprintf("number %d", i+1)
}
