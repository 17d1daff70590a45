package simulation

import (
	"math/bits"
	"sync"
)

// An entry is the place of an event in the queue. Events are ordered by time, and those of one time
// by the order in which they were added.
type entry struct {
	at    int64 // nanoseconds of virtual time
	order uint64
	slot  int32
}

// before compares both numbers as one: a branch here would be guessed wrong half of the time. No
// time is negative.
func (e entry) before(other entry) bool {
	_, borrow := bits.Sub64(e.order, other.order, 0)
	_, borrow = bits.Sub64(uint64(e.at), uint64(other.at), borrow)
	return borrow != 0
}

// A queue holds the events that are still to come. It is a heap with four children a place, which
// needs fewer comparisons in cold memory than one with two; what happens stands in slots beside it,
// since it is large and would be moved with every comparison. A slot never moves.
type queue struct {
	heap  []entry
	order uint64
	slots []*[slotsTogether]event
	used  int32
	free  []int32
	// occurrences counts how often random decisions about the same thing were due: it is here since
	// its memory is used again, like the queue's.
	occurrences counter
}

// queues are those of worlds that were closed: a world is often made for a moment, and its queue
// grows to thousands of events.
var queues = sync.Pool{New: func() any { return new(queue) }}

// slotsTogether is how many slots are made at a time.
const slotsTogether = 64

// reset empties the queue and keeps its memory.
func (q *queue) reset() {
	for _, slots := range q.slots[:(q.used+slotsTogether-1)/slotsTogether] {
		clear(slots[:])
	}
	q.occurrences.reset()
	q.heap, q.used, q.free, q.order = q.heap[:0], 0, q.free[:0], 0
}

func (q *queue) at(slot int32) *event {
	return &q.slots[slot/slotsTogether][slot%slotsTogether]
}

// push adds an event, which is empty but for its message: that is whatever an earlier one left. The
// event is the caller's to fill in until it is popped and released.
func (q *queue) push(at int64) *event {
	var slot int32
	if n := len(q.free); n > 0 {
		slot = q.free[n-1]
		q.free = q.free[:n-1]
	} else {
		slot = q.used
		if int(slot) == slotsTogether*len(q.slots) {
			q.slots = append(q.slots, new([slotsTogether]event))
		}
		q.used++
	}
	q.order++
	q.heap = append(q.heap, entry{at: at, order: q.order, slot: slot})
	q.up(len(q.heap) - 1)
	e := q.at(slot)
	e.slot = slot
	return e
}

// release gives the slot of an event back that was popped.
func (q *queue) release(e *event) {
	slot := e.slot
	e.what = what{}
	q.free = append(q.free, slot)
}

// pop takes the first event out of the order, and returns it with its time. Its slot is its own
// until it is released.
func (q *queue) pop() (e *event, at int64) {
	if len(q.heap) == 0 {
		return nil, 0
	}
	first := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap = q.heap[:last]
	if last > 0 {
		q.down(0)
	}
	return q.at(first.slot), first.at
}

func (q *queue) up(i int) {
	moved := q.heap[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !moved.before(q.heap[parent]) {
			break
		}
		q.heap[i] = q.heap[parent]
		i = parent
	}
	q.heap[i] = moved
}

func (q *queue) down(i int) {
	moved, n := q.heap[i], len(q.heap)
	for {
		child := 4*i + 1
		if child >= n {
			break
		}
		least := child
		for other := child + 1; other < min(child+4, n); other++ {
			if q.heap[other].before(q.heap[least]) {
				least = other
			}
		}
		if !q.heap[least].before(moved) {
			break
		}
		q.heap[i] = q.heap[least]
		i = least
	}
	q.heap[i] = moved
}
