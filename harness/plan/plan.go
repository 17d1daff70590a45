package plan

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"ordeal/nemesis"
	"ordeal/workloads"
)

// Limits of a plan.
const (
	NodesMin, NodesMax = 3, 9
	ClientsMax         = 1000
	KeysMax            = 1000
	// TimeMax keeps the record of a run on disk within some hundred gigabytes at full speed. Memory
	// does not grow with the time of a run, but for some hundred bytes a key.
	TimeMin, TimeMax       = time.Second, 24 * time.Hour
	IntervalMin            = 10 * time.Millisecond
	TimeoutMin, TimeoutMax = 10 * time.Millisecond, time.Minute
	// RateMin is the lowest limit of the rate, in operations a second.
	RateMin, RateMax = 0.01, 1_000_000
	// MemoryMin and MemoryMax bound the memory of a check, in MiB.
	MemoryMin, MemoryMax = 16, 1 << 20
	// FaultsMax bounds a schedule, so that it can be read as well as written.
	FaultsMax = 10_000
	// SeedMax keeps seeds exact for readers of JSON that hold numbers as floating point.
	SeedMin, SeedMax = 1, 1 << 53
)

// DataLossExpected is the value of DataLoss with which a schedule may wipe a majority. A cluster
// that is correct does not recover from that, and a run of it does not pass.
const DataLossExpected = "expected"

// A Plan is one test. Its YAML form is the scenario file; every name is also a flag's.
type Plan struct {
	// Seed decides the operations and, where Faults is empty, the faults.
	Seed uint64 `yaml:"seed" json:"seed"`
	// System is the name of the system under test.
	System string `yaml:"system" json:"system"`
	// Bug is a mistake to plant in every node, "" for none.
	Bug string `yaml:"bug,omitempty" json:"bug,omitempty"`
	// Workload is what the clients try.
	Workload string `yaml:"workload" json:"workload"`
	// Nemesis names the sources of faults, from which the schedule is drawn.
	Nemesis []string `yaml:"nemesis,flow" json:"nemesis"`
	// Interval is the mean time between the starts of two faults of one nemesis.
	Interval time.Duration `yaml:"interval" json:"interval"`

	Nodes   int `yaml:"nodes" json:"nodes"`
	Clients int `yaml:"clients" json:"clients"`
	// Keys are in use at once, and each is retired after OpsPerKey operations; 0 stands for what is
	// usual for the workload. Then it is read once more through every node that a client calls.
	Keys      int `yaml:"keys" json:"keys"`
	OpsPerKey int `yaml:"ops-per-key" json:"opsPerKey"`
	// Mix says how often the kinds of operations are called; its zero value is what is usual for the
	// workload.
	Mix workloads.Mix `yaml:"mix,omitempty" json:"mix,omitzero"`
	// Burst is how many operations a client calls before it rests until the next multiple of Idle,
	// since the run began, so that clients go on together; 0 stands for no rest.
	Burst int           `yaml:"burst,omitempty" json:"burst,omitempty"`
	Idle  time.Duration `yaml:"idle,omitempty" json:"idle,omitempty"`
	// Time is how long faults are injected; the load goes on until recovery is proved.
	Time time.Duration `yaml:"time" json:"time"`
	// Rate is the number of operations a second of all clients together, 0 for no limit.
	Rate float64 `yaml:"rate" json:"rate"`
	// Timeout is how long a client waits for an operation.
	Timeout time.Duration `yaml:"timeout" json:"timeout"`
	// Recovery is how long the cluster may take to serve every key through every node again. With
	// listed operations it can be 0: then the run ends with them, without a proof of recovery and
	// without final reads.
	Recovery time.Duration `yaml:"recovery" json:"recovery"`
	// Budget is how long the check may take, and Memory how much memory, in MiB.
	Budget time.Duration `yaml:"budget" json:"budget"`
	Memory int           `yaml:"memory" json:"memory"`
	// FailFast ends the run at the first violation that is found while it goes on.
	FailFast bool `yaml:"fail-fast,omitempty" json:"failFast,omitempty"`
	// DataLoss is DataLossExpected where more nodes may lose their disks than a minority, else "".
	DataLoss string `yaml:"data-loss,omitempty" json:"dataLoss,omitempty"`

	// Simulation is how the network and the disks are in the simulator while no fault interferes,
	// until Time is over; from then on they are as by default.
	Simulation nemesis.Conditions `yaml:"simulation" json:"simulation"`

	// Faults is the schedule, where it was written by hand or drawn already.
	Faults nemesis.Schedule `yaml:"faults,omitempty" json:"faults,omitempty"`

	// Operations are what the clients call, where they are listed; then Seed, Keys, OpsPerKey, Mix,
	// Burst, Idle and Rate decide nothing about them, and the load goes on until they have ended.
	Operations workloads.Listing `yaml:"operations,omitempty" json:"operations,omitzero"`
}

