package nemesis

import (
	"fmt"
	"time"
)

// A Spread is how far the times of single datagrams lie apart.
type Spread string

// The spreads: that of a quiet local network, and that of one in which a datagram in thirty takes
// ten times as long as usual, so that they overtake each other all the time.
const (
	Narrow Spread = "narrow"
	Wide   Spread = "wide"
)

// An Order is the strategy by which the simulator orders what is under way at the same time. No
// strategy finds every mistake soon (../simulation documents each).
type Order string

// The orders.
const (
	// Uniform gives all links the same distribution of delays.
	Uniform Order = "uniform"
	// Priority gives each directed link a priority, and draws them anew now and then: what has a
	// low one takes many times as long. It follows the idea of PCT (Burckhardt et al., A Randomized
	// Scheduler with Probabilistic Guarantees of Finding Bugs, ASPLOS 2010), without its guarantee.
	Priority Order = "priority"
)

// Limits of conditions.
const (
	ConditionDelayMax = time.Second
	ConditionSyncMax  = time.Second
	// ConditionRateMax bounds what is lost or repeated, in datagrams of a thousand.
	ConditionRateMax = 500
	// ConditionSnapshotMin and ConditionSnapshotMax bound the length of logs, in bytes.
	ConditionSnapshotMin = 256
	ConditionSnapshotMax = 1 << 30
)

// Conditions are how the network and the disks are while no fault interferes. Containers have those
// of their machine; the simulator reads them here.
type Conditions struct {
	// Seed decides what is random of the network, the disks and the nodes, but not what the clients
	// try; 0 stands for the plan's seed.
	Seed uint64 `yaml:"seed,omitempty" json:"seed,omitempty"`
	// Delay is how long a datagram takes from node to node in the median.
	Delay  time.Duration `yaml:"delay" json:"delay"`
	Spread Spread        `yaml:"spread" json:"spread"`
	Order  Order         `yaml:"order" json:"order"`
	// Loss and Duplicate are how many datagrams of a thousand are lost, and arrive twice.
	Loss      int `yaml:"loss" json:"loss"`
	Duplicate int `yaml:"duplicate" json:"duplicate"`
	// Sync is how long a disk takes to make a batch durable in the median.
	Sync time.Duration `yaml:"sync" json:"sync"`
	// Snapshot is how long a node's log becomes, in bytes, until it is replaced by a snapshot; 0
	// stands for the length that nodes in containers use.
	Snapshot int64 `yaml:"snapshot,omitempty" json:"snapshot,omitempty"`
	// Lose are single datagrams that are lost, and Mute single timers that run out unheard, to the
	// end of the run: a shrunk run lists them.
	Lose []Datagram `yaml:"lose,omitempty" json:"lose,omitempty"`
	Mute []Timer    `yaml:"mute,omitempty" json:"mute,omitempty"`
}

// DefaultConditions returns those of a quiet local network and of fast disks.
func DefaultConditions() Conditions {
	return Conditions{
		Delay: 200 * time.Microsecond, Spread: Narrow, Order: Uniform,
		Sync: 200 * time.Microsecond,
	}
}

// Validate returns an error that names the first field which cannot be, and what is accepted.
func (c Conditions) Validate() error {
	switch {
	case c.Delay <= 0 || c.Delay > ConditionDelayMax:
		return fieldErrorf("delay", "delay is %v (accepted: more than 0, up to %v)",
			c.Delay, ConditionDelayMax)
	case c.Spread != Narrow && c.Spread != Wide:
		return fieldErrorf("spread", "spread is %q (accepted: %s, %s)", c.Spread, Narrow, Wide)
	case c.Order != Uniform && c.Order != Priority:
		return fieldErrorf("order", "order is %q (accepted: %s, %s)", c.Order, Uniform, Priority)
	case c.Loss < 0 || c.Loss > ConditionRateMax:
		return fieldErrorf("loss", "loss is %d (accepted: 0 to %d datagrams of a thousand)",
			c.Loss, ConditionRateMax)
	case c.Duplicate < 0 || c.Duplicate > ConditionRateMax:
		return fieldErrorf("duplicate",
			"duplicate is %d (accepted: 0 to %d datagrams of a thousand)",
			c.Duplicate, ConditionRateMax)
	case c.Sync <= 0 || c.Sync > ConditionSyncMax:
		return fieldErrorf("sync", "sync is %v (accepted: more than 0, up to %v)",
			c.Sync, ConditionSyncMax)
	case c.Snapshot != 0 &&
		(c.Snapshot < ConditionSnapshotMin || c.Snapshot > ConditionSnapshotMax):
		return fieldErrorf("snapshot", "snapshot is %d (accepted: %d to %d bytes of log, or 0 for "+
			"the length in containers)", c.Snapshot, ConditionSnapshotMin, ConditionSnapshotMax)
	}
	return nil
}

// String shows the conditions in a line.
func (c Conditions) String() string {
	text := fmt.Sprintf("delay %v %s, order %s, %d ‰ lost, %d ‰ repeated, sync %v",
		c.Delay, c.Spread, c.Order, c.Loss, c.Duplicate, c.Sync)
	if c.Snapshot > 0 {
		text += fmt.Sprintf(", snapshots from %d bytes of log", c.Snapshot)
	}
	if n := len(c.Lose); n > 0 {
		text += fmt.Sprintf(", %d listed datagrams lost", n)
	}
	if n := len(c.Mute); n > 0 {
		text += fmt.Sprintf(", %d listed timers muted", n)
	}
	return text
}
