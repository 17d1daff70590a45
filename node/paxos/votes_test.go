package paxos

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// However often and in whatever order acceptors answer, each has one vote.
func TestVotesCountDistinctAcceptors(t *testing.T) {
	rules := Correct()
	rapid.Check(t, func(t *rapid.T) {
		var votes Votes
		voters := make(map[NodeID]bool)
		answers := rapid.SliceOf(rapid.IntRange(1, NodesMax)).Draw(t, "answers")
		for _, node := range answers {
			votes = rules.Vote(votes, NodeID(node))
			voters[NodeID(node)] = true
			require.Equal(t, len(voters), votes.Count())
		}
		for node := NodeID(1); node <= NodesMax; node++ {
			require.Equal(t, voters[node], votes.Has(node))
		}
	})
}

// A learner holds votes for few ballots, however many there are, and forgets the lowest. That loses
// knowledge and never invents any: a forgotten ballot must be heard of from a majority again.
func TestALearnerIsBounded(t *testing.T) {
	rules := Correct()
	var l Learner
	for round := uint64(1); round <= 10*learnerBallotsMax; round++ {
		l.Accepted(&rules, 3, 1, Proposal{ballot(round), value(fmt.Sprint(round))})
		require.LessOrEqual(t, len(l.votes), learnerBallotsMax)
	}
	l.Accepted(&rules, 3, 2, Proposal{ballot(1), value("1")})
	_, known := l.Learned()
	require.False(t, known, "node 1's vote for the first ballot is forgotten")
	high := uint64(10 * learnerBallotsMax)
	l.Accepted(&rules, 3, 2, Proposal{ballot(high), value(fmt.Sprint(high))})
	learned, known := l.Learned()
	require.True(t, known, "that for the last is not")
	require.Equal(t, fmt.Sprint(high), string(learned.Content))
}

// Once learned, never changed, and an acceptor that accepted nothing says nothing.
func TestALearnerIsStable(t *testing.T) {
	rules := Correct()
	var l Learner
	for node := NodeID(1); node <= 3; node++ {
		l.Accepted(&rules, 3, node, Proposal{})
	}
	_, known := l.Learned()
	require.False(t, known, "no acceptance, no decision")
	for round := uint64(1); round <= 3; round++ {
		for node := NodeID(1); node <= 3; node++ {
			l.Accepted(&rules, 3, node, Proposal{ballot(round), value(fmt.Sprint(round))})
		}
		learned, _ := l.Learned()
		require.Equal(t, "1", string(learned.Content))
	}
}

// The rules that look at reports agree with counting by hand.
func TestAdoptingAndConfirming(t *testing.T) {
	rules := Correct()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "nodes")
		rounds := rapid.SliceOfN(rapid.Uint64Range(0, 3), 0, n).Draw(t, "rounds")
		var reports []Proposal
		highest, count := uint64(0), 0
		for _, round := range rounds {
			report := Proposal{}
			if round > 0 {
				report = Proposal{ballot(round), value(fmt.Sprint(round))}
			}
			reports = append(reports, report)
			highest = max(highest, round)
		}
		for _, round := range rounds {
			if round == highest {
				count++
			}
		}
		found := rules.Adopt(reports)
		require.Equal(t, highest, found.Ballot.Round)
		if highest > 0 {
			require.Equal(t, value(fmt.Sprint(highest)), found.State)
		}
		require.Equal(t, 2*count > n, rules.MayAnswerRead(reports, found.Ballot, n))
		require.Equal(t, 2*count > n, rules.MayAnswerCondition(reports, found.Ballot, n))
	})
}
