package explore

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/linearizability"
	"ordeal/simulation/invariants"
)

const (
	staleRead    = string(linearizability.StaleRead)
	lostWrite    = string(linearizability.LostWrite)
	reappeared   = string(linearizability.Reappeared)
	twoWinners   = string(linearizability.TwoWinners)
	neverWritten = string(linearizability.NeverWritten)
	changed      = string(linearizability.DecisionChanged)
)

// The smallest runs that are found within a second or so, of up to so many operations.
func TestTheSmallestRuns(t *testing.T) {
	for _, test := range []struct {
		config Config
		size   Size
	}{
		{Config{Bug: "accept-below-promise", Class: invariants.Promise}, Size{3, 0, 0}},
		{Config{Bug: "accept-keeps-old-promise", Class: invariants.Promise}, Size{3, 0, 0}},
		{Config{Bug: "forget-promise", Class: invariants.Promise}, Size{1, 1, 0}},
		{Config{Bug: "forget-accepted", Class: invariants.Forgotten}, Size{2, 1, 0}},
		{Config{Bug: "amnesia", Class: invariants.Forgotten}, Size{2, 1, 0}},
		{Config{Bug: "damage-is-end", Class: invariants.Forgotten}, Size{2, 1, 0}},
		{Config{Bug: "shared-ballots", Class: invariants.TwoValues}, Size{4, 0, 0}},
		{Config{Bug: "small-quorum", Class: twoWinners}, Size{4, 0, 0}},
		{Config{Bug: "half-quorum", Class: twoWinners, Nodes: 4, OperationsMax: 2}, Size{8, 0, 0}},
		{Config{Bug: "ignore-accepted", Class: twoWinners, OperationsMax: 2}, Size{8, 0, 0}},
		{Config{Bug: "read-without-write-back", Class: staleRead}, Size{6, 0, 0}},
		{Config{Bug: "unknown-as-failed", Class: neverWritten, OperationsMax: 2}, Size{5, 0, 1}},
		{Config{Bug: "redecide", Class: changed, Decree: true, OperationsMax: 4, StatesMax: 130_000},
			Size{4, 0, 0}},
	} {
		c, _ := test.config.withDefaults()
		r, err := Search(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, test.size, r.Size(), "%s: %v", c.Bug, r.Path)
		require.Equal(t, c.OperationsMax, r.SmallestOf(), c.Bug)
		requireNeeded(t, c, r.Path)
	}
}

// requireNeeded requires that a run violates, and that it does not without any of its actions.
func requireNeeded(t *testing.T, c Config, path []Action) {
	t.Helper()
	require.NoError(t, Confirm(c, path))
	for i := range path {
		fewer := slices.Delete(slices.Clone(path), i, i+1)
		if path[i].Kind == Call {
			continue // operations are numbered
		}
		require.Error(t, Confirm(c, fewer), "%s: without %s", c.Bug, path[i])
	}
}

// With the correct rules no run up to these sizes violates.
func TestTheCorrectRulesViolateNothing(t *testing.T) {
	for _, test := range []struct {
		class      string
		operations int
		size       int
	}{
		{invariants.Promise, 2, 4}, {invariants.Forgotten, 2, 4}, {invariants.TwoValues, 2, 4},
		{Assertion, 2, 4}, {staleRead, 2, 7}, {reappeared, 3, 8}, {lostWrite, 3, 7},
		{twoWinners, 2, 8}, {neverWritten, 2, 5},
	} {
		r, err := Search(t.Context(), Config{
			Class: test.class, OperationsMax: test.operations, CostMax: test.size,
		})
		require.NoError(t, err)
		require.False(t, r.Found(), "%s: %v", test.class, r.Path)
		last := r.Rounds[len(r.Rounds)-1]
		require.Equal(t, test.size, last.Covered, test.class)
		t.Logf("%s: %d operations, size %d, %d states", test.class, test.operations, test.size,
			last.States)
	}
}

// The bound changes no size: without it the same are found, if more slowly.
func TestTheBoundChangesNoSize(t *testing.T) {
	found := 0
	for _, bug := range []string{
		"", "accept-below-promise", "forget-promise", "amnesia", "small-quorum", "local-read",
	} {
		for class, most := range map[string]int{
			invariants.Promise: 3, invariants.Forgotten: 3, staleRead: 3, twoWinners: 4,
		} {
			c := Config{Bug: bug, Class: class, OperationsMax: 2, CostMax: most}
			r, err := Search(t.Context(), c)
			require.NoError(t, err)
			c.plain = withoutBounds
			plain, err := Search(t.Context(), c)
			require.NoError(t, err)
			require.Equal(t, plain.Size().Total(), r.Size().Total(), "%s: %s", bug, class)
			if r.Found() {
				found++
			}
		}
	}
	require.Greater(t, found, 3)
}

