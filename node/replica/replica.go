package replica

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/node/paxos"
)

// Limits of a node.
const (
	// RequestsMax bounds the requests in flight and waiting; one more is answered NotApplied.
	RequestsMax = 4096
	// The bits of a nonce below the boot number: no other life of the node uses the same nonces.
	nonceBits = 40
)

// A Config is what a node is started with.
type Config struct {
	Self  paxos.NodeID
	Nodes []paxos.NodeID
	// Boot is higher than in every former life of the node, and durable: from 1.
	Boot  uint64
	Rules paxos.Rules
	// Random gives the jitter; it is used by the replica alone.
	Random *rand.Rand

	// RequestTimeout is how long an operation may take before the node gives it up.
	RequestTimeout time.Duration
	// Retransmit is how long a node waits for answers before it asks again.
	Retransmit time.Duration
	// BackoffLimit is the limit of the first wait after a refusal, BackoffMost that of any.
	BackoffLimit, BackoffMost time.Duration
}

// DefaultConfig holds the times that suit a local network. The request's timeout is below the one
// second that clients wait by default, so that they hear what became of their operation.
var DefaultConfig = Config{
	RequestTimeout: 800 * time.Millisecond,
	Retransmit:     50 * time.Millisecond,
	BackoffLimit:   10 * time.Millisecond,
	BackoffMost:    200 * time.Millisecond,
}

// A Replica is one node. It is not safe for concurrent use.
type Replica struct {
	config Config
	keys   map[paxos.Key]*instance
	// present is the instance that was asked for last: mostly it is asked for again.
	present *instance
	round   uint64
	counter uint64
	nonce   uint64
	timer   uint64
	timers  map[uint64]reaction
	waiting int
	effects []Effect
	// sends, persists and settings are what the effects of one Step point to.
	sends    []Send
	persists []Persist
	settings []SetTimer
	stats    Stats
}

// A reaction is what is done when a timer fires.
type reaction struct {
	do func(*Replica, *instance, *operation)
	in *instance
	op *operation
}

// Stats count what a node did since it started.
type Stats struct {
	// Requests by how they ended.
	Done, NotApplied, Unknown uint64
	// Ballots begun, those whose phase 1 was carried along, and those that were refused.
	Ballots, Resumed, Refused uint64
	// Reads that were done in one round trip, and those that needed a ballot.
	FastReads, SlowReads uint64
	// Keys held.
	Keys int
}

// An instance is everything a node holds for one key.
type instance struct {
	key      paxos.Key
	acceptor paxos.Acceptor
	learner  paxos.Learner
	// queue holds the operations; the first is in flight.
	queue []*operation
	// promised is a ballot that a majority promised along with its last acceptance, and the state
	// accepted then; the zero ballot for none.
	promised paxos.Proposal
}

// New returns a node with the acceptors that its disk holds. It panics if the configuration cannot
// be right: a boot number out of range, or nodes that are not distinct, among them this one, and
// from 1 to paxos.NodesMax.
func New(config Config, stored iter.Seq2[paxos.Key, paxos.Acceptor]) *Replica {
	if config.Boot == 0 || config.Boot > paxos.BootMax {
		panic(fmt.Sprintf("replica: boot number %d is not in 1..%d", config.Boot, paxos.BootMax))
	}
	nodes := slices.Compact(slices.Sorted(slices.Values(config.Nodes)))
	if len(nodes) != len(config.Nodes) || !slices.Contains(nodes, config.Self) ||
		nodes[0] == 0 || nodes[len(nodes)-1] > paxos.NodesMax {
		panic(fmt.Sprintf("replica: node %d in a cluster of %v", config.Self, config.Nodes))
	}
	r := &Replica{
		config: config,
		keys:   make(map[paxos.Key]*instance),
		timers: make(map[uint64]reaction),
		nonce:  config.Boot << nonceBits,
	}
	for key, acceptor := range stored {
		r.at(key).acceptor = acceptor
		r.learnRound(acceptor.Promised)
		r.learnRound(acceptor.Accepted.Ballot)
	}
	return r
}

// Step takes an event and returns what must be done about it. The slice is valid until the next
// Step.
func (r *Replica) Step(e Event) []Effect {
	r.effects, r.sends = r.effects[:0], r.sends[:0]
	r.persists, r.settings = r.persists[:0], r.settings[:0]
	switch e := e.(type) {
	case Request:
		r.request(e)
	case Receive:
		r.receive(&e.Message)
	case *Receive:
		r.receive(&e.Message)
	case Timeout:
		if a, ok := r.timers[e.Timer]; ok {
			delete(r.timers, e.Timer)
			a.do(r, a.in, a.op)
		}
	}
	return r.effects
}

// Acceptors returns what must be on disk, for a snapshot, ordered by key. Steps must not be taken
// meanwhile.
func (r *Replica) Acceptors() iter.Seq2[paxos.Key, paxos.Acceptor] {
	return func(yield func(paxos.Key, paxos.Acceptor) bool) {
		for _, key := range slices.SortedFunc(maps.Keys(r.keys), paxos.Key.Compare) {
			acceptor := r.keys[key].acceptor
			if acceptor.Promised.IsZero() && acceptor.Accepted.Ballot.IsZero() {
				continue
			}
			if !yield(key, acceptor) {
				return
			}
		}
	}
}

