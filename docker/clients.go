package docker

import (
	"context"
	"sync"
	"time"

	"ordeal/history"
)

const (
	// clientGrace is how much later than its timeout an operation may end before it is given up.
	clientGrace = 250 * time.Millisecond
	// clientsLimit is how long Close waits for clients that were told to stop.
	clientsLimit = 5 * time.Second
)

// clients is the operations under way, and when they must end.
type clients struct {
	life context.Context
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool
	// idle holds the goroutines that wait for something to run, the last to have run on top.
	idle []chan func()
	work sync.WaitGroup
}

func (c *clients) init() {
	c.life, c.end = context.WithCancel(context.Background())
}

// enter counts one more operation, which must be ended by work.Done; it is false after close.
func (c *clients) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.work.Add(1)
	return true
}

// begin runs f on another goroutine; it is false, and f is not run, after close.
func (c *clients) begin(f func()) bool {
	if !c.enter() {
		return false
	}
	c.run(func() {
		defer c.work.Done()
		f()
	})
	return true
}

// run runs f on a goroutine that has nothing to do, or on a new one. A goroutine begins with a
// small stack, which every new one would have to grow on its way through an HTTP client: a
// hundredth of what an operation takes.
func (c *clients) run(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.idle) - 1; last >= 0 {
		c.idle[last] <- f // it waits, or is about to: the channel has room for one
		c.idle = c.idle[:last]
		return
	}
	go c.serve(f)
}

// serve runs f, and then what it is given, until close.
func (c *clients) serve(f func()) {
	given := make(chan func(), 1)
	for open := true; open; f, open = <-given {
		f()
		f = nil // let go of what it holds
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return
		}
		c.idle = append(c.idle, given)
		c.mu.Unlock()
	}
}

// close tells all operations to end and waits until they have, or have been given up, or
// clientsLimit has passed; then it ends the clients' idle connections. What somebody else's client
// does beyond that goes on, unheard.
func (c *clients) close(nodes []*node) {
	c.mu.Lock()
	c.closed = true
	for _, given := range c.idle {
		close(given)
	}
	c.idle = nil
	c.mu.Unlock()
	c.end()
	finished := make(chan struct{})
	go func() {
		c.work.Wait()
		close(finished)
	}()
	limit := time.NewTimer(clientsLimit)
	defer limit.Stop()
	select {
	case <-finished:
	case <-limit.C:
	}
	for _, n := range nodes {
		if n.client != nil {
			n.client.Close()
		}
	}
}

// Invoke starts an operation on op.Node and calls done, in a Step, with how it ended: at timeout at
// the latest, and a little more for a client that does not heed its context. What it did not hear
// of by then is unknown.
func (c *Cluster) Invoke(op history.Operation, timeout time.Duration, done func(history.Result)) {
	n, known := c.byName[op.Node]
	if !known {
		c.refuse("there is no node "+op.Node, done)
		return
	}
	if !c.clients.enter() {
		c.refuse("the environment is closed", done)
		return
	}
	var once sync.Once
	end := func(r history.Result) {
		once.Do(func() {
			c.queue.post(func() { done(r) })
			c.clients.work.Done()
		})
	}
	limit := time.AfterFunc(timeout+clientGrace, func() {
		end(history.Result{
			Outcome: history.Info, Error: "the client did not end at its timeout",
		})
	})
	c.clients.run(func() {
		ctx, cancel := context.WithTimeout(c.clients.life, timeout)
		defer cancel()
		r := n.client.Do(ctx, op)
		limit.Stop()
		end(r)
	})
}

// refuse ends an operation that is never sent.
func (c *Cluster) refuse(why string, done func(history.Result)) {
	c.queue.post(func() { done(history.Result{Outcome: history.Fail, Error: why}) })
}