// Whatever leads to a violation costs no less than was said at any moment before that answers cost:
// of all violations that a search finds that does not know that, up to a size.
func TestAnswersCostNoLessThanTheyAreSaidTo(t *testing.T) {
	all := 0
	for _, c := range []Config{
		{Bug: "small-quorum", Class: twoWinners, OperationsMax: 2, CostMax: 6},
		{Bug: "small-quorum", Class: staleRead, OperationsMax: 2, CostMax: 6},
		{Bug: "small-quorum", Class: lostWrite, OperationsMax: 2, CostMax: 6},
		{Bug: "unknown-as-failed", Class: neverWritten, OperationsMax: 2, CostMax: 7},
	} {
		violations := 0
		c.StatesMax, c.plain = 300_000, withoutAnswers
		c.seen = func(s *search, cost int) {
			violations++
			with := *s
			with.config.plain = 0
			for at := s.walk; at != none; at = s.visits[at].from {
				v := &s.visits[at]
				least := int(v.cost) + with.least(&v.state, v.unused)
				require.LessOrEqual(t, least, cost, "%s, %s: %+v", c.Bug, c.Class,
					s.pasts.all[v.state.past])
			}
		}
		_, err := Search(t.Context(), c)
		require.NoError(t, err)
		t.Logf("%s, %s: %d violations", c.Bug, c.Class, violations)
		all += violations
	}
	require.Greater(t, all, 100)
}

// Messages to itself that a node may take later make more runs, and no smallest one larger.
func TestSelfLater(t *testing.T) {
	c := Config{Bug: "small-quorum", Class: twoWinners, OperationsMax: 2, CostMax: 4}
	r, err := Search(t.Context(), c)
	require.NoError(t, err)
	c.SelfLater = true
	later, err := Search(t.Context(), c)
	require.NoError(t, err)
	require.True(t, later.Found())
	require.LessOrEqual(t, later.Size().Total(), r.Size().Total())
	require.Greater(t, later.LocalStates, r.LocalStates)
}

func TestLimitsEndASearch(t *testing.T) {
	r, err := Search(t.Context(), Config{Class: staleRead, StatesMax: 1000})
	require.NoError(t, err)
	require.False(t, r.Found())
	require.Zero(t, r.SmallestOf())
	require.Less(t, r.Rounds[2].States, 2000)
	require.Less(t, r.Rounds[2].Covered, costMost)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Search(over, Config{Class: staleRead})
	require.ErrorIs(t, err, context.Canceled)
}

func TestWhatCannotBeExploredIsRefused(t *testing.T) {
	for _, c := range []Config{{Nodes: 2}, {Nodes: 5}, {OperationsMax: 7}, {CostMax: 15}} {
		_, err := Search(t.Context(), c)
		require.ErrorContains(t, err, "accepted: ", fmt.Sprintf("%+v", c))
	}
	_, err := Search(t.Context(), Config{Bug: "no-such-bug"})
	require.ErrorContains(t, err, "no-such-bug")
}

// What is not a run of the model, or does not violate, is not confirmed.
func TestConfirmRefusesWhatIsNoRun(t *testing.T) {
	c := Config{Bug: "small-quorum", Class: twoWinners, OperationsMax: 2}
	r, err := Search(t.Context(), c)
	require.NoError(t, err)
	require.ErrorContains(t, Confirm(c, r.Path[:len(r.Path)-1]), `shows no "two winners"`)
	require.ErrorContains(t, Confirm(c, slices.Concat(r.Path[:1], r.Path[2:])), "nobody has sent")
	require.ErrorContains(t, Confirm(c, []Action{{Kind: Timeout, Node: 1}}), "no such timer")
	require.ErrorContains(t, Confirm(c, []Action{{Kind: Rot, Node: 1}}), "damaged")
	wiped := []Action{{Kind: Wipe, Node: 1}, {Kind: Crash, Node: 1}}
	require.ErrorContains(t, Confirm(c, wiped), "takes no part")
}
