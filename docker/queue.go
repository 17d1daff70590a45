package docker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A queue holds what happened until the loop asks for it. It has no bound: what is posted is
// bounded by the operations, faults and timers that the loop itself has started. Post may be called
// from any goroutine, step from one.
type queue struct {
	mu     sync.Mutex
	events []func()
	filled chan struct{} // holds a token when there may be events
}

func newQueue() *queue { return &queue{filled: make(chan struct{}, 1)} }

// post adds f for a later step to run.
func (q *queue) post(f func()) {
	q.mu.Lock()
	q.events = append(q.events, f)
	q.mu.Unlock()
	select {
	case q.filled <- struct{}{}:
	default:
	}
}

// step waits for the next event and runs it.
func (q *queue) step(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f, ok := q.take(); ok {
			f()
			return nil
		}
		select {
		case <-q.filled:
		case <-ctx.Done():
		}
	}
}

// take removes the oldest event.
func (q *queue) take() (func(), bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.events) == 0 {
		return nil, false
	}
	f := q.events[0]
	q.events[0] = nil // let go of what it holds
	q.events = q.events[1:]
	return f, true
}

// after posts f once d has passed. The function that it returns keeps f from running, unless it
// has.
func (q *queue) after(d time.Duration, f func()) (cancel func()) {
	var cancelled atomic.Bool
	post := func() {
		q.post(func() {
			if !cancelled.Load() {
				f()
			}
		})
	}
	if d <= 0 {
		post() // clients that go on at once need no timer
		return func() { cancelled.Store(true) }
	}
	timer := time.AfterFunc(d, post)
	return func() {
		cancelled.Store(true)
		timer.Stop()
	}
}
