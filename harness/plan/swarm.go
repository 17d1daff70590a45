package plan

import (
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/history/stream"
	"ordeal/nemesis"
	"ordeal/workloads"
)

// swarmNemeses are what a plan of a swarm draws its faults from, each switched off in most plans:
// what is always there hides what only shows without it (Groce et al., Swarm Testing, ISSTA
// 2012).
var swarmNemeses = []string{
	"partition", "isolate-one", "one-way", "random", "kill", "stop", "pause", "wipe", "crash",
	"rot", "packets", "clog", "duplicate", "slow-disk", "broken-disk", "full-disk",
	"drift",
}

// A Strategy says how a plan of a swarm orders what is under way at the same time. No strategy
// finds every mistake soonest.
type Strategy string

// The strategies.
const (
	// Mixed draws one of the others for each plan.
	Mixed Strategy = "mixed"
	// Uniform gives all links the same delays, Priority those of nemesis.Priority.
	Uniform  Strategy = "uniform"
	Priority Strategy = "priority"
	// Cuts cuts random links all the time, for a moment each.
	Cuts Strategy = "cuts"
)

// Strategies returns all strategies, Mixed first.
func Strategies() []Strategy { return []Strategy{Mixed, Uniform, Cuts, Priority} }

// cutsInterval is the mean time between two cuts of the strategy Cuts.
const cutsInterval = "random=60ms"

// Swarm returns a plan for the simulator that is drawn from the seed: a short one, with few nodes,
// clients and keys, in which everything else varies: kinds of faults and how often they come,
// delays, losses, the order of what is under way, workload, mix, bursts and rests. The plan is
// valid; the bug is taken over.
func Swarm(seed uint64, bug string) Plan { return SwarmBy(Mixed, seed, bug) }

// SwarmBy is Swarm by one strategy.
func SwarmBy(strategy Strategy, seed uint64, bug string) Plan {
	r := stream.New(seed, "swarm")
	for {
		p := swarm(r, seed, strategy)
		p.Bug = bug
		schedule, err := p.Schedule()
		if err != nil {
			continue
		}
		if len(schedule) > 0 {
			p.Faults = schedule
			leaveSome(r, p.Faults, p.NodeNames(), p.Time)
		}
		if p.Validate() == nil {
			return p
		}
	}
}

// leaveSome lets some of the last faults stay, in one plan of three, as long as they leave a core,
// and the faults that follow something to do: TigerBeetle's simulator calls what comes then the
// liveness phase. A cluster that is healed in part must make progress there.
func leaveSome(r *rand.Rand, schedule nemesis.Schedule, nodes []string, end time.Duration) {
	if r.IntN(3) != 0 {
		return
	}
	for i := len(schedule) - 1; i >= len(schedule)/2; i-- {
		f := &schedule[i]
		if f.Kind.Loses() || r.IntN(2) == 0 {
			continue
		}
		f.Stay = true
		if len(schedule.Core(nodes)) == 0 || schedule.Validate(nodes, end) != nil {
			f.Stay = false
		}
	}
}

func swarm(r *rand.Rand, seed uint64, strategy Strategy) Plan {
	if drawn := Strategies()[1+r.IntN(3)]; strategy == Mixed {
		strategy = drawn
	}
	p := Default()
	p.Seed = seed%SeedMax + SeedMin
	p.Nodes = pick(r, 3, 3, 3, 4, 4, 5)
	p.Clients = pick(r, 2, 3, 3, 4, 5, 6)
	p.Keys = pick(r, 1, 1, 1, 2, 3)
	p.OpsPerKey = pick(r, 8, 20, 60)
	p.Time = time.Duration(pick(r, 1000, 1500, 2500)) * time.Millisecond
	p.Timeout = time.Duration(pick(r, 300, 1000)) * time.Millisecond
	p.Recovery = 20 * time.Second
	if r.IntN(4) == 0 {
		p.Workload = "decision"
		p.Mix = workloads.Mix{}
	} else {
		p.Mix = swarmMix(r)
	}
	switch r.IntN(3) {
	case 0:
		p.Rate = float64(pick(r, 30, 60, 120))
	default:
		p.Burst = pick(r, 1, 2, 3, 6)
		p.Idle = time.Duration(pick(r, 40, 100, 250)) * time.Millisecond
	}
	p.Simulation = swarmConditions(r)
	size := stream.New(seed, "swarm/snapshot").IntN(len(snapshotSizes))
	p.Simulation.Snapshot = snapshotSizes[size]
	if strategy == Priority {
		p.Simulation.Order = nemesis.Priority
	}
	p.Nemesis = swarmFaults(r)
	p.Interval = time.Duration(pick(r, 80, 150, 300, 600)) * time.Millisecond
	if strategy == Cuts {
		p.Nemesis = slices.DeleteFunc(p.Nemesis, func(name string) bool {
			return name == nemesis.None || name == nemesis.NameRandom
		})
		p.Nemesis = append(p.Nemesis, cutsInterval)
	}
	return p
}

// snapshotSizes are lengths of logs at which snapshots are taken, in bytes: 0, the usual one, is
// never reached by the short runs of a swarm.
var snapshotSizes = [...]int64{0, 0, 512, 2 << 10, 8 << 10}

func swarmMix(r *rand.Rand) workloads.Mix {
	return workloads.Mix{Reads: pick(r, 15, 45, 45, 70), Writes: pick(r, 5, 15, 30)}
}

func swarmConditions(r *rand.Rand) nemesis.Conditions {
	c := nemesis.Conditions{
		Delay:  time.Duration(pick(r, 200, 200, 1000, 4000, 12000)) * time.Microsecond,
		Spread: nemesis.Narrow, Order: nemesis.Uniform,
		Sync: time.Duration(pick(r, 50, 200, 200, 2000, 10000)) * time.Microsecond,
	}
	if r.IntN(2) == 0 {
		c.Spread = nemesis.Wide
	}
	c.Loss = pick(r, 0, 0, 0, 20, 100, 250)
	c.Duplicate = pick(r, 0, 0, 0, 50, 300)
	return c
}

// swarmFaults chooses a few nemeses, and none in one plan of eight.
func swarmFaults(r *rand.Rand) []string {
	if r.IntN(8) == 0 {
		return []string{nemesis.None}
	}
	var chosen []string
	for _, name := range swarmNemeses {
		if r.IntN(6) == 0 {
			chosen = append(chosen, name)
		}
	}
	if len(chosen) == 0 {
		chosen = []string{swarmNemeses[r.IntN(len(swarmNemeses))]}
	}
	return chosen
}

func pick(r *rand.Rand, choices ...int) int { return choices[r.IntN(len(choices))] }
