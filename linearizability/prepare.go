package linearizability

import "ordeal/history"

// A prepared key is what the search gets, and what is reported of how it came about.
type prepared struct {
	*calls
	// unique tells whether the values were, so that bound and drop could do their work.
	unique  bool
	bounded int
	// possible is false when a value was seen before the call that wrote it.
	possible bool
}

// prepare makes the operations of one key ready for the search.
func prepare(ops []*history.Operation) prepared {
	p := prepared{calls: newCalls(ops), possible: true}
	p.unique = p.calls.unique()
	if p.unique {
		p.bounded, p.possible = p.bound()
		p.drop()
	}
	return p
}
