package simulation

import (
	"slices"
	"time"

	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/results/diagram"
)

// A Sequence gathers what a sequence diagram of a run shows. Its Observe is for a Config.
type Sequence struct {
	options SequenceOptions
	items   []item
	// awaited are the marked operations that the violation still waits for; done tells that what
	// comes now is behind it.
	awaited map[int64]bool
	done    bool
	// before and after count what is not kept; lasting is about how many of the items are kept for
	// good.
	before, after, lasting int

	// nodes, by name, are what is known of the processes, and requests the operations of which
	// something is gathered.
	nodes    map[string]*lifeline
	requests map[uint64]bool
}

// SequenceOptions say what a Sequence is about.
type SequenceOptions struct {
	// Key is the one whose datagrams, operations and writes are gathered, "" for all.
	Key string
	// Marked are the IDs of the operations of the violation. What happens after all of Awaited have
	// returned, which are some of them, is left out, unless there are none.
	Marked, Awaited []int64
	// UntilViolation leaves out what happens after a node did what no correct node does.
	UntilViolation bool
	// Rows bounds the diagram: the last so many happenings are drawn. With Whole there are more, up
	// to diagram.RowsMax, where a marked operation was called before them.
	Rows  int
	Whole bool
}

// itemsMax bounds what is kept while a run goes on, but for processes and faults. It leaves room
// for as many rows as are ever drawn, each with a broadcast.
const itemsMax = 8 * diagram.RowsMax

// A lifeline is what is known of a node's process.
type lifeline struct {
	down, frozen bool
	// timer is the one that was due last and led to nothing yet; writing is what of the key is being
	// written.
	timer   *item
	writing string
}

// An item is a happening that may be drawn.
type item struct {
	at   time.Duration
	kind string
	// node is where it happens, or the client's node.
	node     string
	from, to paxos.NodeID
	datagram uint64
	request  uint64
	// client and op are those of an operation.
	client int
	op     int64
	// text says all of it, and short less.
	text, short string
}

// lasting tells whether an item matters for all that comes after it.
func (i item) lasting() bool {
	switch i.kind {
	case KindStart, KindEnd, KindPause, KindResume, KindFaultBegins, KindFaultEnds:
		return true
	}
	return false
}

// NewSequence returns a Sequence that has seen nothing.
func NewSequence(o SequenceOptions) *Sequence {
	s := &Sequence{
		options: o, awaited: make(map[int64]bool), nodes: make(map[string]*lifeline),
		requests: make(map[uint64]bool),
	}
	for _, op := range o.Awaited {
		s.awaited[op] = true
	}
	return s
}

// Observe takes what happened.
func (s *Sequence) Observe(h Happening) {
	switch {
	case h.Kind == KindViolation:
		if s.concerns(h.Message.Key) {
			s.keep(item{at: h.At, kind: h.Kind, node: h.Node, text: h.Detail})
			s.done = s.done || s.options.UntilViolation
		}
	case h.Message != nil:
		s.datagram(h)
	case h.Operation != nil:
		s.operation(h)
	case h.Fault != nil:
		s.keep(item{at: h.At, kind: h.Kind, node: h.Fault.ID, text: h.Fault.String()})
	default:
		s.process(h)
	}
}

func (s *Sequence) concerns(key paxos.Key) bool {
	return s.options.Key == "" || key.Name == s.options.Key
}

// keep adds an item, and forgets the oldest when there are too many.
func (s *Sequence) keep(i item) {
	if s.done {
		s.after++
		return
	}
	s.items = append(s.items, i)
	if len(s.items) < 2*itemsMax+s.lasting {
		return
	}
	kept := make([]item, 0, len(s.items))
	for n, i := range s.items {
		if n >= len(s.items)-itemsMax || i.lasting() {
			kept = append(kept, i)
		}
	}
	s.before += len(s.items) - len(kept)
	s.items, s.lasting = kept, len(kept)-itemsMax
}

