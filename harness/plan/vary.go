package plan

import (
	"math/rand/v2"
	"time"

	"ordeal/history/stream"
	"ordeal/nemesis"
)

// shiftMax bounds by how much Vary moves the start and the end of a fault.
const shiftMax = 200 * time.Millisecond

// Vary returns the plan with another timing in the simulator, drawn from the seed: what clients
// try and what goes wrong stay. Half of the plans differ in the simulation's seed alone; in the
// others the network and the disks behave otherwise, and half of those have their faults moved by a
// little. The plan must be valid and list its faults, or have none.
func Vary(p Plan, seed uint64) Plan {
	r := stream.New(seed, "vary")
	varied := p
	varied.Simulation.Seed = seed%SeedMax + SeedMin
	switch r.IntN(4) {
	case 0, 1:
		return varied
	case 2:
		varied.Faults = shifted(r, p.Faults, p.Time)
	}
	conditions := swarmConditions(r)
	conditions.Seed = varied.Simulation.Seed
	varied.Simulation = conditions
	if varied.Validate() != nil {
		varied.Faults = p.Faults // one that was moved has no effect any more
	}
	return varied
}

// shifted returns the faults with their starts and ends moved, each on its own, within the time.
func shifted(r *rand.Rand, faults nemesis.Schedule, end time.Duration) nemesis.Schedule {
	var moved nemesis.Schedule
	for _, f := range faults {
		most := min(shiftMax, f.For/3)
		by := func() time.Duration {
			return time.Duration(r.Int64N(int64(2*most)+1)) - most
		}
		at, until := max(f.At+by(), 0), min(f.End()+by(), end)
		f.At = at.Truncate(time.Millisecond)
		f.For = max((until - f.At).Truncate(time.Millisecond), time.Millisecond)
		moved = append(moved, f)
	}
	return moved.Ordered()
}
