package replica

import (
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// newReplica returns node 1 of 3, with nothing on its disk.
func newReplica(rules paxos.Rules) *Replica {
	config := DefaultConfig
	config.Self, config.Nodes, config.Boot = 1, []paxos.NodeID{1, 2, 3}, 1
	config.Rules, config.Random = rules, rand.New(rand.NewPCG(1, 1))
	return New(config, maps.All(map[paxos.Key]paxos.Acceptor{}))
}

var keyX = paxos.Key{Name: "x"}

func write(number uint64, content string) Request {
	change := paxos.Change{Kind: paxos.ChangeWrite, Content: []byte(content)}
	return Request{Number: number, Key: keyX, Change: change}
}

// A datagram can arrive at an address that was another node's: to answer it in that node's name
// would count as that node's promise.
func TestAMessageForAnotherNodeIsNotAnswered(t *testing.T) {
	r := newReplica(paxos.Correct())
	ballot := paxos.Ballot{Round: 1, Node: 2, Boot: 1}
	m := paxos.Message{Kind: paxos.Prepare, From: 2, To: 3, Key: keyX, Ballot: ballot}
	require.Empty(t, r.Step(Receive{m}))
	m.To = 1
	require.NotEmpty(t, r.Step(Receive{m}))
}

// Quorums are counted among the nodes of the cluster: the answer of any other is no vote.
func TestAnAnswerFromOutsideTheClusterIsNotCounted(t *testing.T) {
	r := newReplica(paxos.Correct())
	var ballot paxos.Ballot
	for _, effect := range r.Step(write(1, "a")) {
		if send, ok := effect.(*Send); ok {
			ballot = send.Message.Ballot
		}
	}
	promise := paxos.Message{Kind: paxos.Promise, From: 1, To: 1, Key: keyX, Ballot: ballot}
	require.Empty(t, r.Step(Receive{promise}), "one promise is no majority of three")
	promise.From = 4
	require.Empty(t, r.Step(Receive{promise}), "nor is a second one from elsewhere")
	promise.From = 2
	require.NotEmpty(t, r.Step(Receive{promise}), "two promises are")
}

func sends(effects []Effect) (messages []Send) {
	for _, effect := range effects {
		if send, ok := effect.(*Send); ok {
			messages = append(messages, *send)
		}
	}
	return messages
}

func answers(effects []Effect) (all []Answer) {
	for _, effect := range effects {
		if a, ok := effect.(Answer); ok {
			all = append(all, a)
		}
	}
	return all
}

func TestANodeIsStartedOnlyWithWhatMakesItsBallotsItsOwn(t *testing.T) {
	good := DefaultConfig
	good.Self, good.Nodes, good.Boot = 1, []paxos.NodeID{1, 2, 3}, 1
	stored := maps.All(map[paxos.Key]paxos.Acceptor{})
	require.NotPanics(t, func() { New(good, stored) })
	for name, spoil := range map[string]func(*Config){
		"no boot number":        func(c *Config) { c.Boot = 0 },
		"boot number too high":  func(c *Config) { c.Boot = paxos.BootMax + 1 },
		"not in the cluster":    func(c *Config) { c.Self = 4 },
		"a node twice":          func(c *Config) { c.Nodes = []paxos.NodeID{1, 2, 2} },
		"a node without a name": func(c *Config) { c.Nodes = []paxos.NodeID{0, 1, 2} },
		"a node beyond the limit": func(c *Config) {
			c.Nodes = []paxos.NodeID{1, 2, paxos.NodesMax + 1}
		},
	} {
		bad := good
		spoil(&bad)
		require.Panics(t, func() { New(bad, stored) }, name)
	}
}

// Every answer of an acceptor waits for the disk, also one that changes nothing: what it says may
// have been written just before. A proposer's questions wait for nothing.
func TestAnAcceptorsAnswersWaitForTheDisk(t *testing.T) {
	r := newReplica(paxos.Correct())
	b := paxos.Ballot{Round: 5, Node: 2, Boot: 1}
	low := paxos.Ballot{Round: 1, Node: 2, Boot: 1}
	state := paxos.State{Present: true, Content: []byte("v")}
	proposal := paxos.Proposal{State: state}
	for _, m := range []paxos.Message{
		{Kind: paxos.Prepare, Ballot: b},
		{Kind: paxos.Prepare, Ballot: b},
		{Kind: paxos.Prepare, Ballot: low},
		{Kind: paxos.Accept, Ballot: low, Proposal: proposal},
		{Kind: paxos.Accept, Ballot: b, Proposal: proposal},
		{Kind: paxos.Accept, Ballot: b, Proposal: proposal},
		{Kind: paxos.Query},
	} {
		for _, space := range []paxos.Space{paxos.Registers, paxos.Decrees} {
			m.From, m.To, m.Key = 2, 1, paxos.Key{Space: space, Name: "x"}
			answered := sends(r.Step(Receive{m}))
			require.NotEmpty(t, answered)
			for _, send := range answered {
				require.True(t, send.AfterSync, "%s", send.Message)
			}
		}
	}
	for _, send := range sends(r.Step(write(1, "v"))) {
		require.False(t, send.AfterSync, "%s", send.Message)
	}
}

// What changed is written before it is answered, in the order of the effects.
func TestAChangeIsWrittenBeforeItIsAnswered(t *testing.T) {
	r := newReplica(paxos.Correct())
	b := paxos.Ballot{Round: 5, Node: 2, Boot: 1}
	m := paxos.Message{Kind: paxos.Prepare, From: 2, To: 1, Key: keyX, Ballot: b}
	effects := r.Step(Receive{m})
	require.Len(t, effects, 2)
	require.Equal(t, &Persist{Key: keyX, Acceptor: paxos.Acceptor{Promised: b}}, effects[0])
	require.Len(t, sends(effects[1:]), 1)
	require.Len(t, r.Step(Receive{m}), 1, "the same promise again needs no writing")
}

// Whatever an acceptor writes must be synced before it is answered. With the bug an acceptance need
// not be, a promise must still.
func TestWhatAnAcceptorWritesMustBeSynced(t *testing.T) {
	unsynced := func(bug string, kind paxos.MessageKind) bool {
		r := newReplica(planted(t, bug))
		effects := r.Step(Receive{paxos.Message{
			Kind: kind, From: 2, To: 1, Key: keyX, Ballot: paxos.Ballot{Round: 5, Node: 2, Boot: 1},
		}})
		require.True(t, sends(effects)[0].AfterSync)
		return effects[0].(*Persist).Unsynced
	}
	require.False(t, unsynced("", paxos.Prepare))
	require.False(t, unsynced("", paxos.Accept))
	require.False(t, unsynced("forget-accepted", paxos.Prepare))
	require.True(t, unsynced("forget-accepted", paxos.Accept))
}

// A key's operations go one by one; those of another key do not wait for them.
func TestOneOperationOfAKeyIsInFlight(t *testing.T) {
	r := newReplica(paxos.Correct())
	require.NotEmpty(t, sends(r.Step(write(1, "a"))))
	require.Empty(t, sends(r.Step(write(2, "b"))))
	other := write(3, "c")
	other.Key.Name = "y"
	require.NotEmpty(t, sends(r.Step(other)))
}

// What waits when its time is over has certainly not been applied, and is not started later; what
// was behind it moves up.
func TestAWaitingOperationEndsInTime(t *testing.T) {
	c := &answerBook{all: make(map[uint64]Answer)}
	cluster := newCluster(3, walkConfig(paxos.Correct()), c)
	m := cluster.member(1)
	for number, content := range []string{"a", "b", "c"} {
		cluster.step(m, write(uint64(number+1), content))
	}
	second := cluster.live(m)[2]
	require.True(t, cluster.isDeadline(second))
	cluster.fire(m, second)
	require.Equal(t, NotApplied, c.all[2].Outcome)
	for len(cluster.pool) > 0 {
		cluster.deliver(cluster.take(0))
	}
	require.Equal(t, Done, c.all[1].Outcome)
	require.Equal(t, Done, c.all[3].Outcome)
	require.Equal(t, "c", string(m.disk[keyX].Accepted.State.Content))
	require.Empty(t, cluster.live(m), "no timer is left")
	cluster.step(m, Timeout{second.Timer})
	require.Len(t, c.all, 3, "a timer that fires late means nothing")
}

// A node that is asked too much refuses, and says that nothing was applied.
func TestTooManyRequests(t *testing.T) {
	r := newReplica(paxos.Correct())
	for i := range uint64(RequestsMax) {
		require.Empty(t, answers(r.Step(write(i, "v"))))
	}
	refused := answers(r.Step(write(RequestsMax, "v")))
	require.Len(t, refused, 1)
	require.Equal(t, NotApplied, refused[0].Outcome)
	require.Empty(t, sends(r.effects))
	local := Request{Number: RequestsMax + 1, Key: keyX, Local: true}
	require.Equal(t, Done, answers(r.Step(local))[0].Outcome, "what needs nobody is answered still")
	require.EqualValues(t, 1, r.Stats().NotApplied)
}

// A local read returns what this node's acceptor holds, chosen or not.
func TestALocalReadAsksNobody(t *testing.T) {
	r := newReplica(paxos.Correct())
	local := Request{Number: 1, Key: keyX, Local: true}
	require.Equal(t, []Effect{Answer{Number: 1, Outcome: Done}}, r.Step(local))
	state := paxos.State{Present: true, Content: []byte("v")}
	r.Step(Receive{paxos.Message{
		Kind: paxos.Accept, From: 2, To: 1, Key: keyX,
		Ballot: paxos.Ballot{Round: 1, Node: 2, Boot: 1}, Proposal: paxos.Proposal{State: state},
	}})
	result := paxos.Result{Present: true, Content: []byte("v")}
	require.Equal(t, []Effect{Answer{Number: 1, Outcome: Done, Result: result}}, r.Step(local))
}

// A snapshot holds every key's promise, also where nothing was accepted, in the order of the keys;
// a node that starts from it goes on above every ballot that it saw.
func TestASnapshotHoldsEveryPromise(t *testing.T) {
	r := newReplica(paxos.Correct())
	prepare := func(name string, round uint64) {
		r.Step(Receive{paxos.Message{
			Kind: paxos.Prepare, From: 2, To: 1, Key: paxos.Key{Name: name},
			Ballot: paxos.Ballot{Round: round, Node: 2, Boot: 1},
		}})
	}
	prepare("z", 3)
	prepare("a", 17)
	read := paxos.Change{Kind: paxos.ChangeRead}
	r.Step(Request{Number: 1, Key: paxos.Key{Name: "unused"}, Change: read})
	var names []string
	for key, acceptor := range r.Acceptors() {
		names = append(names, key.Name)
		require.False(t, acceptor.Promised.IsZero())
	}
	require.Equal(t, []string{"a", "z"}, names)
	require.Equal(t, 3, r.Stats().Keys)

	config := r.config
	config.Boot++
	next := New(config, r.Acceptors())
	for _, send := range sends(next.Step(write(1, "v"))) {
		require.Equal(t, paxos.Ballot{Round: 18, Node: 1, Boot: 2}, send.Message.Ballot)
	}
	for range r.Acceptors() {
		break // a caller may stop early
	}
}

// A read of a node's new life does not count what its former life asked: those reports may be older
// than a write that was acknowledged since.
func TestAnAnswerToAFormerLifeIsNotCounted(t *testing.T) {
	config := newReplica(paxos.Correct()).config
	read := Request{Number: 1, Key: keyX, Change: paxos.Change{Kind: paxos.ChangeRead}}
	nonces := make(map[uint64]bool)
	for config.Boot = 1; config.Boot <= 3; config.Boot++ {
		r := New(config, maps.All(map[paxos.Key]paxos.Acceptor{}))
		query := sends(r.Step(read))[0].Message
		for stale := range nonces {
			for node := paxos.NodeID(1); node <= 3; node++ {
				require.Empty(t, r.Step(Receive{paxos.Message{
					Kind: paxos.Report, From: node, To: 1, Key: keyX, Nonce: stale,
				}}))
			}
		}
		require.False(t, nonces[query.Nonce])
		nonces[query.Nonce] = true
	}
}

// An answerBook is an observer that keeps the answers.
type answerBook struct{ all map[uint64]Answer }

func (a *answerBook) answered(_ *member, said Answer) { a.all[said.Number] = said }
func (*answerBook) sent(paxos.Message)                {}
func (*answerBook) held(paxos.Message)                {}
func (*answerBook) written(*member, Persist)          {}
func (*answerBook) synced(*member, Persist)           {}
func (*answerBook) set(*member, SetTimer)             {}

// Questions about keys that a node holds nothing for must not fill its memory.
func TestQuestionsAloneAreNotKept(t *testing.T) {
	r := newReplica(paxos.Correct())
	decree := paxos.Key{Space: paxos.Decrees, Name: "d"}
	r.Step(Request{Number: 1, Key: keyX, Local: true})
	r.Step(Request{Number: 2, Key: decree, Learn: true})
	query := paxos.Message{Kind: paxos.Query, From: 2, To: 1, Key: keyX, Nonce: 7}
	require.Len(t, r.Step(Receive{query}), 1)
	r.Step(Receive{paxos.Message{Kind: paxos.Report, From: 2, To: 1, Key: decree, Nonce: 7}})
	require.Zero(t, r.Stats().Keys)
	r.Step(write(3, "v"))
	require.Equal(t, 1, r.Stats().Keys)
}
