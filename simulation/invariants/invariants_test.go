package invariants_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
	"ordeal/simulation/invariants"
)

var key = paxos.Key{Name: "k"}

func ballot(round uint64) paxos.Ballot { return paxos.Ballot{Round: round, Node: 1, Boot: 1} }

func classes(found []invariants.Violation) (names []string) {
	for _, v := range found {
		names = append(names, v.Class)
	}
	return names
}

func TestOneBallotCarriesOneValue(t *testing.T) {
	c := invariants.NewChecker()
	propose := func(round uint64, content string) []string {
		m := paxos.Message{Kind: paxos.Accept, From: 1, To: 2, Key: key, Ballot: ballot(round)}
		m.Proposal.State = paxos.State{Present: true, Content: []byte(content)}
		return classes(c.Sent(&m))
	}
	require.Empty(t, propose(1, "a"))
	require.Empty(t, propose(1, "a"), "sent again")
	require.Empty(t, propose(2, "b"))
	require.Equal(t, []string{invariants.TwoValues}, propose(1, "b"))
}

// An acceptor's promises never go back, and it forgets nothing that it accepted. What was accepted
// before may be confirmed again.
func TestAnAcceptorKeepsItsWord(t *testing.T) {
	c := invariants.NewChecker()
	say := func(kind paxos.MessageKind, round, next, accepted uint64) []string {
		m := paxos.Message{Kind: kind, From: 2, To: 1, Key: key}
		if kind != paxos.Report {
			m.Ballot = ballot(round)
		}
		if next > 0 {
			m.Next = ballot(next)
		}
		if accepted > 0 {
			m.Proposal.Ballot = ballot(accepted)
		}
		return classes(c.Sent(&m))
	}
	require.Empty(t, say(paxos.Promise, 2, 0, 0))
	require.Equal(t, []string{invariants.Promise}, say(paxos.Promise, 1, 0, 0))
	require.Empty(t, say(paxos.Accepted, 2, 5, 0))
	require.Empty(t, say(paxos.Accepted, 2, 5, 0), "confirmed again, though 5 is promised")
	require.Equal(t, []string{invariants.Promise}, say(paxos.Accepted, 4, 0, 0))
	require.Empty(t, say(paxos.Report, 0, 0, 4))
	require.Equal(t, []string{invariants.Forgotten}, say(paxos.Report, 0, 0, 2))
	require.Equal(t, []string{invariants.Promise, invariants.Forgotten},
		say(paxos.Promise, 3, 0, 0))
	require.Empty(t, say(paxos.Refusal, 1, 0, 0), "a refusal promises nothing")
}
