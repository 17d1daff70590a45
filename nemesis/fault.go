package nemesis

import (
	"fmt"
	"math"
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
	// Crash is the end of the machines of Nodes: what their disks had not made durable is lost, or
	// torn. They are started again at the end.
	Crash Kind = "crash"
	// Packets delays, loses, repeats or keeps what is sent on Links, of all links if there are none.
	Packets Kind = "packets"
	// SlowDisk makes each sync of Nodes take Delay longer; BrokenDisk makes it fail, which ends the
	// process. It is started again at the end.
	SlowDisk   Kind = "slow-disk"
	BrokenDisk Kind = "broken-disk"
	// FullDisk lets the disks of Nodes have no room for the next write but for a part of it, which
	// ends the process. It is started again at the end.
	FullDisk Kind = "full-disk"
	// Rot ends the processes of Nodes, flips a bit in the middle of what their disks hold, and
	// starts them again at the end. A node that finds it refuses its disk, and is lost for good.
	Rot Kind = "rot"
	// Drift makes the clocks of Nodes run too fast, by so many percent as Rate says, or too slow.
	Drift Kind = "drift"
)

// Kinds returns every kind of fault. Those that containers know come first.
func Kinds() []Kind {
	return append(ContainerKinds(), Crash, Packets, SlowDisk, BrokenDisk, FullDisk, Rot, Drift)
}

// ContainerKinds returns the kinds of faults that containers know. The others are the simulator's.
func ContainerKinds() []Kind { return []Kind{Partition, Kill, Stop, Pause, Wipe} }

// Loses tells whether nodes are lost for good by faults of the kind: their disks are.
func (k Kind) Loses() bool { return k == Wipe || k == Rot }

// Damages tells whether faults of the kind do something to the disks of their nodes, also where a
// node is dead already.
func (k Kind) Damages() bool { return k == Wipe || k == Rot || k == Crash }

// FailsDisk tells whether faults of the kind let the disks of their nodes refuse work, which ends
// the process.
func (k Kind) FailsDisk() bool { return k == BrokenDisk || k == FullDisk }

// Ends tells whether faults of the kind end the processes of their nodes, and keep them dead.
func (k Kind) Ends() bool {
	return k == Kill || k == Stop || k == Wipe || k == Crash || k == Rot || k.FailsDisk()
}

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

	// Links are those that Packets happen to, written like a Cut; none stands for all.
	Links Graph `yaml:"links,omitempty,flow" json:"links,omitempty"`
	// Delay is added to what Packets delay, more or less by up to Jitter (uniformly, so that with a
	// jitter they overtake each other), and to each sync of a SlowDisk.
	Delay  time.Duration `yaml:"delay,omitempty" json:"delay,omitempty"`
	Jitter time.Duration `yaml:"jitter,omitempty" json:"jitter,omitempty"`
	// Loss and Duplicate are how many of a hundred Packets are lost, and arrive twice.
	Loss      int `yaml:"loss,omitempty" json:"loss,omitempty"`
	Duplicate int `yaml:"duplicate,omitempty" json:"duplicate,omitempty"`
	// Hold keeps all Packets until the fault is over. Then they arrive, late.
	Hold bool `yaml:"hold,omitempty" json:"hold,omitempty"`
	// Stay keeps the fault in force at its end, until that of the run: the proof of recovery and the
	// final reads are asked of the nodes only that it leaves with a majority.
	Stay bool `yaml:"stay,omitempty" json:"stay,omitempty"`
	// Rate is by how many percent clocks that Drift run too fast; a negative one, too slow.
	Rate int `yaml:"rate,omitempty" json:"rate,omitempty"`
}

// End returns when the fault is healed, in time since the clients started.
func (f Fault) End() time.Duration { return f.At + f.For }

// forever is when a fault ends that stays: later than any other, with room to add to it.
const forever = time.Duration(math.MaxInt64 / 2)

// until returns until when the fault is in force, in time since the clients started.
func (f Fault) until() time.Duration {
	if f.Stay {
		return forever
	}
	return f.End()
}

// untilText says that in words.
func (f Fault) untilText() string {
	if f.Stay {
		return "to the end"
	}
	return "to " + f.End().String()
}

// String describes what the fault does, for people, without its times: "kill n1 n2" or "partition
// isolate-one: n3 | n1 n2".
func (f Fault) String() string {
	words := []string{string(f.Kind)}
	if f.Name != "" {
		words = append(words, f.Name)
	}
	if f.Kind != Partition {
		return strings.Join(append(append(words, f.Nodes...), f.parameters()...), " ")
	}
	if len(f.Cut) == 0 {
		for _, group := range append([][]string{f.Nodes}, f.Groups...) {
			if len(group) > 0 {
				words = append(words, fmt.Sprint(group))
			}
		}
		return strings.Join(words, " ")
	}
	text := strings.Join(words, " ") + ": " + f.Cut.String()
	if f.Stay {
		text += ", to the end"
	}
	return text
}
