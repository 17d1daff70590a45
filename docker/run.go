package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-units"
)

const (
	// killed is the exit code of a process that SIGKILL ended: 128 and the signal's number.
	killed = 137
	// readyPause is the time between two questions to a node whether it serves, and readyAnswer how
	// long it may take to answer one.
	readyPause  = 10 * time.Millisecond
	readyAnswer = time.Second
	// watchPause is the time between two attempts to watch a node that cannot be watched.
	watchPause = 200 * time.Millisecond
)

// errEnded is wrapped by the error of waiting for a node that ended meanwhile.
var errEnded = errors.New("it ended")

// A run is one life of a node, from a start to its end.
type run struct {
	// asked is true once the end is not news: somebody is about to bring it about.
	asked atomic.Bool
	// ended is closed at the end, after code was set.
	ended chan struct{}
	code  int64
}

// over tells whether the run has ended.
func (r *run) over() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// startNode starts the node's container and watches over it. The watch begins before the start, so
// that an end is never missed. n.mu is held.
func (c *Cluster) startNode(ctx context.Context, n *node) (*run, error) {
	watching, stop := context.WithCancel(c.life)
	results, failures := c.engine.api.ContainerWait(
		watching, n.container, container.WaitConditionNextExit)
	if err := c.startContainer(ctx, n.container); err != nil {
		stop()
		c.work.Go(func() { drain(results, failures) })
		return nil, err
	}
	r := &run{ended: make(chan struct{})}
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
			r.code = result.StatusCode
			close(r.ended)
			// A node that ended by itself just before it was to be killed has another code.
			if !r.asked.Load() || r.code != killed && ctx.Err() == nil {
				c.reportExit(ctx, n, r.code)
			}
			return
		case err := <-failures:
			if ctx.Err() != nil {
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

// reportExit tells the loop that a node has ended.
func (c *Cluster) reportExit(ctx context.Context, n *node, code int64) {
	detail := fmt.Sprintf("exit code %d", code)
	details, err := c.engine.api.ContainerInspect(ctx, n.container)
	if err == nil && details.State.OOMKilled {
		detail = fmt.Sprintf("killed by the kernel for needing more than %s of memory "+
			"(exit code %d)", units.BytesSize(float64(c.config.Memory)), code)
	}
	if word := c.lastWord(ctx, n.container); word != "" {
		detail += ": " + word
	}
	c.queue.post(func() {
		if c.onExit != nil {
			c.onExit(n.member.Name, detail)
		}
	})
}

// awaitReady asks the node whether it serves until it does, and returns how long that took.
func (c *Cluster) awaitReady(ctx context.Context, n *node, r *run) (time.Duration, error) {
	began := time.Now()
	for {
		err := c.askReady(ctx, n)
		if err == nil {
			return time.Since(began), nil
		}
		select {
		case <-r.ended:
			return 0, fmt.Errorf("%w with exit code %d: %s",
				errEnded, r.code, c.lastWord(ctx, n.container))
		case <-ctx.Done():
			return 0, fmt.Errorf("it does not serve (%w): %w", ctx.Err(), err)
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

// lastWord returns the line of a node's log that says best why it ended: the message of a Go
// program's crash, which its stacks follow, else the last line. It is "" when there is none.
func (c *Cluster) lastWord(ctx context.Context, id string) string {
	var tail strings.Builder
	if err := c.engine.copyLog(ctx, id, lastWordLines, &tail); err != nil {
		return ""
	}
	return telling(tail.String())
}

// telling picks the line: the last crash's, since a log holds all lives of a node.
func telling(log string) string {
	crash, last := "", ""
	for line := range strings.Lines(log) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			crash = line
		}
		if line != "" {
			last = line
		}
	}
	if crash != "" {
		return crash
	}
	return last
}
