package paxos

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A state's stamps behave like a map from node to its last operation, sorted by node.
func TestAStateHoldsTheLastStampOfEveryNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		last := make(map[NodeID]Stamp)
		for i := range rapid.IntRange(0, 30).Draw(t, "operations") {
			stamp := Stamp{
				Node: NodeID(rapid.IntRange(1, 5).Draw(t, "node")), Boot: 1, Sequence: uint64(i),
			}
			before, copied := s, slices.Clone(s.Applied)
			s = s.With([]byte{byte(i)}, stamp)
			last[stamp.Node] = stamp

			require.Equal(t, copied, slices.Clone(before.Applied), "a change makes a new state")
			require.Equal(t, State{true, []byte{byte(i)}, s.Applied}, s)
			require.Len(t, s.Applied, len(last))
			require.True(t, slices.IsSortedFunc(s.Applied, func(a, b Stamp) int {
				return int(a.Node) - int(b.Node)
			}))
			for _, stamp := range last {
				require.True(t, s.Has(stamp))
			}
			require.False(t, s.Has(Stamp{Node: stamp.Node, Boot: 2, Sequence: uint64(i)}))
		}
	})
}

// What the caller does with its buffer afterwards does not change a state.
func TestAStateOwnsItsContent(t *testing.T) {
	buffer := []byte("v")
	s := State{}.With(buffer, Stamp{Node: 1})
	buffer[0] = 'w'
	require.Equal(t, "v", string(s.Content))
}

func TestEqualStates(t *testing.T) {
	s := value("v").With([]byte("v"), Stamp{1, 1, 1})
	require.True(t, s.Equal(State{}.With([]byte("v"), Stamp{1, 1, 1})))
	require.False(t, s.Equal(State{}.With([]byte("w"), Stamp{1, 1, 1})))
	require.False(t, s.Equal(State{}.With([]byte("v"), Stamp{1, 1, 2})))
	require.False(t, State{}.Equal(State{Present: true}), "nothing is not the empty content")
}

func TestChanges(t *testing.T) {
	nothing, v := State{}, value("v")
	stamp := Stamp{Node: 1, Boot: 1, Sequence: 1}
	w := []byte("w")
	expect := func(content string) Change {
		return Change{Kind: ChangeCompareAndSet, Content: w, Expected: []byte(content)}
	}
	expectNothing := Change{Kind: ChangeCompareAndSet, Content: w, ExpectNothing: true}
	wrote := Result{Present: true, Content: w}
	swapped := Result{Present: true, Content: w, Swapped: true}
	saw := Result{Present: true, Content: []byte("v")}
	cases := []struct {
		name    string
		change  Change
		on      State
		changes bool
		result  Result
	}{
		{"a read of nothing", Change{Kind: ChangeRead}, nothing, false, Result{}},
		{"a read", Change{Kind: ChangeRead}, v, false, saw},
		{"a first write", Change{Kind: ChangeWrite, Content: w}, nothing, true, wrote},
		{"a write", Change{Kind: ChangeWrite, Content: w}, v, true, wrote},
		{"a compare-and-set that holds", expect("v"), v, true, swapped},
		{"a compare-and-set that fails", expect("u"), v, false, saw},
		{"a compare-and-set of nothing that fails", expectNothing, v, false, saw},
		{"a compare-and-set of nothing that holds", expectNothing, nothing, true, swapped},
		{"nothing is not empty content", expect(""), nothing, false, Result{}},
		{"a first proposal", Change{Kind: ChangePropose, Content: w}, nothing, true, wrote},
		{"a later proposal", Change{Kind: ChangePropose, Content: w}, v, false, saw},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after, changed, result := c.change.Apply(c.on, stamp)
			require.Equal(t, c.changes, changed)
			require.Equal(t, c.result, result)
			require.Equal(t, c.changes, after.Has(stamp))
			if !changed {
				require.Equal(t, c.on, after)
				return
			}
			require.Equal(t, State{}.With(w, stamp), after)
			require.Equal(t, result, c.change.Done(), "what is said when it is found applied")
		})
	}
}
