package server

import (
	"container/heap"
	"time"
)

// timers are the replica's, by time. One alarm serves them all, so that no goroutine stands behind
// a timer that nobody waits for any more. It is for one goroutine.
type timers struct {
	pending timerHeap
	alarm   *time.Timer
	// armed is what the alarm is set to; the zero time for nothing.
	armed time.Time
}

func newTimers() *timers {
	alarm := time.NewTimer(time.Hour)
	alarm.Stop()
	return &timers{alarm: alarm}
}

// set adds a timer.
func (t *timers) set(number uint64, at time.Time) {
	heap.Push(&t.pending, timer{at: at, number: number})
	t.arm()
}

// due removes the next timer whose time has come, if there is one.
func (t *timers) due(now time.Time) (number uint64, ok bool) {
	if len(t.pending) == 0 || t.pending[0].at.After(now) {
		t.armed = time.Time{}
		t.arm()
		return 0, false
	}
	return heap.Pop(&t.pending).(timer).number, true
}

// arm sets the alarm to the earliest timer.
func (t *timers) arm() {
	if len(t.pending) == 0 || t.pending[0].at.Equal(t.armed) {
		return
	}
	t.armed = t.pending[0].at
	t.alarm.Reset(time.Until(t.armed))
}

type timer struct {
	at     time.Time
	number uint64
}

// A timerHeap orders timers by time, and those of one time by number.
type timerHeap []timer

func (h timerHeap) Len() int      { return len(h) }
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *timerHeap) Push(x any)   { *h = append(*h, x.(timer)) }

func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].number < h[j].number
	}
	return h[i].at.Before(h[j].at)
}

func (h *timerHeap) Pop() any {
	last := len(*h) - 1
	popped := (*h)[last]
	*h = (*h)[:last]
	return popped
}
