package simulation

import "sync"

// An entry is the place of an event in the queue. Events are ordered by time, and those of one time
// by the order in which they were added.
type entry struct {
	at    int64 // nanoseconds of virtual time
	order uint64
	slot  int32
}

func (e entry) before(other entry) bool {
	return e.at < other.at || e.at == other.at && e.order < other.order
}

// A queue holds the events that are still to come. It is a heap with four children a place, which
// needs fewer comparisons in cold memory than one with two; what happens stands in slots beside it,
// since it is large and would be moved with every comparison.
type queue struct {
	heap  []entry
	order uint64
	slots []event
	free  []int32
	// occurrences counts how often random decisions about the same thing were due: it is here since
	// its memory is used again, like the queue's.
	occurrences counter
}

// queues are those of worlds that were closed: a world is often made for a moment, and its queue
// grows to thousands of events.
var queues = sync.Pool{New: func() any { return new(queue) }}

// reset empties the queue and keeps its memory.
func (q *queue) reset() {
	clear(q.slots)
	q.occurrences.reset()
	q.heap, q.slots, q.free, q.order = q.heap[:0], q.slots[:0], q.free[:0], 0
}

// push adds an event and returns its slot, which is valid until it is popped.
func (q *queue) push(at int64) (slot int32, e *event) {
	if n := len(q.free); n > 0 {
		slot = q.free[n-1]
		q.free = q.free[:n-1]
	} else {
		slot = int32(len(q.slots))
		q.slots = append(q.slots, event{})
	}
	q.order++
	q.heap = append(q.heap, entry{at: at, order: q.order, slot: slot})
	q.up(len(q.heap) - 1)
	return slot, &q.slots[slot]
}

// pop moves the first event into e, and returns its time.
func (q *queue) pop(e *event) (at int64, ok bool) {
	if len(q.heap) == 0 {
		return 0, false
	}
	first := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap = q.heap[:last]
	if last > 0 {
		q.down(0)
	}
	*e = q.slots[first.slot]
	q.slots[first.slot] = event{}
	q.free = append(q.free, first.slot)
	return first.at, true
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
