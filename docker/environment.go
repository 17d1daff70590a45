package docker

import (
	"context"
	"fmt"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
)

// Describe says on which engine and kernel the cluster runs, in words.
func (c *Cluster) Describe() map[string]string {
	clients := "dial the nodes' own addresses"
	if !c.network.direct {
		clients = "dial published ports: a refused connection is of unknown outcome"
	}
	words := map[string]string{
		"clients": clients,
		"name":    "docker",
		"engine":  c.engine.String(),
		"kernel":  c.engine.kernel,
		"system":  c.config.System.Name,
	}
	if c.cgroup != "" {
		words["cgroup"] = "v" + c.cgroup
	}
	return words
}

// Nodes returns the names of the nodes, n1 first.
func (c *Cluster) Nodes() []string {
	names := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		names[i] = n.member.Name
	}
	return names
}

// Now returns the time since Start was called, on the monotonic clock.
func (c *Cluster) Now() time.Duration { return time.Since(c.began) }

// After calls f, in a Step, once d has passed. The function that it returns cancels the call;
// cancelling twice, or too late, does nothing.
func (c *Cluster) After(d time.Duration, f func()) (cancel func()) { return c.queue.after(d, f) }

// Step waits for the next thing that happened and runs its callback. It returns ctx's error when
// ctx is done first.
func (c *Cluster) Step(ctx context.Context) error { return c.queue.step(ctx) }

// OnExit sets the callback for nodes that end without having been asked to, with the exit code, the
// kernel's reason if it had one, and the most telling line of the log. byItself tells a node's own
// doing, the use of too much memory with it, from a signal or a removal from outside.
func (c *Cluster) OnExit(f func(node, detail string, byItself bool)) { c.onExit = f }

// Probe asks a node whether it serves, within a second, and calls done in a Step.
func (c *Cluster) Probe(node string, done func(error)) {
	n, known := c.byName[node]
	if !known {
		c.queue.post(func() { done(fmt.Errorf("there is no node %s", node)) })
		return
	}
	begun := c.clients.begin(func() {
		err := c.askReady(c.clients.life, n)
		c.queue.post(func() { done(err) })
	})
	if !begun {
		c.queue.post(func() { done(fmt.Errorf("asking %s: the environment is closed", node)) })
	}
}

// A change makes a fault happen or end, and measures that it did.
type change func(context.Context, nemesis.Fault) (history.Evidence, error)

// Inject makes a fault happen and calls done, in a Step, with what shows that it bites. The error
// wraps nemesis.ErrPrecondition when the fault could not have any effect and had none, or its kind
// is one that this cluster is Unable to inject; any other means that it is not known whether it
// bites.
func (c *Cluster) Inject(f nemesis.Fault, done func(history.Evidence, error)) {
	why := c.Unable(f.Kind)
	if why != nil {
		c.change(func(context.Context, nemesis.Fault) (history.Evidence, error) {
			return history.Evidence{}, fmt.Errorf("%w: %w", nemesis.ErrPrecondition, why)
		}, f, done)
		return
	}
	inject, _ := c.changesOf(f.Kind)
	c.change(inject, f, done)
}

// Heal ends a fault and calls done, in a Step, with what was measured just before and what shows
// that it is gone. Healing twice, or what was never injected, is not an error.
func (c *Cluster) Heal(f nemesis.Fault, done func(history.Evidence, error)) {
	if c.Unable(f.Kind) != nil {
		c.queue.post(func() { done(history.Evidence{Shown: true}, nil) })
		return
	}
	_, heal := c.changesOf(f.Kind)
	c.change(heal, f, done)
}

// changesOf returns what begins and what ends a fault of a kind that containers know.
func (c *Cluster) changesOf(kind nemesis.Kind) (inject, heal change) {
	switch kind {
	case nemesis.Partition:
		return c.cuts.inject, c.cuts.heal
	case nemesis.Kill:
		return c.kill, c.revive
	case nemesis.Stop:
		return c.stop, c.revive
	case nemesis.Pause:
		return c.pause, c.resume
	case nemesis.Wipe:
		return c.wipe, c.revive
	default:
		panic(fmt.Sprintf("containers have no fault of kind %q", kind))
	}
}

// change carries out a change while the loop goes on. The changes of one fault take place in their
// order: a heal that overtook its injection would find nothing to heal.
func (c *Cluster) change(
	do change, f nemesis.Fault, done func(history.Evidence, error),
) {
	before, over := c.changes[f.ID], make(chan struct{})
	c.changes[f.ID] = over
	c.work.Go(func() {
		defer close(over)
		if before != nil {
			<-before
		}
		evidence, err := c.carryOut(do, f)
		c.queue.post(func() {
			if c.changes[f.ID] == over {
				delete(c.changes, f.ID)
			}
			done(evidence, err)
		})
	})
}
