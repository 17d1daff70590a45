package explore

import (
	"context"
	"fmt"

	"ordeal/node/paxos"
)

// Assertion is the class of a run that ends by an assertion of a node's own code.
const Assertion = "a failed assertion"

const (
	// keyName is the one key's name.
	keyName = "r"
	// nodesMost and operationsMost bound a Config, costMost the size of a run.
	nodesMost      = 4
	operationsMost = 6
	costMost       = 14
	statesDefault  = 1 << 24
)

// A Config is what to look for, and in which model.
type Config struct {
	// Bug is the mistake of the catalogue that every node makes, "" for none.
	Bug string
	// Class is the class of the violation.
	Class string
	// Nodes is how many there are, 3 or 4; 3 if it is 0.
	Nodes int
	// OperationsMax is how many operations may be called, 1 to 6; 3 if it is 0.
	OperationsMax int
	// Decree: the key is a decree's, which is proposed to and learned from, and not a register.
	Decree bool
	// SelfLater: a node's messages to itself may also be taken later, in their order. If it is not
	// set, they are taken at once.
	SelfLater bool
	// CostMax is the size up to which violations are looked for, 14 at the most and if it is 0.
	CostMax int
	// StatesMax bounds the states that are visited with OperationsMax operations, and with fewer an
	// eighth of that; 16 million if it is 0. Ten million states take about a gigabyte.
	StatesMax int

	// plain leaves the bounds out, or that of the answers alone: tests compare. Then seen is told of
	// each violation.
	plain plain
	seen  func(s *search, cost int)
}

// A plain says which bounds are left out.
type plain uint8

const (
	withoutAnswers plain = iota + 1
	withoutBounds
)

func (c Config) key() paxos.Key {
	if c.Decree {
		return paxos.Key{Space: paxos.Decrees, Name: keyName}
	}
	return paxos.Key{Name: keyName}
}

func (c Config) withDefaults() (Config, error) {
	if c.Nodes == 0 {
		c.Nodes = 3
	}
	if c.OperationsMax == 0 {
		c.OperationsMax = 3
	}
	if c.CostMax == 0 {
		c.CostMax = costMost
	}
	if c.StatesMax == 0 {
		c.StatesMax = statesDefault
	}
	switch {
	case c.Nodes < 3 || c.Nodes > nodesMost:
		return c, fmt.Errorf("explore %d nodes (accepted: 3 to %d)", c.Nodes, nodesMost)
	case c.OperationsMax < 1 || c.OperationsMax > operationsMost:
		return c, fmt.Errorf("explore %d operations (accepted: 1 to %d)",
			c.OperationsMax, operationsMost)
	case c.CostMax < 0 || c.CostMax > costMost:
		return c, fmt.Errorf("explore runs of size %d (accepted: 1 to %d)", c.CostMax, costMost)
	}
	return c, nil
}

// A Result is what a search found.
type Result struct {
	// Path is a smallest run that was found to violate in the class asked for, with as few
	// operations as one of its size can have; empty if none was found.
	Path []Action
	// Rounds are the searches that were made: with one operation at the most, with two, and so on,
	// each for runs that are smaller than the smallest so far.
	Rounds []Round
	// LocalStates is how many states of single nodes there were.
	LocalStates int
}

// A Round is one search.
type Round struct {
	// OperationsMax is how many operations might be called.
	OperationsMax int
	// Covered is the size up to which all runs were covered: none of these violates, or a smaller
	// OperationsMax found one. It is -1 for none.
	Covered int
	// States is how many states of the cluster were visited.
	States int
}

// Found tells whether a run that violates was found.
func (r Result) Found() bool { return len(r.Path) > 0 }

// Size returns that of Path.
func (r Result) Size() Size { return SizeOf(r.Path) }

// States returns how many states of the cluster were visited, of all rounds.
func (r Result) States() (states int) {
	for _, round := range r.Rounds {
		states += round.States
	}
	return states
}

// SmallestOf tells up to how many operations Path is a smallest run: all smaller ones were covered.
func (r Result) SmallestOf() (operations int) {
	for _, round := range r.Rounds {
		if r.Found() && round.Covered >= r.Size().Total()-1 {
			operations = round.OperationsMax
		}
	}
	return operations
}

// Search looks for a smallest run that violates. It ends with ctx's error when ctx is done; the
// result then says what was found and covered. A path is carried out once more before it is
// returned, by Confirm: the error tells if it does not violate, which is a mistake here.
func Search(ctx context.Context, c Config) (Result, error) {
	c, err := c.withDefaults()
	if err != nil {
		return Result{}, err
	}
	rules, err := paxos.BugNamed(c.Bug)
	if err != nil {
		return Result{}, err
	}
	if twice := rules.Vote(rules.Vote(paxos.Votes{}, 1), 1); c.SelfLater && twice.Count() > 1 {
		return Result{}, fmt.Errorf("explore %s with SelfLater (accepted: without, since there timers "+
			"alone make a quorum of one node, which the bound does not know)", c.Bug)
	}
	var r Result
	x := newLocals(rules, c.Nodes, c.key(), brokenBy[c.Class] != 0)
	for operations := 1; operations <= c.OperationsMax && err == nil; operations++ {
		round := c
		round.OperationsMax = operations
		if operations < c.OperationsMax {
			round.StatesMax = max(1, c.StatesMax/8)
		}
		if r.Found() {
			round.CostMax = r.Size().Total() - 1
		}
		s := newSearch(round, x)
		var covered int
		covered, err = s.run(ctx)
		if s.found != none {
			r.Path = s.path()
			if err := Confirm(c, r.Path); err != nil {
				return r, err
			}
		}
		r.Rounds = append(r.Rounds, Round{operations, covered, len(s.visits)})
	}
	r.LocalStates = len(x.states)
	return r, err
}
