package linearizability

import (
	"slices"

	"ordeal/history"
)

// A prepared key is what the decision or the search gets, and what is reported of how it came
// about.
type prepared struct {
	*calls
	// unique tells whether each value has one origin, so that bound could do its work.
	unique bool
	// refusals is how many compare-and-sets were refused without saying what they saw. Each says
	// what the object did not hold, and the reason may be a write that nobody saw: to drop such a
	// write would turn legal histories into illegal ones. So where there are refusals and the
	// values are unique, unknown calls are bounded but not dropped.
	refusals int
	bounded  int
	// possible is false when a value was seen before the call that wrote it.
	possible bool
}

// prepare makes the operations of one key ready.
func prepare(ops []*history.Operation) prepared {
	p := prepared{calls: newCalls(ops), possible: true}
	p.unique, p.refusals = p.calls.unique(), p.calls.refusals()
	if p.unique {
		p.bounded, p.possible = p.bound()
	}
	if p.exact() {
		p.drop()
	}
	return p
}

// exact tells whether everything that rests on unique values holds: what is prepared is legal
// exactly when what was recorded is, and it can be decided without a search.
func (p prepared) exact() bool { return p.unique && p.refusals == 0 }

// decide tells whether a key with unique values is legal, if that can be told without a search:
// there is a witness, or a violation, or neither.
func (p prepared) decide() (witness []instant, broken *violation) {
	c := p.decided()
	if c.proposals() {
		witness, broken = decideOnce(c)
	} else {
		witness, broken = decide(c)
	}
	if !p.exact() {
		witness = nil
	}
	return witness, broken
}

// decided returns the calls that decide decides on.
func (p prepared) decided() *calls {
	if p.exact() {
		return p.calls
	}
	return p.withoutUnseen(false)
}

// withoutUnseen returns the calls without those of unknown outcome that nobody saw the effect of,
// although there are refusals, and without the refusals too if they are to go.
//
// With the refusals, a legal order of what is left is one of the whole: what was left out can stand
// at the end. That there is none says nothing. Without them it is the other way round: a legal
// order of the whole is one without the refusals, which change nothing, and then drop is exact. So
// that there is none says that the whole has none.
func (p prepared) withoutUnseen(refusals bool) *calls {
	c := *p.calls
	c.all = slices.Clone(c.all)
	c.keep(func(one *call) bool {
		return !one.unknown && (refusals || one.action != refusalAction)
	})
	return &c
}
