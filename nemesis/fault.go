package nemesis

import (
	"fmt"
	"strings"
	"time"
)

// A Kind is a kind of fault.
type Kind string

// The kinds of faults.
const (
	// Partition cuts directed links between nodes: packets on them are dropped at the receiver.
	Partition Kind = "partition"
	// Kill ends the processes of Nodes by SIGKILL at the start and starts them again, with their
	// disks as they were, at the end.
	Kill Kind = "kill"
	// Stop asks the processes of Nodes to end, by SIGTERM, and starts them again at the end.
	Stop Kind = "stop"
	// Pause freezes the processes of Nodes where they are, so that nothing of them runs, and lets
	// them go on at the end as if nothing had been.
	Pause Kind = "pause"
	// Wipe ends the processes of Nodes by SIGKILL, empties their disks, and starts them again at
	// the end. What such a node had promised is forgotten: it is lost for good.
	Wipe Kind = "wipe"
)

// Kinds returns every kind of fault.
func Kinds() []Kind { return []Kind{Partition, Kill, Stop, Pause, Wipe} }

// A Fault is one thing that goes wrong, with its targets as the names of nodes.
type Fault struct {
	// ID is unique in its schedule, such as "f3".
	ID string `yaml:"id,omitempty" json:"id"`
	// At is when it starts, in time since the clients started.
	At time.Duration `yaml:"at" json:"at"`
	// For is how long it lasts until it is healed.
	For  time.Duration `yaml:"for" json:"for"`
	Kind Kind          `yaml:"kind" json:"kind"`
	// Name is the constructor that made Cut, such as "isolate-one"; once there is a Cut it is
	// informative.
	Name string `yaml:"name,omitempty" json:"name,omitempty"`
	// Nodes are the victims of every kind but a Partition. In a Partition that was written by hand
	// they are targets of the constructor Name until it is resolved.
	Nodes []string `yaml:"nodes,omitempty,flow" json:"nodes,omitempty"`
	// Groups are further targets of a constructor, in a Partition that was written by hand, until
	// it is resolved.
	Groups [][]string `yaml:"groups,omitempty,flow" json:"groups,omitempty"`
	// Cut is the graph of a Partition.
	Cut Graph `yaml:"cut,omitempty,flow" json:"cut,omitempty"`
}

// End returns when the fault is healed, in time since the clients started.
func (f Fault) End() time.Duration { return f.At + f.For }

// String describes what the fault does, for people, without its times: "kill n1 n2" or "partition
// isolate-one: n3 | n1 n2".
func (f Fault) String() string {
	words := []string{string(f.Kind)}
	if f.Name != "" {
		words = append(words, f.Name)
	}
	if f.Kind != Partition {
		return strings.Join(append(words, f.Nodes...), " ")
	}
	if len(f.Cut) == 0 {
		for _, group := range append([][]string{f.Nodes}, f.Groups...) {
			if len(group) > 0 {
				words = append(words, fmt.Sprint(group))
			}
		}
		return strings.Join(words, " ")
	}
	return strings.Join(words, " ") + ": " + f.Cut.String()
}
