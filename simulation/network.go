package simulation

import (
	"ordeal/nemesis"
	"ordeal/node/paxos"
)

const (
	// priorities is how many there are under the order Priority: each lower one is three times as
	// slow, the lowest 243 times as slow as the highest.
	priorities = 6
	// priorityTime is how long links keep their priorities, in nanoseconds.
	priorityTime = 40_000_000
)

// A network carries datagrams from node to node.
type network struct {
	world *World
	nodes int
	links []link
	// sent counts the datagrams, and so numbers them.
	sent uint64
	// lose are the datagrams that are listed as lost.
	lose omissions
}

// A link is one direction between two nodes.
type link struct {
	// cuts are how many faults cut it; dropped is how many datagrams that has cost.
	cuts    int
	dropped uint64
	// weather are the faults of the kind packets that are in force on it.
	weather []*weather
}

// A weather is one fault of the kind packets.
type weather struct {
	fault nemesis.Fault
	// name is a hash of the fault's, so that each of several faults on a link throws its own dice.
	name uint64
	// met counts the datagrams that it did something to.
	met uint64
	// held are the datagrams that it keeps until it is over.
	held []held
}

func newWeather(f nemesis.Fault) *weather { return &weather{fault: f, name: hashOf(f.ID)} }

// A held datagram is one that a fault keeps, with what random decisions about it depend on.
type held struct {
	event
	place, n uint64
}

func newNetwork(w *World) network {
	n := w.config.Nodes
	return network{
		world: w, nodes: n, links: make([]link, n*n),
	}
}

// link returns that from one node to another, by their numbers from 1.
func (t *network) link(from, to paxos.NodeID) *link {
	return &t.links[(int(from)-1)*t.nodes+int(to)-1]
}

// send lets a datagram of a node travel. What a node sends itself arrives at once, and always.
func (t *network) send(from *node, m *paxos.Message, origin uint64) {
	w := t.world
	t.sent++
	number := t.sent
	w.tellSend(KindSend, m, number, origin)
	w.check(from, m)
	if m.To == m.From {
		t.push(w.now, m, number, origin)
		return
	}
	place := placeOf(m.From, m.To, m.Kind)
	n := w.queue.occurrences.next(mix(place, origin))
	if t.lose != nil && t.lose[omission{place, origin, n}] {
		w.noteMessage(happensLoss, m, number)
		return
	}
	if w.conditions.Loss > 0 && chance(w.roll(decideLoss, place, origin, n), w.conditions.Loss) {
		w.noteMessage(happensLoss, m, number)
		return
	}
	delay := t.delay(m, w.roll(decideDelay, place, origin, n))
	l := t.link(m.From, m.To)
	for _, fault := range l.weather {
		extra, lost := t.meet(fault, m, number, place, origin, n)
		if lost {
			return
		}
		delay += extra
	}
	t.push(w.now+delay, m, number, origin)
	repeat := w.conditions.Duplicate > 0 &&
		chance(w.roll(decideRepeat, place, origin, n), w.conditions.Duplicate)
	for _, fault := range l.weather {
		p := 10 * fault.fault.Duplicate
		if p > 0 && chance(w.roll(decideFaultRepeat, place^fault.name, origin, n), p) {
			repeat = true
			fault.met++
		}
	}
	if repeat {
		again := 4 * t.delay(m, w.roll(decideRepeatDelay, place, origin, n))
		t.push(w.now+delay+again, m, number, origin)
		w.noteMessage(happensRepeat, m, number)
	}
}

// meet returns what a fault adds to the time of a datagram, or that it loses or keeps it.
func (t *network) meet(
	fault *weather, m *paxos.Message, number, place, origin, n uint64,
) (extra int64, lost bool) {
	w, p := t.world, &fault.fault
	if p.Loss > 0 && chance(w.roll(decideFaultLoss, place^fault.name, origin, n), 10*p.Loss) {
		fault.met++
		w.noteMessage(happensLoss, m, number)
		return 0, true
	}
	if p.Hold {
		fault.met++
		fault.held = append(fault.held, held{place: place, n: n, event: event{
			what:    what{kind: happensDelivery, node: int32(m.To) - 1, number: number, origin: origin},
			message: *m,
		}})
		w.tellSend(KindHold, m, number, origin)
		return 0, true
	}
	if p.Delay > 0 {
		fault.met++
		random := w.roll(decideFaultDelay, place^fault.name, origin, n)
		jitter := int64(below(random, 2*uint64(p.Jitter)+1)) - int64(p.Jitter)
		extra = max(int64(p.Delay)+jitter, 0)
	}
	return extra, false
}

// release lets what a fault has kept travel on, when that is over.
func (t *network) release(fault *weather) {
	held := fault.held
	fault.held = nil
	for i := range held {
		h := &held[i]
		random := t.world.roll(decideRelease, h.place^fault.name, h.origin, h.n)
		t.push(t.world.now+t.delay(&h.message, random), &h.message, h.number, h.origin)
	}
}

// delay is how long a datagram takes by the conditions.
func (t *network) delay(m *paxos.Message, random uint64) int64 {
	w := t.world
	median := int64(w.conditions.Delay)
	if w.conditions.Order == nemesis.Priority {
		epoch := uint64(w.now / priorityTime)
		place := uint64(m.From)<<8 | uint64(m.To)
		for range below(w.roll(decidePriority, place, 0, epoch), priorities) {
			median *= 3
		}
	}
	return spread(w.table, min(median, medianMax), random)
}

func (t *network) push(at int64, m *paxos.Message, number, origin uint64) {
	e := t.world.queue.push(at)
	e.kind, e.node, e.message = happensDelivery, int32(m.To)-1, *m
	e.number, e.origin = number, origin
}

// arrive brings a datagram to its node, unless the link is cut now: as a container's rules do, a
// cut drops what arrives.
func (t *network) arrive(e *event) {
	m := &e.message
	n := t.world.nodes[e.node]
	if m.From != m.To {
		if l := t.link(m.From, m.To); l.cuts > 0 {
			l.dropped++
			t.world.noteMessage(happensCut, m, e.number)
			return
		}
	}
	t.world.noteMessage(happensDelivery, m, e.number)
	n.receive(e)
}