func (s *Sequence) node(name string) *lifeline {
	if s.nodes[name] == nil {
		s.nodes[name] = &lifeline{}
	}
	return s.nodes[name]
}

// datagram takes what happens to one. What a node tells itself is not drawn, and what a paused or
// dead node's socket receives neither: it is taken, or lost, later.
func (s *Sequence) datagram(h Happening) {
	m, n := h.Message, s.node(h.Node)
	if !s.concerns(m.Key) || h.Kind == KindRepeat {
		return
	}
	if h.Kind == KindSend && n.timer != nil {
		if n.timer.at == h.At && n.timer.request == h.Request {
			n.timer.text = "timer: it tries again"
			s.keep(*n.timer)
		}
		n.timer = nil
	}
	if m.From == m.To || h.Kind == KindDeliver && (n.down || n.frozen) {
		return
	}
	text, short := describe(m)
	s.keep(item{
		at: h.At, kind: h.Kind, node: h.Node, from: m.From, to: m.To,
		datagram: h.Datagram, request: h.Request, text: text, short: short,
	})
}

// operation takes what happens to a client's operation.
func (s *Sequence) operation(h Happening) {
	op := h.Operation
	if s.options.Key != "" && op.Key != s.options.Key {
		return
	}
	if h.Kind == KindArrive && s.node(h.Node).frozen {
		return // it arrives again when the node goes on
	}
	s.requests[h.Request] = true
	asked := ask(op, s.options.Key == "")
	i := item{
		at: h.At, kind: h.Kind, node: h.Node, request: h.Request, client: op.Client, op: op.ID,
		text: asked, short: asked,
	}
	if op.Outcome != "" {
		i.short = told(op)
		i.text = asked + ": " + i.short
	}
	s.keep(i)
	if h.Kind == KindReturn || h.Kind == KindGiveUp {
		if s.awaited[op.ID] {
			delete(s.awaited, op.ID)
			s.done = len(s.awaited) == 0
		}
	}
}

// process takes what happens to a node.
func (s *Sequence) process(h Happening) {
	n := s.node(h.Node)
	i := item{at: h.At, kind: h.Kind, node: h.Node, text: h.Detail}
	switch h.Kind {
	case KindTimeout:
		i.request = h.Request
		n.timer = &i
		return
	case KindMute:
		if !s.requests[h.Request] {
			return
		}
		i.text = "timer: unheard, as it is listed"
	case KindWrite:
		n.writing = s.persisted(h.Persists)
		return
	case KindSync:
		if n.writing == "" {
			return
		}
		verb := "on disk"
		if h.Detail != "" {
			verb, i.short = h.Detail, h.Detail
		}
		i.text, n.writing = verb+": "+n.writing, ""
	case KindEnd:
		if n.writing != "" {
			i.text += ", before this was on disk: " + n.writing
		}
		*n = lifeline{down: true}
		i.text = "ends: " + i.text
	case KindStart:
		n.down = false
		i.text = "starts: " + i.text
		if h.At == 0 {
			return
		}
	case KindPause:
		n.frozen = true
		i.text = "is frozen"
	case KindResume:
		n.frozen = false
		i.text = "goes on"
	}
	s.keep(i)
}

// persisted says what of the key a batch makes durable: of each acceptor what it comes to.
func (s *Sequence) persisted(batch []replica.Persist) string {
	text := ""
	for i, p := range batch {
		later := slices.ContainsFunc(batch[i+1:], func(q replica.Persist) bool { return q.Key == p.Key })
		if later || !s.concerns(p.Key) {
			continue
		}
		if text != "" {
			text += "; "
		}
		if s.options.Key == "" {
			text += p.Key.Name + " "
		}
		text += "promised " + p.Acceptor.Promised.String()
		if !p.Acceptor.Accepted.Ballot.IsZero() {
			text += ", accepted " + proposed(p.Acceptor.Accepted)
		}
	}
	return text
}
