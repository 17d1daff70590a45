package paxos

import (
	"cmp"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawSmallBallot draws from few, so that equal parts are common.
func drawSmallBallot(t *rapid.T) Ballot {
	return Ballot{
		Round: rapid.Uint64Range(0, 3).Draw(t, "round"),
		Node:  NodeID(rapid.IntRange(0, 3).Draw(t, "node")),
		Boot:  rapid.Uint64Range(0, 3).Draw(t, "boot"),
	}
}

// Ballots are totally ordered.
func TestBallotsAreTotallyOrdered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawSmallBallot(t), drawSmallBallot(t), drawSmallBallot(t)
		require.Equal(t, a == b, a.Compare(b) == 0, "equal only to itself")
		require.Equal(t, a.Compare(b), -b.Compare(a))
		require.Equal(t, a.Less(b), a.Compare(b) < 0)
		if a.Less(b) && b.Less(c) {
			require.True(t, a.Less(c))
		}
		require.False(t, a.Less(Ballot{}), "none is the lowest")
		require.Equal(t, max(a.Compare(b), 0) > 0, MaxBallot(a, b) == a && a != b)
	})
}

// The round counts first, then the node, then the boot.
func TestBallotsAreOrderedByRoundThenNodeThenBoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSmallBallot(t), drawSmallBallot(t)
		number := func(b Ballot) uint64 { return 16*b.Round + 4*uint64(b.Node) + b.Boot }
		require.Equal(t, cmp.Compare(number(a), number(b)), a.Compare(b))
	})
}

func TestTheNextBallotIsHigherThanEveryRoundSeen(t *testing.T) {
	rules := Correct()
	rapid.Check(t, func(t *rapid.T) {
		seen := drawSmallBallot(t)
		round := rules.LearnRound(rapid.Uint64Range(0, 3).Draw(t, "known"), seen.Round)
		next := rules.NextBallot(round, 1, 1)
		require.True(t, seen.Less(next))
	})
}

func TestBallotText(t *testing.T) {
	require.Equal(t, "12.3.4", Ballot{Round: 12, Node: 3, Boot: 4}.String())
	require.Equal(t, "none", Ballot{}.String())
	require.Equal(t, `12.3.4:"v"`, Proposal{Ballot{12, 3, 4}, value("v")}.String())
	require.Equal(t, "12.3.4:nothing", Proposal{Ballot: Ballot{12, 3, 4}}.String())
	require.Equal(t, "none", Proposal{}.String())
}

func TestKeysAreOrderedAndNamedBySpace(t *testing.T) {
	a, b := Key{Registers, "z"}, Key{Decrees, "a"}
	require.Negative(t, a.Compare(b))
	require.Positive(t, b.Compare(a))
	require.Zero(t, a.Compare(a))
	require.Negative(t, Key{Registers, "y"}.Compare(a))
	require.Equal(t, "z", a.String())
	require.Equal(t, "decree:a", b.String())
}

// Every kind of message has a line of its own for transcripts, with what it says in it.
func TestMessageText(t *testing.T) {
	m := sampleMessage()
	for kind, text := range map[MessageKind]string{
		Prepare:    "n1→n2 prepare decree:k ballot=300.3.2",
		Promise:    `n1→n2 promise decree:k ballot=300.3.2 accepted=1.2.3:"content"`,
		Accept:     `n1→n2 accept decree:k 300.3.2:"content" next=301.3.2`,
		Accepted:   "n1→n2 accepted decree:k ballot=300.3.2 next=301.3.2",
		Refusal:    "n1→n2 refusal decree:k of prepare ballot=300.3.2 promised=7.1.1",
		Query:      "n1→n2 query decree:k nonce=9",
		Report:     `n1→n2 report decree:k nonce=9 accepted=1.2.3:"content"`,
		Report + 1: `n1→n2 kind 8 decree:k nonce=9 accepted=1.2.3:"content"`,
	} {
		m.Kind = kind
		require.Equal(t, text, m.String())
	}
}
