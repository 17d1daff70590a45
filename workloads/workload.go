package workloads

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ordeal/history"
)

// A Workload generates the operations of one run. It is not safe for concurrent use.
//
// The operations that it returns have their Client (where a client asked), Node, Kind, Key, Value,
// Expected and Final set, and nothing else.
type Workload interface {
	// Name is what a run chooses the workload by.
	Name() string
	// Model names the model of package linearizability that judges the history.
	Model() string
	// Kinds returns the kinds of operations that it asks for, in an order that does not change.
	Kinds() []history.Kind
	// Next returns the next operation of a client, at the client's node. It is false for a number
	// that is no client's.
	Next(client int) (history.Operation, bool)
	// Completed tells the workload how an operation ended that it had generated.
	Completed(op history.Operation)
	// Recovery returns operations, to be called one after the other, that together show that a
	// node serves every live key. Each call returns fresh values.
	Recovery(node string) []history.Operation
	// FinalReads returns what to ask through the given nodes at the end of the run, when all
	// faults are healed and no client calls Next any more: every live key at every one of them,
	// then the retired keys, those last that were retired first. At least one node is given.
	FinalReads(nodes []string) *FinalReads
}

// Options say how large a workload is.
type Options struct {
	// Seed decides everything that is left open here.
	Seed uint64
	// Clients is how many clients ask for operations, numbered from 0. Client i calls node i modulo
	// the number of nodes, so that with as many clients as nodes, or more, every node is used.
	Clients int
	// Keys is how many keys are live at once.
	Keys int
	// OperationsPerKey is after how many operations a key is replaced; 0 means what is usual for
	// the workload. The reads of a key when it was replaced, those of Recovery and the final ones
	// are not among them.
	OperationsPerKey int
	// Nodes are the names of all nodes.
	Nodes []string
	// Mix says how often the kinds of operations are called; the zero Mix is what is usual.
	Mix Mix
}

// A Mix is how many of a hundred operations on a register read it, and how many write it; the rest
// are compare-and-sets. For decisions Reads are those that learn.
type Mix struct {
	Reads  int `yaml:"reads" json:"reads"`
	Writes int `yaml:"writes" json:"writes"`
}

// Validate returns an error that says what is accepted.
func (m Mix) Validate() error {
	if m.Reads < 0 || m.Writes < 0 || m.Reads+m.Writes > 100 {
		return fmt.Errorf("reads %d and writes %d (accepted: 0 to 100 together, the rest are "+
			"compare-and-sets)", m.Reads, m.Writes)
	}
	return nil
}

func (o Options) validate() error {
	switch {
	case o.Clients < 1:
		return fmt.Errorf("clients %d: want at least 1", o.Clients)
	case o.Keys < 1:
		return fmt.Errorf("keys %d: want at least 1", o.Keys)
	case o.OperationsPerKey < 0:
		return fmt.Errorf("operations per key %d: want at least 1, or 0 for what is usual",
			o.OperationsPerKey)
	case len(o.Nodes) == 0:
		return errors.New("there are no nodes: want at least one")
	}
	return o.Mix.Validate()
}

// An Entry is a workload that a run can choose.
type Entry struct {
	// Name is what a run chooses the workload by.
	Name string
	// Description says what it does in one line, without a full stop.
	Description string

	operationsPerKey int
	make             func(Options) Workload
}

// List returns all workloads, the usual one first.
func List() []Entry {
	return []Entry{
		{
			Name:        "register",
			Description: "reads, writes and compare-and-sets of registers: linearizability",
			// Few enough that porcupine alone can judge a key, also with unknown outcomes.
			operationsPerKey: 200,
			make:             func(o Options) Workload { return newRegister(o) },
		},
		{
			Name:        "decision",
			Description: "proposals and learners of decisions: agreement, validity, stability",
			// A decision is interesting while it is made and, now and then, much later.
			operationsPerKey: 20,
			make:             func(o Options) Workload { return newDecision(o) },
		},
	}
}

// New returns the workload with the given name. An error names the option that is wrong and what is
// accepted.
func New(name string, o Options) (Workload, error) {
	all := List()
	i := slices.IndexFunc(all, func(e Entry) bool { return e.Name == name })
	if i < 0 {
		var accepted []string
		for _, e := range all {
			accepted = append(accepted, e.Name)
		}
		return nil, fmt.Errorf("workload %q is unknown: want one of %s",
			name, strings.Join(accepted, ", "))
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.OperationsPerKey == 0 {
		o.OperationsPerKey = all[i].operationsPerKey
	}
	o.Nodes = slices.Clone(o.Nodes)
	return all[i].make(o), nil
}
