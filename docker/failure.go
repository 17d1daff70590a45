package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"ordeal/history"
	"ordeal/nemesis"
)

// agentEndLimit bounds the question how an agent has ended: the engine may end the stream a moment
// before it knows.
const agentEndLimit = 2 * time.Second

// A failure is the end of what the environment can do: an agent has ended, or the engine is gone.
// There is one at the most, since everything that follows from it would only repeat it.
type failure struct {
	told sync.Once
	// callback is OnFailure's; only the loop uses it.
	callback func(error)
	// engine is done once the engine is taken for gone, which lose brings about. What still waits for
	// the engine then waits in vain, and is given up.
	engine context.Context
	lose   context.CancelFunc
}

func (f *failure) init() {
	f.engine, f.lose = context.WithCancel(context.Background())
}

// OnFailure sets the callback for the end of what the environment can do, which is run in a Step,
// once at the most. The error says in one line what has ended: the engine, or an agent, so that its
// node's faults can neither begin nor end. The nodes may serve on, and Close removes what the
// engine, if it answers, can.
func (c *Cluster) OnFailure(f func(error)) { c.failure.callback = f }

// fail tells the loop that the environment can do no more, unless it was told, or is closed.
func (c *Cluster) fail(err error) {
	if c.life.Err() != nil {
		return
	}
	c.failure.told.Do(func() {
		c.config.Logger.Error("the environment can do no more", "error", err)
		c.queue.post(func() {
			if c.failure.callback != nil {
				c.failure.callback(err)
			}
		})
	})
}

// engineIsGone tells whether the engine has stopped answering, and makes that known if so. It is
// asked by whatever was disturbed by that or by something else, and gives the engine silenceLimit.
func (c *Cluster) engineIsGone(ctx context.Context) bool {
	if c.failure.engine.Err() != nil {
		return true
	}
	err := c.engine.answers(ctx, silenceLimit)
	if err == nil || ctx.Err() != nil {
		return false
	}
	c.failure.lose()
	c.fail(err)
	return true
}

// askEngine asks for a sign of life before something that needs the engine. One that has been taken
// for gone is given less time to be back.
func (c *Cluster) askEngine(ctx context.Context) error {
	limit := silenceLimit
	if c.failure.engine.Err() != nil {
		limit = returnLimit
	}
	err := c.engine.answers(ctx, limit)
	if ctx.Err() != nil {
		return ctx.Err() // which says nothing about the engine
	}
	if err != nil {
		c.failure.lose()
		c.fail(err)
	}
	return err
}

// blameEngine returns the error of a start, or the engine's silence if that is behind it: that
// breaks streams and calls, whose errors say less.
func (c *Cluster) blameEngine(err error) error {
	if err == nil {
		return nil
	}
	if silent := c.askEngine(context.Background()); silent != nil {
		return silent
	}
	return err
}

// whileEngine returns a context that ends with ctx, or when the engine is taken for gone.
func (c *Cluster) whileEngine(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.failure.engine, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// carryOut makes a change, as long as there is an engine: without one there are no agents either,
// and the change, or what is left of it, ends at once.
func (c *Cluster) carryOut(do change, f nemesis.Fault) (history.Evidence, error) {
	if c.failure.engine.Err() != nil {
		return history.Evidence{}, errEngineGone
	}
	ctx, cancel := c.whileEngine(c.life)
	defer cancel()
	evidence, err := do(ctx, f)
	if err != nil && !errors.Is(err, nemesis.ErrPrecondition) && c.engineIsGone(c.life) {
		err = errEngineGone
	}
	return evidence, err
}

// agentEnded finds out why the stream to an agent has ended, which nobody but Close may bring
// about, and tells the loop: its node's rules cannot be changed any more, even if the agent lives
// on, and heals. All streams end with the engine, so that is asked first; and again where it did
// not answer the question, since it may have gone only then.
func (c *Cluster) agentEnded(n *node) {
	if c.life.Err() != nil || c.engineIsGone(c.life) {
		return
	}
	how, answered := c.agentEnd(n)
	if !answered && c.engineIsGone(c.life) {
		return
	}
	if c.life.Err() == nil {
		c.fail(fmt.Errorf("%s: its node's network cannot be cut or healed any more", how))
	}
}

// agentEnd says how an agent has ended, as the engine tells it, and whether that answered.
func (c *Cluster) agentEnd(n *node) (how string, answered bool) {
	ctx, cancel := context.WithTimeout(c.life, agentEndLimit)
	defer cancel()
	name := n.member.Name
	results, failures := c.engine.api.ContainerWait(ctx, n.agent, container.WaitConditionNotRunning)
	select {
	case result := <-results:
		return fmt.Sprintf("the agent of %s has ended (exit code %d)", name, result.StatusCode), true
	case err := <-failures:
		switch {
		case errdefs.IsNotFound(err):
			return fmt.Sprintf("the agent of %s was removed", name), true
		case ctx.Err() != nil:
			return fmt.Sprintf("the stream to the agent of %s has ended, and it runs", name), false
		default:
			return fmt.Sprintf("the agent of %s does not answer (%v)", name, err), false
		}
	}
}

// notServing is the error of a node that was waited for until ctx was done, in one line: what the
// last question to it came to, and the most telling line of its log.
func (c *Cluster) notServing(ctx context.Context, n *node, last error) error {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), exitLimit)
	defer cancel()
	word := c.lastWord(asking, n.container)
	if word == "" {
		word = "its log is empty"
	}
	return fmt.Errorf("it does not serve (%w): %w: %s", ctx.Err(), last, word)
}

// endWork ends what runs in the background, and tells whether the engine is there for the removal.
func (c *Cluster) endWork(ctx context.Context) error {
	err := c.askEngine(ctx)
	c.awaitWork(ctx)
	if errors.Is(err, errEngineGone) {
		return c.unremoved()
	}
	return nil
}

// unremoved is the error of a removal without an engine.
func (c *Cluster) unremoved() error {
	return fmt.Errorf("removing the containers of run %s: %w", c.config.RunID, errEngineGone)
}

// notRemoved is the error of a removal that failed, in one line if the engine is what has failed.
func (c *Cluster) notRemoved(ctx context.Context, err error) error {
	if errors.Is(c.askEngine(ctx), errEngineGone) {
		return c.unremoved()
	}
	return fmt.Errorf("removing the containers of run %s: %w", c.config.RunID, err)
}