// Default returns the plan of a run without flags; only its seed is missing.
func Default() Plan {
	return Plan{
		System:   "paxos-register",
		Workload: "register",
		Nemesis:  []string{"partition", "kill"},
		Interval: nemesis.DefaultInterval,
		Nodes:    5,
		Clients:  10,
		Keys:     5,
		Time:     20 * time.Second,
		Timeout:  time.Second,
		Recovery: 30 * time.Second,
		Budget:   time.Minute,
		Memory:   2048,

		Simulation: nemesis.DefaultConditions(),
	}
}

// NodeNames returns the names of the nodes: n1, n2, and so on.
func (p Plan) NodeNames() []string {
	names := make([]string, p.Nodes)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i+1)
	}
	return names
}

// Schedule returns the faults of the plan, with every target resolved: those that it lists, or else
// those that are drawn from its seed.
func (p Plan) Schedule() (nemesis.Schedule, error) {
	if len(p.Faults) > 0 {
		return p.Faults.Resolve(p.NodeNames())
	}
	return nemesis.Draw(nemesis.Options{
		Seed:     p.Seed,
		Nodes:    p.NodeNames(),
		Nemeses:  p.Nemesis,
		Time:     p.Time,
		Interval: p.Interval,
		DataLoss: p.DataLoss == DataLossExpected,
	})
}

// Validate returns an error that names the first field which is out of range, and what is accepted.
// Names of systems, workloads and bugs are for those to judge who know them.
func (p Plan) Validate() error {
	checks := []error{
		between("nodes", p.Nodes, NodesMin, NodesMax),
		between("clients", p.Clients, 1, ClientsMax),
		between("keys", p.Keys, 1, KeysMax),
		between("ops-per-key", p.OpsPerKey, 0, 1_000_000),
		between("time", p.Time, TimeMin, TimeMax),
		between("interval", p.Interval, IntervalMin, TimeMax),
		between("timeout", p.Timeout, TimeoutMin, TimeoutMax),
		p.validateRecovery(),
		between("budget", p.Budget, time.Second, 24*time.Hour),
		between("memory", p.Memory, MemoryMin, MemoryMax),
		validateDataLoss(p.DataLoss),
		validateRate(p.Rate),
		within("mix", p.Mix.Validate()),
		between("burst", p.Burst, 0, 1_000_000),
		between("idle", p.Idle, 0, TimeMax),
		validateBurst(p.Burst, p.Idle),
		between("seed", p.Seed, SeedMin, SeedMax),
		within("simulation", p.Simulation.Validate()),
		within("simulation", between("seed", p.Simulation.Seed, 0, SeedMax)),
		within("simulation", p.Simulation.ValidateOmissions(p.NodeNames())),
		p.validateMute(),
	}
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	if err := p.validateOperations(); err != nil {
		return err
	}
	if len(p.Faults) > 0 {
		if err := p.Faults.Validate(p.NodeNames(), p.Time); err != nil {
			return err
		}
	}
	faults := len(p.Faults)
	if faults == 0 {
		faults = nemesis.Estimate(
			nemesis.Options{Nemeses: p.Nemesis, Interval: p.Interval, Time: p.Time})
	}
	if faults > FaultsMax {
		return fmt.Errorf("the schedule has about %d faults in %v (accepted: up to %d): "+
			"a longer interval makes fewer", faults, p.Time, FaultsMax)
	}
	schedule, err := p.Schedule()
	if err == nil && p.DataLoss == "" {
		err = schedule.ValidateLosses(p.NodeNames())
		if err == nil {
			err = schedule.ValidateCore(p.NodeNames())
		}
	}
	return err
}

