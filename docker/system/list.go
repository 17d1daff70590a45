package system

import (
	"fmt"
	"strings"

	"ordeal/node/paxos"
)

// A Description is what there is to know about a system before it is started.
type Description struct {
	Name, Text string
	// Bugs are the mistakes that its nodes can be started with.
	Bugs []Bug
	make func(bug string) System
}

// A Bug is a mistake that can be planted in every node of a system.
type Bug struct{ Name, Text string }

// List returns the systems that Ordeal knows, the usual one first.
func List() []Description {
	register := Description{
		Name: "paxos-register",
		Text: "a linearizable register for each key, and single decisions, on Paxos",
		make: PaxosRegister,
	}
	for _, bug := range paxos.Bugs() {
		register.Bugs = append(register.Bugs,
			Bug{bug.Name, fmt.Sprintf("%s (%s)", bug.Mistake, bug.SeenIn)})
	}
	return []Description{register}
}

// Named returns the system with that name, with a bug planted in each node, "" for none. An error
// says which names are accepted.
func Named(name, bug string) (System, error) {
	var names []string
	for _, description := range List() {
		if description.Name == name {
			return description.withBug(bug)
		}
		names = append(names, description.Name)
	}
	return System{}, fmt.Errorf("unknown system %q (accepted: %s)",
		name, strings.Join(names, ", "))
}

func (d Description) withBug(name string) (System, error) {
	if name == "" {
		return d.make(""), nil
	}
	var names []string
	for _, bug := range d.Bugs {
		if bug.Name == name {
			return d.make(name), nil
		}
		names = append(names, bug.Name)
	}
	return System{}, fmt.Errorf("%s has no bug %q (accepted: %s)",
		d.Name, name, strings.Join(names, ", "))
}
