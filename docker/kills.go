package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"

	"ordeal/history"
	"ordeal/nemesis"
)

const (
	// killLimit is how long the engine may take to kill a node and to tell of its end.
	killLimit = 10 * time.Second
	// reviveLimit is how long a node may take to serve after it was started again.
	reviveLimit = 15 * time.Second
)

// kill ends the processes of f.Nodes by SIGKILL, all at the same time. Nodes that another fault
// keeps dead are kept dead by this one too; when all of them are dead already, nothing is done.
func (c *Cluster) kill(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	victims, err := c.victims(f)
	if err != nil {
		return history.Evidence{}, err
	}
	killed := make([]bool, len(victims))
	evidence, err := gather(victims, func(i int, n *node) (measurements, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		var found measurements
		var err error
		killed[i], found, err = c.killNode(ctx, n)
		n.down[f.ID] = true
		delete(n.unproved, f.ID)
		return found, err
	})
	if err != nil {
		return evidence, err
	}
	for _, k := range killed {
		if k {
			return evidence, nil
		}
	}
	for _, n := range victims {
		n.mu.Lock()
		delete(n.down, f.ID)
		n.mu.Unlock()
	}
	return history.Evidence{}, fmt.Errorf("%w: all its nodes are dead already",
		nemesis.ErrPrecondition)
}

// victims returns the nodes of a kill.
func (c *Cluster) victims(f nemesis.Fault) ([]*node, error) {
	if len(f.Nodes) == 0 {
		return nil, fmt.Errorf("%w: it names no node", nemesis.ErrPrecondition)
	}
	victims := make([]*node, len(f.Nodes))
	for i, name := range f.Nodes {
		n, known := c.byName[name]
		if !known {
			return nil, fmt.Errorf("%w: there is no node %s", nemesis.ErrPrecondition, name)
		}
		victims[i] = n
	}
	return victims, nil
}

// gather does something for each of some nodes at the same time, and puts together what was
// measured, in their order.
func gather(
	nodes []*node, do func(int, *node) (measurements, error),
) (history.Evidence, error) {
	found := make([]measurements, len(nodes))
	failures := make([]error, len(nodes))
	var group sync.WaitGroup
	for i, n := range nodes {
		group.Go(func() { found[i], failures[i] = do(i, n) })
	}
	group.Wait()
	var all measurements
	for _, some := range found {
		all = append(all, some...)
	}
	return all.evidence(), errors.Join(failures...)
}

// killNode kills one node, unless it is dead, and tells whether it did. n.mu is held.
func (c *Cluster) killNode(ctx context.Context, n *node) (bool, measurements, error) {
	ctx, cancel := context.WithTimeout(ctx, killLimit)
	defer cancel()
	name := n.member.Name
	before, err := c.stateOf(ctx, n)
	if err != nil {
		return false, nil, err
	}
	r := n.current()
	if !before.running || r.over() {
		return false, measurements{
			{Subject: name, What: "state", When: "before", Value: before.String(), Shows: true},
		}, nil
	}
	r.expect()
	failed := c.engine.api.ContainerKill(ctx, n.container, "SIGKILL")
	if failed != nil && !errdefs.IsConflict(failed) {
		r.unexpect()
		return false, nil, fmt.Errorf("killing %s: %w", name, failed)
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
		r.unexpect()
		return false, nil, fmt.Errorf("waiting for the end of %s: %w", name, ctx.Err())
	}
	during, err := c.stateOf(ctx, n)
	if err != nil {
		return false, nil, err
	}
	// A conflict says that it was dead just before, and a new mark of the kernel's that its memory
	// was the reason: then this was not the kill that ended it, and its end is news after all.
	ours := failed == nil && (before.memory || !during.memory)
	if !ours && r.code == killed {
		c.reportExit(ctx, n, r.code)
	}
	return true, measurements{
		{
			Subject: name, What: "state", When: "before", Value: before.String(), Shows: true,
		},
		{
			Subject: name, What: "state", When: "during", Value: during.String(),
			Shows: !during.running && r.code == killed && ours,
		},
	}, nil
}

// revive starts the nodes that only f keeps dead, and returns when they serve.
func (c *Cluster) revive(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	var victims []*node
	for _, name := range f.Nodes {
		if n, known := c.byName[name]; known {
			victims = append(victims, n)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, reviveLimit)
	defer cancel()
	evidence, err := gather(victims, func(_ int, n *node) (measurements, error) {
		started, found, err := c.reviveNode(ctx, n, f.ID)
		if started == nil || err != nil {
			return found, err
		}
		after, err := c.measureReady(ctx, n, started)
		if err == nil {
			n.mu.Lock()
			delete(n.unproved, f.ID)
			n.mu.Unlock()
		}
		return append(found, after...), err
	})
	if err == nil && len(evidence.Measurements) == 0 {
		evidence.Shown = true // it keeps nothing dead
	}
	return evidence, err
}

// reviveNode starts a node unless another fault keeps it dead, and returns its new run, nil if
// there is none. If the node cannot be started, the fault goes on keeping it dead, and if it was
// not seen to serve, the fault stays unproved, so that its heal can be tried again.
func (c *Cluster) reviveNode(
	ctx context.Context, n *node, fault string,
) (*run, measurements, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := n.member.Name
	if seen, begun := n.unproved[fault]; begun {
		return n.current(), seen, nil
	}
	if !n.down[fault] {
		return nil, nil, nil
	}
	end, err := c.stateOf(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	found := measurements{
		{Subject: name, What: "state", When: "end", Value: end.String(), Shows: !end.running},
	}
	if len(n.down) > 1 {
		delete(n.down, fault)
		return nil, append(found, history.Measurement{
			Subject: name, What: "state", When: "after", Shows: true,
			Value: "still dead for " + enumerate(sortedKeys(n.down)),
		}), nil
	}
	if r := n.current(); end.running && !r.over() {
		delete(n.down, fault) // it could not be killed
		n.unproved[fault] = found
		return r, found, nil
	}
	started, err := c.startNode(ctx, n)
	if err != nil {
		return nil, found, fmt.Errorf("starting %s again: %w", name, err)
	}
	delete(n.down, fault)
	n.unproved[fault] = found
	return started, found, nil
}

// measureReady waits until a node serves that was started again.
func (c *Cluster) measureReady(
	ctx context.Context, n *node, started *run,
) (measurements, error) {
	name := n.member.Name
	took, err := c.awaitReady(ctx, n, started)
	if errors.Is(err, errEnded) && started.expected() {
		return measurements{{
			Subject: name, What: "state", When: "after", Value: "killed again by another fault",
			Shows: true,
		}}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("waiting for %s: %w", name, err)
	}
	after, err := c.stateOf(ctx, n)
	if err != nil {
		return nil, err
	}
	return measurements{
		{
			Subject: name, What: "state", When: "after", Value: after.String(),
			// Another fault may have killed it since it served.
			Shows: after.running || started.expected(),
		},
		{
			Subject: name, What: "ready", When: "after", Shows: true,
			Value: fmt.Sprintf("after %d ms", took.Milliseconds()),
		},
	}, nil
}