// validateRecovery lets only a run do without a proof of recovery whose operations are listed: who
// lists them has another purpose than to see a cluster pass.
func (p Plan) validateRecovery() error {
	if p.Recovery == 0 && p.Operations != nil {
		return nil
	}
	return between("recovery", p.Recovery, time.Second, time.Hour)
}

// validateMute lets timers be muted only where no recovery is proved: a node that no timer wakes
// any more makes no progress, and is right.
func (p Plan) validateMute() error {
	if len(p.Simulation.Mute) == 0 || p.Recovery == 0 {
		return nil
	}
	return fmt.Errorf("simulation: mute lists timers, and recovery is %v (accepted: recovery: 0s "+
		"with listed operations, since a node without its timers need not recover)", p.Recovery)
}

// validateOperations checks the listed operations, if there are any. An unknown workload is for
// others to name.
func (p Plan) validateOperations() error {
	if p.Operations == nil {
		return nil
	}
	workload, err := p.generator()
	if err != nil {
		return nil
	}
	return within("operations", p.Operations.Validate(p.NodeNames(), p.Clients, workload.Kinds()))
}

func validateDataLoss(text string) error {
	if text == "" || text == DataLossExpected {
		return nil
	}
	return fmt.Errorf("data-loss is %q (accepted: %s, or nothing)", text, DataLossExpected)
}

func validateBurst(burst int, idle time.Duration) error {
	if (burst == 0) != (idle == 0) {
		return fmt.Errorf("burst is %d and idle is %v (accepted: both, or neither)", burst, idle)
	}
	return nil
}

// NewWorkload returns the generator of the plan's operations, or what knows how to judge those that
// it lists.
func (p Plan) NewWorkload() (workloads.Workload, error) {
	workload, err := p.generator()
	if err != nil || p.Operations == nil {
		return workload, err
	}
	return workloads.WithListing(workload, p.Operations), nil
}

// SimulationSeed returns the seed of what is random in the simulator.
func (p Plan) SimulationSeed() uint64 { return cmp.Or(p.Simulation.Seed, p.Seed) }

func (p Plan) generator() (workloads.Workload, error) {
	return workloads.New(p.Workload, workloads.Options{
		Seed: p.Seed, Clients: p.Clients, Keys: p.Keys, OperationsPerKey: p.OpsPerKey,
		Nodes: p.NodeNames(), Mix: p.Mix,
	})
}

// validateRate refuses what is no rate, which comparisons with NaN would let through.
func validateRate(rate float64) error {
	if rate == 0 || rate >= RateMin && rate <= RateMax {
		return nil
	}
	return fmt.Errorf("rate is %v (accepted: 0 for no limit, or %v to %v)",
		rate, RateMin, float64(RateMax))
}

// Planned returns the kinds of faults in a schedule, each once, in the order of their first use.
func Planned(schedule nemesis.Schedule) []nemesis.Kind {
	var kinds []nemesis.Kind
	seen := make(map[nemesis.Kind]bool)
	for _, fault := range schedule {
		if !seen[fault.Kind] {
			seen[fault.Kind] = true
			kinds = append(kinds, fault.Kind)
		}
	}
	return kinds
}

func between[T int | uint64 | time.Duration](name string, got, least, most T) error {
	if got < least || got > most {
		return fmt.Errorf("%s is %v (accepted: %v to %v)", name, got, least, most)
	}
	return nil
}

// within names the field that holds what an error is about.
func within(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

// String shows in a line what the plan does.
func (p Plan) String() string {
	text := fmt.Sprintf("%s · %d nodes · %d clients · %s · nemesis %s · %v",
		p.Workload, p.Nodes, p.Clients, p.System, strings.Join(p.Nemesis, ","), p.Time)
	if len(p.Faults) > 0 {
		text = fmt.Sprintf("%s · %d nodes · %d clients · %s · %d listed faults · %v",
			p.Workload, p.Nodes, p.Clients, p.System, len(p.Faults), p.Time)
	}
	if p.Operations != nil {
		text += fmt.Sprintf(" · %d listed operations", len(p.Operations))
	}
	if n := p.Simulation.Omissions(); n > 0 {
		text += fmt.Sprintf(" · %d listed omissions", n)
	}
	if p.Bug != "" {
		text += " · bug " + p.Bug
	}
	return text
}
