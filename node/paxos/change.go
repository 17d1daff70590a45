package paxos

import "bytes"

// A ChangeKind is what an operation does to the state of its key.
type ChangeKind uint8

// The kinds of changes. ChangePropose belongs to decrees, the others to registers.
const (
	ChangeRead ChangeKind = iota + 1
	ChangeWrite
	ChangeCompareAndSet
	ChangePropose
)

// A Change is a change function: what an operation makes of the state that a ballot recovered.
type Change struct {
	Kind ChangeKind
	// Content is what is written, set or proposed.
	Content []byte
	// Expected is the content that a compare-and-set requires; ExpectNothing requires instead that
	// the register was never written.
	Expected      []byte
	ExpectNothing bool
}

// A Result is what an operation answers once the state that it left is chosen.
type Result struct {
	// Present and Content are the content that the operation found (for a write or an applied
	// compare-and-set: that it left).
	Present bool
	Content []byte
	// Swapped tells of a compare-and-set whether its condition held.
	Swapped bool
}

// Apply returns the state that the change leaves of s, whether that is another state, and the
// operation's result.
func (c Change) Apply(s State, stamp Stamp) (after State, changed bool, result Result) {
	if !c.holds(s) {
		return s, false, Result{Present: s.Present, Content: s.Content}
	}
	after = s.With(c.Content, stamp)
	return after, true, c.Done()
}

// Done returns the result of a change that is known to be part of the chosen state.
func (c Change) Done() Result {
	return Result{Present: true, Content: c.Content, Swapped: c.Kind == ChangeCompareAndSet}
}

// holds tells whether the change applies to s.
func (c Change) holds(s State) bool {
	switch c.Kind {
	case ChangeWrite:
		return true
	case ChangeCompareAndSet:
		if c.ExpectNothing {
			return !s.Present
		}
		return s.Present && bytes.Equal(s.Content, c.Expected)
	case ChangePropose:
		return !s.Present
	default:
		return false
	}
}
