package explore

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/node/paxos"
)

// A compare-and-set that was never answered and whose value was seen is one of two winners: a run
// of size 8 that says so is found where nothing larger is looked for.
func TestAWinnerMayBeKnownByWhoSawItsValue(t *testing.T) {
	c := Config{Bug: "read-without-write-back", Class: twoWinners, CostMax: 8}
	require.NoError(t, Confirm(c, provenWinner()))
	require.Equal(t, 8, SizeOf(provenWinner()).Total())
	r, err := Search(t.Context(), c)
	require.NoError(t, err)
	require.True(t, r.Found())
}

func provenWinner() []Action {
	key := paxos.Key{Name: keyName}
	call := func(node paxos.NodeID, kind history.Kind, number uint8) Action {
		op := callOf{number: number, kind: kind}.operation()
		return Action{Kind: Call, Node: node, Self: All, Operation: op}
	}
	deliver := func(m paxos.Message) Action {
		m.Key = key
		return Action{Kind: Deliver, Node: m.To, Message: m, Self: All}
	}
	state := func(number uint8, node paxos.NodeID) paxos.State {
		stamp := paxos.Stamp{Node: node, Boot: 1, Sequence: 1}
		return paxos.State{}.With([]byte(valueOf(number).Text()), stamp)
	}
	first, second := paxos.Ballot{Round: 1, Node: 1, Boot: 1}, paxos.Ballot{Round: 1, Node: 2, Boot: 1}
	next, nonce := paxos.Ballot{Round: 2, Node: 2, Boot: 1}, uint64(1<<40+1)
	return []Action{
		call(1, history.CompareAndSet, 1),
		deliver(paxos.Message{Kind: paxos.Prepare, From: 1, To: 3, Ballot: first}),
		deliver(paxos.Message{Kind: paxos.Promise, From: 3, To: 1, Ballot: first}),
		call(3, history.Read, 2),
		deliver(paxos.Message{Kind: paxos.Query, From: 3, To: 1, Nonce: nonce}),
		deliver(paxos.Message{Kind: paxos.Report, From: 1, To: 3, Nonce: nonce,
			Proposal: paxos.Proposal{Ballot: first, State: state(1, 1)}}),
		call(2, history.CompareAndSet, 3),
		deliver(paxos.Message{Kind: paxos.Prepare, From: 2, To: 3, Ballot: second}),
		deliver(paxos.Message{Kind: paxos.Promise, From: 3, To: 2, Ballot: second}),
		deliver(paxos.Message{Kind: paxos.Accept, From: 2, To: 3, Ballot: second, Next: next,
			Proposal: paxos.Proposal{State: state(3, 2)}}),
		deliver(paxos.Message{Kind: paxos.Accepted, From: 3, To: 2, Ballot: second, Next: next}),
	}
}

// Where an answer that is repeated counts twice, timers alone make a quorum of one node whose
// messages to itself are taken later: the bound does not know that, so it is refused.
func TestTimersAloneMakeDuplicates(t *testing.T) {
	c := Config{
		Bug: "count-duplicates", Class: staleRead, Nodes: 4, OperationsMax: 2, SelfLater: true,
	}
	again := func(node paxos.NodeID, self int) Action {
		return Action{Kind: Timeout, Node: node, Self: self}
	}
	call := func(node paxos.NodeID, kind history.Kind, number uint8) Action {
		op := callOf{number: number, kind: kind}.operation()
		return Action{Kind: Call, Node: node, Operation: op}
	}
	path := []Action{
		call(4, history.Write, 1), again(4, 0), again(4, 6), again(4, 0), again(4, All),
		call(2, history.Read, 2), again(2, 0), again(2, All),
	}
	require.NoError(t, Confirm(c, path))
	require.Equal(t, Size{Timeouts: 6}, SizeOf(path))
	_, err := Search(t.Context(), c)
	require.ErrorContains(t, err, "accepted: without")
}
