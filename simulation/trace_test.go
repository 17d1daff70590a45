package simulation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/node/paxos"
)

// hashes holds what was hashed, each of which must be another.
type hashes map[uint64]int

func (h hashes) add(t *testing.T, i int, trace trace) {
	t.Helper()
	require.NotContains(t, h, trace.hash, "%d is like %d", i, h[trace.hash])
	h[trace.hash] = i
}

// The hash of a run tells apart what differs in anything that a node can see.
func TestTheTraceTellsMessagesApart(t *testing.T) {
	b := paxos.Ballot{Round: 1, Node: 2, Boot: 3}
	state := func(content string, stamps ...paxos.Stamp) paxos.Proposal {
		return paxos.Proposal{State: paxos.State{
			Present: true, Content: []byte(content), Applied: stamps,
		}}
	}
	seen := hashes{}
	for i, m := range []paxos.Message{
		{}, {Kind: paxos.Accept}, {Key: paxos.Key{Name: "k0"}}, {Key: paxos.Key{Name: "k9"}},
		{Key: paxos.Key{Name: "k0", Space: paxos.Decrees}}, {Ballot: b}, {Next: b}, {Promised: b},
		{Proposal: paxos.Proposal{Ballot: b}}, {Proposal: state("1")}, {Proposal: state("2")},
		{Proposal: state("")}, {Proposal: state("1", paxos.Stamp{Node: 1})},
		{Proposal: state("1", paxos.Stamp{Sequence: 1})}, {Refused: paxos.Prepare}, {Nonce: 1},
		{Proposal: state("123456789")}, {Proposal: state("12345678")},
	} {
		m.From, m.To = 1, 2
		var trace trace
		trace.addMessage(0, happensDelivery, &m)
		seen.add(t, i, trace)
	}
	m := paxos.Message{Key: paxos.Key{Name: "k0"}, Proposal: state("1", paxos.Stamp{Node: 1})}
	var trace trace
	require.Zero(t, testing.AllocsPerRun(100, func() {
		trace.addMessage(0, happensDelivery, &m)
	}))
}

// So it does with what clients ask and are told.
func TestTheTraceTellsAnswersApart(t *testing.T) {
	one, other := history.NewValue("1"), history.NewValue("2")
	seen := hashes{}
	for i, c := range []call{
		{}, {op: history.Operation{Key: "k0"}}, {op: history.Operation{Key: "k9"}},
		{op: history.Operation{Key: "k0", Value: one}}, {op: history.Operation{Key: "k0", Value: other}},
		{op: history.Operation{Key: "k0", Expected: one}},
		{op: history.Operation{Key: "k0", Value: history.NewValue("")}},
		{op: history.Operation{Key: "k0", Kind: history.Write}},
		{result: history.Result{Outcome: history.OK}}, {result: history.Result{Outcome: history.Fail}},
		{result: history.Result{Outcome: history.OK, Returned: one}},
		{result: history.Result{Outcome: history.OK, Returned: other}},
		{result: history.Result{Outcome: history.OK, Applied: true}},
		{result: history.Result{Outcome: history.Info, Error: "timed out"}},
	} {
		c.node = &node{}
		var trace trace
		trace.addCall(0, happensReply, &c)
		seen.add(t, i, trace)
	}
}
