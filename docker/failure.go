package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"
)

const (
	// signs is how often an engine that seems to be gone is asked for a sign of life, signLimit how
	// long it may take to give one, and signPause the time between two questions: an engine that is
	// only busy is not given up.
	signs     = 5
	signLimit = 2 * time.Second
	signPause = 300 * time.Millisecond
)

// errEngineGone is wrapped by the error of an engine that answered before and does not any more.
var errEngineGone = errors.New("the Docker engine does not answer any more")

// A failure is the end of what a cluster can do: its agents, or the engine itself, are gone.
type failure struct {
	once sync.Once
	// call is the loop's callback; only the loop uses it.
	call func(error)
}

// OnFailure sets the callback, run in a Step and at most once, for when the cluster can neither
// inject nor heal any more: an agent has ended, and nobody can change what its node hears; or the
// engine is gone. The nodes may go on to serve.
func (c *Cluster) OnFailure(f func(error)) { c.failure.call = f }

// fail tells the loop, the first time.
func (c *Cluster) fail(err error) {
	c.failure.once.Do(func() {
		c.queue.post(func() {
			if c.failure.call != nil {
				c.failure.call(err)
			}
		})
	})
}

// agentEnded finds out why the stream of an agent has ended, unless the cluster is being closed,
// and tells the loop. All streams end with the engine: it is asked first.
func (c *Cluster) agentEnded(n *node) {
	if c.life.Err() != nil {
		return
	}
	if err := c.engine.signOfLife(c.life); err != nil {
		if c.life.Err() == nil {
			c.fail(err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(c.life, signLimit)
	defer cancel()
	name := n.member.Name
	details, err := c.engine.api.ContainerInspect(ctx, n.agent)
	if c.life.Err() != nil {
		return
	}
	const what = "its node's network cannot be cut or healed any more"
	switch {
	case errdefs.IsNotFound(err):
		c.fail(fmt.Errorf("the agent of %s was removed: %s", name, what))
	case err != nil:
		c.fail(fmt.Errorf("the agent of %s does not answer: %s: %w", name, what, err))
	case details.State.Running:
		c.fail(fmt.Errorf("the stream to the agent of %s has ended: %s", name, what))
	default:
		c.fail(fmt.Errorf("the agent of %s has ended (exit code %d): %s",
			name, details.State.ExitCode, what))
	}
}

// signOfLife asks the engine whether it is there, a few times before it is given up.
func (e *Engine) signOfLife(ctx context.Context) error {
	var err error
	for range signs {
		if err = e.ping(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(signPause):
		}
	}
	return fmt.Errorf("%w (run \"ordeal clean\" when it does): %w", errEngineGone, err)
}

// withoutEngine shortens the error of calls that found no engine to answer them: that says all, and
// one line of it is enough.
func withoutEngine(err error) error {
	if client.IsErrConnectionFailed(err) {
		return errEngineGone
	}
	return err
}

func (e *Engine) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, signLimit)
	defer cancel()
	_, err := e.api.Ping(ctx)
	return err
}
