package nemesis

import "fmt"

// Core returns those of nodes that can be asked to serve once everything but what stays is healed:
// they are not lost, and the faults that stay leave them connected both ways to a live majority.
func (s Schedule) Core(nodes []string) []string {
	var staying []Fault
	for _, f := range s {
		if f.Stay {
			staying = append(staying, f)
		}
	}
	cut, dead := Effect(staying)
	return HealthyCore(nodes, cut, append(dead, s.Losses()...))
}

// ValidateCore returns an error if faults stay and leave no node that could serve.
func (s Schedule) ValidateCore(nodes []string) error {
	if len(s.Core(nodes)) > 0 {
		return nil
	}
	for _, f := range s {
		if f.Stay {
			return fmt.Errorf("the faults that stay, such as %s, leave no node a majority to "+
				"recover with", f.ID)
		}
	}
	return nil
}
