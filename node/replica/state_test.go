package replica

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/fields"
	"ordeal/node/paxos"
)

// notInTheState is what AppendState leaves out: what does not change, what is only counted, how
// long the node waits, and the names of timers, of which it says whether they run.
var notInTheState = []string{
	".config", ".effects", ".sends", ".persists", ".settings", ".stats", ".timer", ".attempt",
	".rules", ".nodes", ".present",
}

func aReplica(rules paxos.Rules) *Replica {
	config := DefaultConfig
	config.Self, config.Nodes, config.Boot, config.Rules = 1, []paxos.NodeID{1, 2, 3}, 1, rules
	config.Random = rand.New(rand.NewPCG(1, 1))
	return New(config, maps.All(map[paxos.Key]paxos.Acceptor{}))
}

// The encoding of a node's state has every field in it but those.
func TestTheEncodingOfTheStateHasAllOfIt(t *testing.T) {
	r := aReplica(paxos.Correct())
	key := paxos.Key{Name: "x"}
	r.Step(Request{Number: 1, Key: key, Change: paxos.Change{Kind: paxos.ChangeRead}})
	r.timers = map[uint64]reaction{1: {}, 9: {}}
	op := r.keys[key].queue[0]
	op.deadline, op.retry = 1, 9
	before, changes := string(r.AppendState(nil)), 0
	// What is pointed to, and what timers do, cannot be made up.
	left := append([]string{".keys[+]", ".queue[+]", ".timers[]"}, notInTheState...)
	fields.Each(r, func(path string) bool {
		return slices.ContainsFunc(left, func(name string) bool {
			return strings.HasSuffix(path, name)
		})
	}, func(path string) {
		require.NotEqual(t, before, string(r.AppendState(nil)), "%s is not in it", path)
		changes++
	})
	require.Equal(t, before, string(r.AppendState(nil)))
	require.Greater(t, changes, 30)
}

// Nodes that were told the same in another order, where that makes no difference, have one state;
// and firing a timer that was dropped makes no difference.
func TestEqualStatesHaveOneEncoding(t *testing.T) {
	key := paxos.Key{Name: "x"}
	query := func(nonce uint64) Receive {
		return Receive{paxos.Message{Kind: paxos.Query, From: 2, To: 1, Key: key, Nonce: nonce}}
	}
	a, b := aReplica(paxos.Correct()), aReplica(paxos.Correct())
	write := Request{Number: 1, Key: key, Change: paxos.Change{
		Kind: paxos.ChangeWrite, Content: []byte("v"),
	}}
	a.Step(query(1))
	a.Step(write)
	b.Step(write)
	b.Step(query(1))
	require.Equal(t, a.AppendState(nil), b.AppendState(nil))

	require.True(t, a.Waits(1) && a.Waits(2))
	a.Step(Timeout{2}) // it asks again, and waits under another name
	require.False(t, a.Waits(2))
	require.Equal(t, a.AppendState(nil), b.AppendState(nil))
	a.Step(Timeout{2})
	require.Equal(t, a.AppendState(nil), b.AppendState(nil))
	a.Step(Timeout{1})
	require.NotEqual(t, a.AppendState(nil), b.AppendState(nil))
}

// Progress follows an operation through its phases.
func TestProgress(t *testing.T) {
	key := paxos.Key{Name: "x"}
	r := aReplica(paxos.Correct())
	require.Zero(t, r.Progress(key))
	r.Step(Request{Number: 1, Key: key, Change: paxos.Change{Kind: paxos.ChangeRead}})
	nonce := uint64(1)<<nonceBits + 1
	require.Equal(t, Progress{Awaited: paxos.Report, Missing: 2, Nonce: nonce}, r.Progress(key))
	r.Step(Timeout{1})
	r.Step(Request{Number: 2, Key: key, Change: paxos.Change{Kind: paxos.ChangeWrite}})
	ballot := paxos.Ballot{Round: 1, Node: 1, Boot: 1}
	require.Equal(t, Progress{Awaited: paxos.Promise, Missing: 2, Ballot: ballot}, r.Progress(key))
	answer := func(kind paxos.MessageKind, from paxos.NodeID) {
		m := paxos.Message{Kind: kind, From: from, To: 1, Key: key, Ballot: ballot}
		m.Next = paxos.Ballot{Round: 2, Node: 1, Boot: 1}
		m.Promised, m.Refused = paxos.Ballot{Round: 9, Node: 2, Boot: 1}, paxos.Accept
		r.Step(Receive{m})
	}
	answer(paxos.Promise, 1)
	answer(paxos.Promise, 2)
	answer(paxos.Accepted, 1)
	require.Equal(t, Progress{Awaited: paxos.Accepted, Missing: 1, Ballot: ballot}, r.Progress(key))
	answer(paxos.Accepted, 2)
	require.Equal(t, Progress{Resumes: true}, r.Progress(key))
	r.Step(Request{Number: 3, Key: key, Change: paxos.Change{Kind: paxos.ChangeWrite}})
	ballot.Round = 2
	answer(paxos.Refusal, 2)
	require.Equal(t, Progress{Ballot: ballot}, r.Progress(key), "it waits to try again")
}