// Stats returns what the node did since it started.
func (r *Replica) Stats() Stats {
	stats := r.stats
	stats.Keys = len(r.keys)
	return stats
}

func (r *Replica) at(key paxos.Key) *instance {
	in := r.find(key)
	if in == nil {
		in = &instance{key: key}
		r.keys[key], r.present = in, in
	}
	return in
}

// peek returns the instance of a key to look at. One that the node holds nothing for is not kept:
// questions alone must not fill the memory.
func (r *Replica) peek(key paxos.Key) *instance {
	if in := r.find(key); in != nil {
		return in
	}
	return &instance{key: key}
}

// find returns the instance of a key, nil if there is none.
func (r *Replica) find(key paxos.Key) *instance {
	if r.present != nil && r.present.key == key {
		return r.present
	}
	in := r.keys[key]
	if in != nil {
		r.present = in
	}
	return in
}

// receive takes a message of a node of this cluster to this node. Any other is lost: it was
// delivered to an address that had belonged to another node, and what is answered in another's
// name, or by a stranger, would count as a vote that was never given.
func (r *Replica) receive(m *paxos.Message) {
	if m.To != r.config.Self || !slices.Contains(r.config.Nodes, m.From) {
		return
	}
	var in *instance
	if m.Kind == paxos.Query || m.Kind == paxos.Report && m.Proposal.Ballot.IsZero() {
		in = r.peek(m.Key)
	} else {
		in = r.at(m.Key)
	}
	switch m.Kind {
	case paxos.Prepare, paxos.Accept, paxos.Query:
		r.accept(in, m)
	case paxos.Accepted:
		if m.Key.Space == paxos.Decrees {
			r.learn(in, m.From, paxos.Proposal{Ballot: m.Ballot, State: m.Proposal.State})
		}
		r.answered(in, m)
	case paxos.Report:
		r.learnRound(m.Proposal.Ballot)
		if m.Key.Space == paxos.Decrees {
			r.learn(in, m.From, m.Proposal)
		}
		r.answered(in, m)
	case paxos.Promise:
		r.answered(in, m)
	case paxos.Refusal:
		r.learnRound(m.Promised)
		r.answered(in, m)
	}
}

// accept is the acceptor's role. Its answers wait for the disk, also those that change nothing:
// what they report may have been written just before.
func (r *Replica) accept(in *instance, m *paxos.Message) {
	var answer paxos.Message
	changed := false
	switch m.Kind {
	case paxos.Prepare:
		r.learnRound(m.Ballot)
		answer, changed = in.acceptor.Prepare(&r.config.Rules, *m)
	case paxos.Accept:
		r.learnRound(m.Ballot)
		r.learnRound(m.Next)
		answer, changed = in.acceptor.Accept(&r.config.Rules, *m)
	default:
		answer = in.acceptor.Query(*m)
	}
	if changed {
		unsynced := m.Kind == paxos.Accept && !r.config.Rules.DurableAccept
		r.persists = append(r.persists,
			Persist{Key: in.key, Acceptor: in.acceptor, Unsynced: unsynced})
		r.effect(&r.persists[len(r.persists)-1])
	}
	if answer.Kind == paxos.Accepted && in.key.Space == paxos.Decrees {
		answer.Proposal = paxos.Proposal{State: m.Proposal.State}
		for _, node := range r.config.Nodes {
			if node != answer.To {
				toLearner := answer
				toLearner.To = node
				r.send(Send{Message: toLearner, AfterSync: true})
			}
		}
	}
	r.send(Send{Message: answer, AfterSync: true})
}

// learn is the learner's role, for decrees.
func (r *Replica) learn(in *instance, from paxos.NodeID, accepted paxos.Proposal) {
	in.learner.Accepted(&r.config.Rules, len(r.config.Nodes), from, accepted)
}

// learnRound takes over a round that was seen, so that the next ballot is higher than it.
func (r *Replica) learnRound(seen paxos.Ballot) {
	r.round = r.config.Rules.LearnRound(r.round, seen.Round)
}

func (r *Replica) nextBallot() paxos.Ballot {
	ballot := r.config.Rules.NextBallot(r.round, r.config.Self, r.config.Boot)
	r.round = max(r.round, ballot.Round)
	return ballot
}

func (r *Replica) nextNonce() uint64 {
	r.nonce++
	return r.nonce
}

// send has a message sent. That its array may be replaced by a larger one changes nothing of what
// an earlier effect points to.
func (r *Replica) send(s Send) {
	r.sends = append(r.sends, s)
	r.effect(&r.sends[len(r.sends)-1])
}

func (r *Replica) effect(e Effect) { r.effects = append(r.effects, e) }

// after calls a method for an operation once some time has passed, unless the timer is dropped
// before.
func (r *Replica) after(
	d time.Duration, do func(*Replica, *instance, *operation), in *instance, op *operation,
) (timer uint64) {
	r.timer++
	r.timers[r.timer] = reaction{do, in, op}
	r.settings = append(r.settings, SetTimer{Timer: r.timer, After: d, Request: op.request.Number})
	r.effect(&r.settings[len(r.settings)-1])
	return r.timer
}

func (r *Replica) drop(timer uint64) { delete(r.timers, timer) }
