package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"ordeal/docker/system"
)

const (
	// killed is the exit code of a process that SIGKILL ended: 128 and the signal's number.
	killed = 137
	// terminated is that of one that SIGTERM ended, and of one that ends after it and says so.
	terminated = 143
	// gone stands for the exit code of a node whose container was removed, which nobody knows.
	gone = -1
	// readyPause is the time between two questions to a node whether it serves, and readyAnswer how
	// long it may take to answer one.
	readyPause  = 10 * time.Millisecond
	readyAnswer = time.Second
	// watchPause is the time between two attempts to watch a node that cannot be watched.
	watchPause = 200 * time.Millisecond
)

var (
	// errEnded is wrapped by the error of waiting for a node that ended meanwhile, and errPaused by
	// that of waiting for one that a fault has paused meanwhile.
	errEnded  = errors.New("it ended")
	errPaused = errors.New("it is paused")
)

// A run is one life of a node, from a start to its end.
type run struct {
	// paused is true while faults hold the run where it is. It is changed with the node's mu held.
	paused atomic.Bool

	mu sync.Mutex
	// codes are the exit codes that are not news: of ends that somebody is about to bring about.
	codes []int64
	// ended is closed at the end, after code and news were set.
	ended chan struct{}
	code  int64
	news  bool
}

func newRun() *run { return &run{ended: make(chan struct{})} }

// over tells whether the run has ended.
func (r *run) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// expect says that an end with one of these codes is not news from now on. The function that it
// returns takes that back, unless the run is over: nobody brought its end about.
func (r *run) expect(codes ...int64) (unexpect func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.codes
	r.codes = append(slices.Clip(before), codes...)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.over() {
			r.codes = before
		}
	}
}

// expected tells whether somebody is about to bring the end about, or was.
func (r *run) expected() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.codes) > 0
}

// end ends the run, and tells whether that is news: a node that ended by itself just before it was
// to be ended has another code than those that are expected.
func (r *run) end(code int64) (news bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.code, r.news = code, !slices.Contains(r.codes, code)
	close(r.ended)
	return r.news
}

// awaitEnd waits for the end of a run that somebody has brought about.
func (r *run) awaitEnd(ctx context.Context) error {
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startNode starts the node's container and watches over it. The watch begins before the start, so
// that an end is never missed. n.mu is held.
func (c *Cluster) startNode(ctx context.Context, n *node) (*run, error) {
	watching, stop := context.WithCancel(c.life)
	// Until the watch stands it is given up with ctx, and later only with the cluster.
	standing := context.AfterFunc(ctx, stop)
	results, failures := c.engine.api.ContainerWait(
		watching, n.container, container.WaitConditionNextExit)
	var err error
	if !standing() {
		err = fmt.Errorf("watching it: %w", ctx.Err())
	} else {
		err = c.startContainer(ctx, n.container)
	}
	if err != nil {
		stop()
		c.work.Go(func() { drain(results, failures) })
		return nil, err
	}
	r := newRun()
	n.state.Lock()
	n.run = r
	n.state.Unlock()
	c.work.Go(func() {
		defer stop()
		c.watch(watching, n, r, results, failures)
	})
	return r, nil
}

// drain takes the one thing that a wait sends, lest it wait for somebody to.
func drain(results <-chan container.WaitResponse, failures <-chan error) {
	select {
	case <-results:
	case <-failures:
	}
}

// watch waits for the end of a run and reports one that nobody had asked for.
func (c *Cluster) watch(
	ctx context.Context, n *node, r *run,
	results <-chan container.WaitResponse, failures <-chan error,
) {
	for {
		select {
		case result := <-results:
			if r.end(result.StatusCode) && (ctx.Err() == nil || !r.expected()) {
				c.reportExit(ctx, n, result.StatusCode)
			}
			return
		case err := <-failures:
			if ctx.Err() != nil || c.engineIsGone(ctx) {
				return
			}
			if errdefs.IsNotFound(err) {
				if r.end(gone) {
					c.reportExit(ctx, n, gone)
				}
				return
			}
			c.config.Logger.Warn("watching a node failed", "node", n.member.Name, "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(watchPause):
			}
			results, failures = c.engine.api.ContainerWait(
				ctx, n.container, container.WaitConditionNotRunning)
		}
	}
}

// awaitReady asks the node whether it serves until it does, and returns how long that took. The
// error of a node that has lost its disk, and so never will, wraps system.ErrLost.
func (c *Cluster) awaitReady(ctx context.Context, n *node, r *run) (time.Duration, error) {
	began := time.Now()
	for {
		err := c.askReady(ctx, n)
		if err == nil {
			return time.Since(began), nil
		}
		if errors.Is(err, system.ErrLost) {
			return 0, err
		}
		if r.paused.Load() && !r.over() {
			return 0, fmt.Errorf("%w: %w", errPaused, err)
		}
		select {
		case <-r.ended:
			return 0, fmt.Errorf("%w with exit code %d: %s",
				errEnded, r.code, c.lastWord(ctx, n.container))
		case <-ctx.Done():
			return 0, c.notServing(ctx, n, err)
		case <-time.After(readyPause):
		}
	}
}

// askReady asks once.
func (c *Cluster) askReady(ctx context.Context, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, readyAnswer)
	defer cancel()
	return n.client.Ready(ctx)
}
