package explore

import (
	"slices"

	"ordeal/history"
	"ordeal/node/paxos"
	"ordeal/node/replica"
)

// An event is something that happens to one node, by the names of this search.
type event struct {
	kind Kind
	// argument is a call, a message or the place of a timer.
	argument uint32
	self     int8
	crashes  bool
}

// begins tells whether a new life of the node begins with it.
func (e event) begins() bool {
	return e.crashes || e.kind == Crash || e.kind == Wipe || e.kind == Rot
}

// A callOf is an operation that may be called. Its value is that of its number.
type callOf struct {
	number   uint8
	kind     history.Kind
	expected uint8
}

func (c callOf) writes() bool { return c.kind != history.Read && c.kind != history.Learn }

// operation returns it as histories have it.
func (c callOf) operation() history.Operation {
	op := history.Operation{
		ID: int64(c.number), Process: int(c.number), Client: int(c.number) - 1, Kind: c.kind,
		Key: keyName, Expected: valueOf(c.expected),
	}
	if c.writes() {
		op.Value = valueOf(c.number)
	}
	return op
}

// A local is a state of one node: where the node is what it was before, plus an event. Equal states
// have one name, so a state of the cluster is a few numbers, and what a node does about an event in
// a state is asked of the real code once.
type local struct {
	// begin is set for the first state of a life; others are what parent becomes by event.
	begin  *beginning
	parent uint32
	event  event
	// sent are the datagrams that were ever sent, by their destination, and accepts those of them
	// that propose, one a proposal.
	sent [][]uint32
	// values is the set of the values proposed, by the numbers of their operations.
	accepts []uint32
	values  uint8
	open    []openOp
	// retry and deadlines are the timers that run.
	retry     bool
	deadlines uint8
	out       bool
	progress  replica.Progress
	// batches is how many batches of the log can be damaged.
	batches int
}

// A transition is what becomes of a node.
type transition struct {
	next    uint32
	answers []answer
	broke   broken
	// taken is how many messages to itself the node took.
	taken uint8
}

// locals are the states of nodes that were met, and the real code that makes them.
type locals struct {
	rules paxos.Rules
	ids   []paxos.NodeID
	key   paxos.Key
	// watched: what nodes say is compared with the invariants.
	watched bool

	states      []local
	byState     map[string]uint32
	transitions []transition
	byEvent     map[uint64]uint32
	messages    []paxos.Message
	byMessage   map[string]uint32
	calls       []callOf
	byCall      map[callOf]uint32
	buffer      []byte
}

func newLocals(rules paxos.Rules, nodes int, key paxos.Key, watched bool) *locals {
	x := &locals{
		rules: rules, key: key, watched: watched,
		byState: make(map[string]uint32), byEvent: make(map[uint64]uint32),
		byMessage: make(map[string]uint32), byCall: make(map[callOf]uint32),
	}
	for i := range nodes {
		x.ids = append(x.ids, paxos.NodeID(i+1))
	}
	return x
}

// message returns the name of a message.
func (x *locals) message(m paxos.Message) uint32 {
	x.buffer = paxos.AppendMessage(x.buffer[:0], m)
	id, known := x.byMessage[string(x.buffer)]
	if !known {
		id = uint32(len(x.messages))
		x.messages = append(x.messages, m)
		x.byMessage[string(x.buffer)] = id
	}
	return id
}

// call returns the name of a call.
func (x *locals) call(c callOf) uint32 {
	id, known := x.byCall[c]
	if !known {
		id = uint32(len(x.calls))
		x.calls = append(x.calls, c)
		x.byCall[c] = id
	}
	return id
}

// first returns the first state of a node.
func (x *locals) first(node paxos.NodeID) uint32 {
	return x.state(x.begin(beginning{node: node, boot: 1}), local{begin: &beginning{
		node: node, boot: 1,
	}})
}

// eventBits are those of an event beside a state in one number: 3 of the kind, 24 of the argument,
// 4 of the messages to itself and 1 of the crash.
const eventBits = 32

// after returns what becomes of a node in a state by an event.
func (x *locals) after(from uint32, e event) *transition {
	number := uint64(from)<<eventBits | uint64(e.kind)<<29 | uint64(e.argument)<<5 |
		uint64(e.self+1)<<1
	if e.crashes {
		number |= 1
	}
	if at, known := x.byEvent[number]; known {
		return &x.transitions[at]
	}
	n := x.rebuild(from)
	n.apply(e)
	t := transition{
		answers: slices.Clone(n.answers), broke: n.broke, taken: uint8(n.taken), next: from,
	}
	if n.broke&brokeAssertion == 0 {
		l := local{parent: from, event: e}
		if e.begins() {
			b := n.beginning
			l = local{begin: &b}
		}
		t.next = x.state(n, l)
	}
	x.byEvent[number] = uint32(len(x.transitions))
	x.transitions = append(x.transitions, t)
	return &x.transitions[len(x.transitions)-1]
}

// rebuild makes a real node that is in a state: it lives its life again.
func (x *locals) rebuild(state uint32) *live {
	var events []event
	for x.states[state].begin == nil {
		events = append(events, x.states[state].event)
		state = x.states[state].parent
	}
	n := x.begin(*x.states[state].begin)
	for _, e := range slices.Backward(events) {
		n.apply(e)
	}
	return n
}

// state returns the name of the state that a node is in.
func (x *locals) state(n *live, l local) uint32 {
	encoded := n.appendState(nil)
	id, known := x.byState[string(encoded)]
	if known {
		return id
	}
	l.sent, l.out = make([][]uint32, len(x.ids)), n.out
	for _, m := range n.sent {
		message := &x.messages[m]
		l.sent[message.To-1] = append(l.sent[message.To-1], m)
		same := func(other uint32) bool {
			o := &x.messages[other]
			return o.Ballot == message.Ballot && o.Proposal.State.Equal(message.Proposal.State)
		}
		if message.Kind == paxos.Accept && !slices.ContainsFunc(l.accepts, same) {
			l.accepts = append(l.accepts, m)
			if proposed := message.Proposal.State; proposed.Present {
				l.values |= 1 << (proposed.Content[1] - '0')
			}
		}
	}
	l.open, l.batches = slices.Clone(n.open), len(n.log)-1
	if !n.out {
		l.progress = n.replica.Progress(x.key)
	}
	if len(n.self) > 0 && l.progress.Missing > 0 {
		l.progress.Missing-- // one of them may be its own answer
	}
	for _, a := range n.timers {
		if a.deadline {
			l.deadlines++
		} else {
			l.retry = true
		}
	}
	id = uint32(len(x.states))
	x.states = append(x.states, l)
	x.byState[string(encoded)] = id
	return id
}
