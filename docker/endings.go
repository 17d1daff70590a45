package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"ordeal/docker/system"
	"ordeal/history"
	"ordeal/nemesis"
)

// restoreLimit is how long a node may take to serve after it was started or thawed again.
const restoreLimit = 15 * time.Second

// An effect is what a fault that ends processes did to one node.
type effect int

const (
	// untouched nodes are as they were.
	untouched effect = iota
	// kept nodes were dead already, and this fault keeps them dead too.
	kept
	// hit nodes are in another state because of the fault.
	hit
)

// bringDown does to f.Nodes, all at the same time, what ends their processes, and keeps them dead
// until f is healed. When it has no effect on any of them, nothing is done. All are held until that
// is known: a heal in between would leave its node to a fault that then lets go of it, dead.
func (c *Cluster) bringDown(
	ctx context.Context, f nemesis.Fault,
	do func(context.Context, *node) (effect, measurements, error),
) (history.Evidence, error) {
	victims, err := c.victims(f)
	if err != nil {
		return history.Evidence{}, err
	}
	defer hold(victims)()
	effects := make([]effect, len(victims))
	evidence, err := gather(victims, func(i int, n *node) (measurements, error) {
		var found measurements
		var err error
		effects[i], found, err = do(ctx, n)
		if effects[i] != untouched || err != nil {
			n.down[f.ID] = true
			delete(n.unproved, f.ID)
		}
		return found, err
	})
	if err != nil || slices.Contains(effects, hit) {
		return evidence, err
	}
	for _, n := range victims {
		delete(n.down, f.ID)
	}
	how := "dead"
	if slices.Contains(effects, untouched) {
		how = "dead or paused"
	}
	return history.Evidence{}, fmt.Errorf("%w: all its nodes are %s already",
		nemesis.ErrPrecondition, how)
}

// hold takes the locks of some nodes and returns what lets go of them. Whoever needs more than one
// takes them by this: in the order of the nodes' numbers, so that nobody waits in a circle.
func hold(nodes []*node) (release func()) {
	inOrder := slices.SortedFunc(slices.Values(nodes), func(a, b *node) int {
		return a.member.Number - b.member.Number
	})
	for _, n := range inOrder {
		n.mu.Lock()
	}
	return func() {
		for _, n := range inOrder {
			n.mu.Unlock()
		}
	}
}

// victims returns the nodes that a fault is about, each once.
func (c *Cluster) victims(f nemesis.Fault) ([]*node, error) {
	if len(f.Nodes) == 0 {
		return nil, fmt.Errorf("%w: it names no node", nemesis.ErrPrecondition)
	}
	var victims []*node
	for _, name := range f.Nodes {
		n, known := c.byName[name]
		if !known {
			return nil, fmt.Errorf("%w: there is no node %s", nemesis.ErrPrecondition, name)
		}
		if !slices.Contains(victims, n) {
			victims = append(victims, n)
		}
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
	evidence, err := all.evidence(), errors.Join(failures...)
	evidence.Shown = evidence.Shown && err == nil
	return evidence, err
}

// revive starts the nodes that only f keeps dead, and returns when they serve.
func (c *Cluster) revive(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	return c.restore(ctx, f, c.reviveNode)
}

// restore undoes a fault at each of its nodes, at the same time, and returns when those serve of
// which undo returns a run.
func (c *Cluster) restore(
	ctx context.Context, f nemesis.Fault,
	undo func(ctx context.Context, n *node, fault string) (*run, measurements, error),
) (history.Evidence, error) {
	var victims []*node
	for _, name := range f.Nodes {
		if n, known := c.byName[name]; known {
			victims = append(victims, n)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, restoreLimit)
	defer cancel()
	evidence, err := gather(victims, func(_ int, n *node) (measurements, error) {
		started, found, err := undo(ctx, n, f.ID)
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
		evidence.Shown = true // nothing was left to undo
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
	r := n.current()
	if !end.running || r.over() || r.expected() {
		if r, err = c.startAgain(ctx, n); err != nil {
			return nil, found, fmt.Errorf("starting %s again: %w", name, err)
		}
	} // else it could not be killed
	delete(n.down, fault)
	n.unproved[fault] = found
	return r, found, nil
}

// startAgain starts a node that a fault has ended, once that, and a wipe of its disk, are over.
func (c *Cluster) startAgain(ctx context.Context, n *node) (*run, error) {
	if r := n.current(); !r.over() && r.expected() {
		if err := c.finishEnding(ctx, n, r); err != nil {
			return nil, err
		}
	}
	if err := c.endWiper(ctx, n); err != nil {
		return nil, fmt.Errorf("ending a wipe: %w", err)
	}
	return c.startNode(ctx, n)
}

// measureReady waits until a node serves that was started or thawed, or says that it never will
// after a wipe. Which of the two is right then is for those to say who judge the run.
func (c *Cluster) measureReady(
	ctx context.Context, n *node, started *run,
) (measurements, error) {
	name := n.member.Name
	took, err := c.awaitReady(ctx, n, started)
	ready := history.Measurement{Subject: name, What: "ready", When: "after", Shows: true}
	switch {
	case errors.Is(err, errEnded) && started.expected():
		return interrupted(name, "ended again by another fault"), nil
	case errors.Is(err, errPaused):
		return interrupted(name, "paused by another fault"), nil
	case errors.Is(err, system.ErrLost) && n.wiped.Load():
		ready.Value = strings.TrimPrefix(err.Error(), name+" ")
	case err != nil:
		return nil, fmt.Errorf("waiting for %s: %w", name, err)
	case n.wiped.Load():
		ready.Value = fmt.Sprintf("serves again after %d ms", took.Milliseconds())
	default:
		ready.Value = fmt.Sprintf("after %d ms", took.Milliseconds())
	}
	after, err := c.stateOf(ctx, n)
	if err != nil {
		return nil, err
	}
	return measurements{
		{
			Subject: name, What: "state", When: "after", Value: after.String(),
			// Another fault may have ended it since it served.
			Shows: after.running || started.expected(),
		},
		ready,
	}, nil
}

// interrupted is the proof of a heal that another fault left no time for.
func interrupted(node, why string) measurements {
	return measurements{
		{Subject: node, What: "state", When: "after", Value: why, Shows: true},
	}
}
