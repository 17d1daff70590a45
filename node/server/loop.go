package server

import (
	"time"

	"ordeal/node/paxos"
	"ordeal/node/replica"
)

// A loop is the goroutine that owns the replica and carries out the contract of its Step. Its
// channels are all that others may use.
type loop struct {
	requests    chan ask
	inspections chan chan<- inspection
	// stopping is closed to end the loop, done when it has ended.
	stopping, done chan struct{}

	self    paxos.NodeID
	replica *replica.Replica
	disk    *disk
	network *network
	count   *instruments
	timers  *timers

	number  uint64
	waiting map[uint64]chan<- replica.Answer
	// gate holds the messages that wait for the disk.
	gate replica.Gate
	// own are messages of the node to itself, to be taken in later steps.
	own []paxos.Message
}

// An ask is a client's request and where its answer goes; the loop numbers it.
type ask struct {
	request replica.Request
	answer  chan<- replica.Answer
}

// An inspection is what the loop says about itself.
type inspection struct {
	stats replica.Stats
	held  int
}

func newLoop(
	self paxos.NodeID, r *replica.Replica, d *disk, n *network, count *instruments,
) *loop {
	return &loop{
		requests:    make(chan ask),
		inspections: make(chan chan<- inspection),
		stopping:    make(chan struct{}),
		done:        make(chan struct{}),
		self:        self,
		replica:     r,
		disk:        d,
		network:     n,
		count:       count,
		timers:      newTimers(),
		waiting:     make(map[uint64]chan<- replica.Answer),
	}
}

// stop ends the loop and waits for it. Requests that are not answered yet never are.
func (l *loop) stop() {
	close(l.stopping)
	<-l.done
}

func (l *loop) run() {
	defer close(l.done)
	defer l.timers.alarm.Stop()
	for {
		select {
		case <-l.stopping:
			return
		case a := <-l.requests:
			l.ask(a)
		case m := <-l.network.received:
			l.receive(m)
		case <-l.timers.alarm.C:
			l.fire()
		case <-l.disk.progress:
			l.release()
		case reply := <-l.inspections:
			reply <- inspection{stats: l.replica.Stats(), held: l.gate.Held()}
		}
		for len(l.own) > 0 {
			m := l.own[0]
			l.own = l.own[1:]
			l.receive(m)
		}
		l.own = nil
	}
}

func (l *loop) ask(a ask) {
	l.number++
	a.request.Number = l.number
	l.waiting[l.number] = a.answer
	l.step(a.request)
}

func (l *loop) receive(m paxos.Message) {
	if l.gate.Held() >= replica.HeldMax {
		l.count.dropped(dropBusy)
		return
	}
	l.step(replica.Receive{Message: m})
}

// fire takes a step for every timer whose time has come.
func (l *loop) fire() {
	now := time.Now()
	for {
		number, ok := l.timers.due(now)
		if !ok {
			return
		}
		l.step(replica.Timeout{Timer: number})
	}
}

// release sends what waited for the disk and need not any more.
func (l *loop) release() {
	l.gate.Synced(l.disk.synced.Load())
	for s, ok := l.gate.Next(); ok; s, ok = l.gate.Next() {
		l.send(s.Message)
	}
}

// step takes one step and carries out its effects, in their order.
func (l *loop) step(e replica.Event) {
	for _, effect := range l.replica.Step(e) {
		switch effect := effect.(type) {
		case *replica.Persist:
			l.gate.Persisted()
			l.disk.persist(*effect)
		case *replica.Send:
			l.gate.Synced(l.disk.synced.Load())
			if !l.gate.Hold(*effect) {
				l.send(effect.Message)
			}
		case *replica.SetTimer:
			l.timers.set(effect.Timer, time.Now().Add(effect.After))
		case replica.Answer:
			l.waiting[effect.Number] <- effect
			delete(l.waiting, effect.Number)
		}
	}
}

// send hands a message to the network, or back to the node itself: a later step takes it.
func (l *loop) send(m paxos.Message) {
	if m.To == l.self {
		l.own = append(l.own, m)
		return
	}
	l.network.send(m)
}

// perform has the loop carry out a client's request and waits for its answer. It is safe for
// concurrent use.
func (l *loop) perform(request replica.Request) replica.Answer {
	answer := make(chan replica.Answer, 1)
	select {
	case l.requests <- ask{request, answer}:
	case <-l.done:
		return replica.Answer{Outcome: replica.NotApplied, Reason: reasonStopping}
	}
	select {
	case a := <-answer:
		return a
	case <-l.done:
	}
	select {
	case a := <-answer:
		return a
	default:
		return replica.Answer{Outcome: replica.Unknown, Reason: reasonStopping}
	}
}

// inspect asks the loop about itself; ok is false when it has ended. It is safe for concurrent use.
func (l *loop) inspect() (_ inspection, ok bool) {
	reply := make(chan inspection, 1)
	select {
	case l.inspections <- reply:
		return <-reply, true
	case <-l.done:
		return inspection{}, false
	}
}

const reasonStopping = "the node is stopping"
