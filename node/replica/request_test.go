package replica

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// requireServes requires that there are so many sends of a kind, all for one request.
func requireServes(
	t *testing.T, effects []Effect, kind paxos.MessageKind, count int, number uint64,
) {
	t.Helper()
	all := sends(effects)
	require.Len(t, all, count)
	for _, s := range all {
		require.Equal(t, kind, s.Message.Kind)
		require.Equal(t, number, s.Request, "%s", s.Message)
	}
}

// retransmission returns the timer that effects set for asking again, 0 for none.
func retransmission(effects []Effect, r *Replica) (timer uint64) {
	for _, effect := range effects {
		if set, ok := effect.(*SetTimer); ok && set.After == r.config.Retransmit {
			timer = set.Timer
		}
	}
	return timer
}

// Every message of an operation names its request: in both phases, with a new ballot or with one
// that was carried along, and when it is sent again; also that of an operation which had to wait.
func TestAProposersMessagesNameTheirRequest(t *testing.T) {
	r := newReplica(paxos.Correct())
	first := r.Step(write(7, "a"))
	requireServes(t, first, paxos.Prepare, 3, 7)
	ballot := sends(first)[0].Message.Ballot
	again := r.Step(Timeout{retransmission(first, r)})
	requireServes(t, again, paxos.Prepare, 3, 7)
	require.Empty(t, sends(r.Step(write(9, "b"))), "it waits for the first")

	from := func(node paxos.NodeID, kind paxos.MessageKind, b, next paxos.Ballot) Receive {
		return Receive{paxos.Message{
			Kind: kind, From: node, To: 1, Key: keyX, Ballot: b, Next: next,
		}}
	}
	r.Step(from(1, paxos.Promise, ballot, paxos.Ballot{}))
	accepts := r.Step(from(2, paxos.Promise, ballot, paxos.Ballot{}))
	requireServes(t, accepts, paxos.Accept, 3, 7)
	next := sends(accepts)[0].Message.Next
	r.Step(from(1, paxos.Accepted, ballot, next))
	resumed := r.Step(from(2, paxos.Accepted, ballot, next))
	require.EqualValues(t, 7, answers(resumed)[0].Number)
	requireServes(t, resumed, paxos.Accept, 3, 9)

	refusal := from(2, paxos.Refusal, next, paxos.Ballot{})
	refusal.Message.Refused = paxos.Accept
	refusal.Message.Promised = paxos.Ballot{Round: 9, Node: 2, Boot: 1}
	var backOff uint64
	for _, effect := range r.Step(refusal) {
		backOff = effect.(*SetTimer).Timer
	}
	requireServes(t, r.Step(Timeout{backOff}), paxos.Prepare, 3, 9)
}

func TestAReadersMessagesNameTheirRequest(t *testing.T) {
	r := newReplica(paxos.Correct())
	read := Request{Number: 5, Key: keyX, Change: paxos.Change{Kind: paxos.ChangeRead}}
	requireServes(t, r.Step(read), paxos.Query, 3, 5)
	learn := Request{Number: 6, Key: paxos.Key{Space: paxos.Decrees, Name: "d"}, Learn: true}
	requireServes(t, r.Step(learn), paxos.Query, 3, 6)
}

// What an acceptor answers, and what learners are told, serves no request of this node's.
func TestAnAcceptorsMessagesNameNoRequest(t *testing.T) {
	r := newReplica(paxos.Correct())
	r.Step(write(7, "a"))
	ballot := paxos.Ballot{Round: 1, Node: 2, Boot: 1}
	for _, kind := range []paxos.MessageKind{paxos.Prepare, paxos.Accept, paxos.Query} {
		for _, space := range []paxos.Space{paxos.Registers, paxos.Decrees} {
			key := paxos.Key{Space: space, Name: "x"}
			all := sends(r.Step(Receive{paxos.Message{
				Kind: kind, From: 2, To: 1, Key: key, Ballot: ballot,
			}}))
			require.NotEmpty(t, all)
			for _, s := range all {
				require.Zero(t, s.Request, "%s", s.Message)
			}
		}
	}
}
