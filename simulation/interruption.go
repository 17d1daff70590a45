package simulation

import (
	"errors"

	"ordeal/nemesis"
)

// An interruption is the end of a process between two operations of its disk, or within a write.
type interruption struct {
	// left is how many operations are still served; then it has happened.
	left     uint64
	happened bool
	random   uint64
	// fault is a hash of the name of the fault that ends a process while it starts, machine whether
	// its machine ends, and again how long it takes until it starts anew.
	fault   uint64
	machine bool
	again   int64
}

// errInterrupted is what a disk says to a process that has ended. Nobody hears it.
var errInterrupted = errors.New("the process has ended")

// How many operations of the disk a start and a snapshot have, about, and one more: so some come to
// their end.
const (
	startOperations    = 12
	snapshotOperations = 7
)

// newInterruption returns one after fewer than so many operations.
func newInterruption(random, operations uint64) *interruption {
	return &interruption{left: below(random, operations), random: mix(random, 1)}
}

// now counts an operation, and tells whether it finds no process any more.
func (i *interruption) now() bool {
	if i.left == 0 {
		i.happened = true
		return true
	}
	i.left--
	return false
}

// interruptStart decides whether the next start of a node after a fault ends while the node
// recovers: every fourth does that follows a kill or a crash. It returns how much later the node
// serves.
func (n *node) interruptStart(f nemesis.Fault) (later int64) {
	if f.Kind != nemesis.Kill && f.Kind != nemesis.Crash {
		return 0
	}
	w, fault := n.world, hashOf(f.ID)
	random := w.roll(decideInterruption, uint64(n.index), fault, 0)
	if below(random, 4) != 0 {
		return 0
	}
	i := newInterruption(mix(random, 2), startOperations)
	i.fault, i.machine = fault, f.Kind == nemesis.Crash
	i.again = spread(quantiles[nemesis.Narrow], bootMedian,
		w.roll(decideStart, uint64(n.index), fault, 1))
	n.interruption = i
	return i.again
}

// endStart ends a process that was starting, and starts it anew later.
func (n *node) endStart(i *interruption) {
	n.life++
	n.files.CrashProcess()
	if i.machine {
		n.crash(mix(i.fault, 1))
	}
	n.become(dead, happensEnd, "ended while it recovered")
	n.bootAfter(i.again)
}
