package linearizability

import (
	"math"

	"ordeal/history"
)

// An action is what an operation does to the object, with what is known of its outcome.
type action uint8

const (
	// readAction saw the state.
	readAction action = iota
	// mismatchAction is a compare-and-set that did not apply: it saw the state, and that was not
	// the expected one.
	mismatchAction
	// refusalAction is one that did not say what it saw: the state was not the expected one.
	refusalAction
	writeAction
	// swapAction is a compare-and-set that applied.
	swapAction
	// trySwapAction is a compare-and-set of unknown outcome.
	trySwapAction
	// proposeAction is a proposal that was told what is chosen.
	proposeAction
	// tryProposeAction is a proposal of unknown outcome.
	tryProposeAction
)

// forever is the end of a call that never returned.
const forever = math.MaxInt64

// nothing is the number of the initial value of every object.
const nothing = 0

// A call is an operation as the checker sees it. Values are numbers that stand for them within
// the key: equal numbers, equal values.
type call struct {
	op     *history.Operation
	action action
	// expected is of swaps, mismatches and refusals; value of all that can change the state; seen
	// of reads, mismatches and proposals.
	expected, value, seen int
	// start and end are the moments between which it took effect; end may be forever.
	start, end int64
	// unknown calls may never have taken effect.
	unknown bool
	// provedBy is the call that saw the effect of one of unknown outcome first, and so gave it its
	// end; none if the outcome is known from the call itself.
	provedBy int32
}

// Calls are the operations of one key.
type calls struct {
	all []call
	// values is how many different values there are, numbered from 0.
	values int
	// failed and dropped count the operations that were left out: those that certainly did not
	// happen, and the unknown ones that do not matter.
	failed, dropped int
}

// newCalls turns the operations of one key into calls.
//
// Left out are operations of outcome Fail, which is defined as never executed, and reads of
// unknown outcome: a read changes nothing, and one whose answer nobody got constrains nothing, so
// a legal order with it is one without it, and the other way round.
func newCalls(ops []*history.Operation) *calls {
	// Texts alone are faster to look up than values.
	numbers := make(map[string]int, len(ops)/2)
	number := func(v history.Value) int {
		if !v.IsSet() {
			return nothing
		}
		n, known := numbers[v.Text()]
		if !known {
			n = len(numbers) + 1
			numbers[v.Text()] = n
		}
		return n
	}
	c := &calls{all: make([]call, 0, len(ops))}
	for _, op := range ops {
		switch {
		case op.Outcome == history.Fail:
			c.failed++
		case op.Outcome == history.Info && op.Kind == history.Read:
			c.dropped++
		default:
			c.all = append(c.all, newCall(op, number))
		}
	}
	c.values = len(numbers) + 1
	return c
}

func newCall(op *history.Operation, number func(history.Value) int) call {
	c := call{
		op: op, start: op.Call, end: op.Return, unknown: op.Outcome == history.Info,
		provedBy: none,
	}
	if c.unknown {
		c.end = forever
	}
	switch op.Kind {
	case history.Read:
		c.action, c.seen = readAction, number(op.Returned)
	case history.Write:
		c.action, c.value = writeAction, number(op.Value)
	case history.CompareAndSet:
		c.expected, c.value = number(op.Expected), number(op.Value)
		switch {
		case c.unknown:
			c.action = trySwapAction
		case op.Applied:
			c.action = swapAction
		case op.Blind:
			c.action = refusalAction
		default:
			c.action, c.seen = mismatchAction, number(op.Returned)
		}
	case history.Propose:
		c.value = number(op.Value)
		if c.unknown {
			c.action = tryProposeAction
		} else {
			c.action, c.seen = proposeAction, number(op.Returned)
		}
	}
	return c
}

// step tells whether c can take effect when the object holds state, and what it holds then.
//
// An operation of unknown outcome can always take effect: its place in the order may be after
// everything else, which is what never having happened looks like. That covers a compare-and-set
// that did not apply too, where its expected value was not there.
func (c *call) step(state int) (ok bool, next int) {
	switch c.action {
	case readAction:
		return state == c.seen, state
	case mismatchAction:
		return state == c.seen && state != c.expected, state
	case refusalAction:
		return state != c.expected, state
	case writeAction:
		return true, c.value
	case swapAction:
		return state == c.expected, c.value
	case trySwapAction:
		if state == c.expected {
			return true, c.value
		}
		return true, state
	case proposeAction, tryProposeAction:
		if state == nothing {
			state = c.value
		}
		return c.action == tryProposeAction || c.seen == state, state
	}
	panic("linearizability: a call without an action")
}

// writes returns the value that c may have put into the object, and false if c is none that
// could.
func (c *call) writes() (int, bool) {
	switch c.action {
	case writeAction, swapAction, trySwapAction, proposeAction, tryProposeAction:
		return c.value, true
	}
	return nothing, false
}

// observes returns the value that the object certainly held when c took effect (for a proposal,
// just after), and false if c tells of none.
func (c *call) observes() (int, bool) {
	switch c.action {
	case readAction, mismatchAction, proposeAction:
		return c.seen, true
	case swapAction:
		return c.expected, true
	}
	return nothing, false
}

// writers returns for each value the index of the call that writes it, or -1. Where several write
// a value it is the last of them.
func (c *calls) writers() []int {
	writers := make([]int, c.values)
	for i := range writers {
		writers[i] = -1
	}
	for i := range c.all {
		if v, ok := c.all[i].writes(); ok {
			writers[v] = i
		}
	}
	return writers
}

// proposals tells whether the calls are proposals.
func (c *calls) proposals() bool {
	return len(c.all) > 0 && c.all[0].op.Kind == history.Propose
}
