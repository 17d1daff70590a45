package docker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
)

const (
	// pauseLimit is how long the engine may take to pause a node, and its CPU time to be read.
	pauseLimit = 10 * time.Second
	// frozenSpan is the time between the two readings of a node's CPU time that show its pause.
	frozenSpan = 60 * time.Millisecond
	// frozenMax is the CPU time that may pass for none: what reads as 0.0 ms. A frozen process has
	// none at all, but a signal may wake one for some microseconds before it is frozen again
	// (cgroup v2, do_freezer_trap in the kernel's signal.c).
	frozenMax = 50 * time.Microsecond
)

// A pausing is one fault's hold on one run of a node.
type pausing struct {
	run *run
	// began is the first reading of its CPU time while it was paused.
	began cpuReading
	// since is what the agents reported then, nil if packets prove nothing here.
	since reports
}

// holds tells whether it is the run that the node is in now, and not over.
func (p *pausing) holds(n *node) bool { return p.run == n.current() && !p.run.over() }

// pause freezes the processes of f.Nodes where they are, all at the same time, by the engine's
// pause: the kernel's freezer of the node's control group. The agent beside goes on. Dead nodes are
// left alone, also when they are started again during the pause, and so is the next life of a node
// that is ended during it. Nodes that another fault holds are held by this one too, and go on when
// both are healed; when all of them are dead or paused already, nothing is done.
func (c *Cluster) pause(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	victims, err := c.victims(f)
	if err != nil {
		return history.Evidence{}, err
	}
	// As in bringDown, and so that the pause is measured before another fault may end it.
	defer hold(victims)()
	ctx, cancel := context.WithTimeout(ctx, pauseLimit)
	defer cancel()
	effects := make([]effect, len(victims))
	before := make([]measurements, len(victims))
	evidence, err := gather(victims, func(i int, n *node) (measurements, error) {
		var err error
		effects[i], before[i], err = c.freeze(ctx, n, f.ID)
		return before[i], err
	})
	if err != nil {
		return evidence, err
	}
	if !slices.Contains(effects, hit) {
		for _, n := range victims {
			delete(n.pauses, f.ID)
		}
		return history.Evidence{}, fmt.Errorf("%w: all its nodes are dead or paused already",
			nemesis.ErrPrecondition)
	}
	evidence, err = gather(victims, func(i int, n *node) (measurements, error) {
		during, err := c.beginFrozen(ctx, n, f.ID)
		return append(before[i], during...), err
	})
	if err == nil {
		err = c.countPackets(ctx, victims, f.ID)
	}
	return evidence, err
}

// freeze pauses one node, unless it is dead, or is paused already. n.mu is held.
func (c *Cluster) freeze(
	ctx context.Context, n *node, fault string,
) (effect, measurements, error) {
	before, err := c.stateOf(ctx, n)
	if err != nil {
		return untouched, nil, err
	}
	found := measurements{{
		Subject: n.member.Name, What: "state", When: "before", Value: before.String(), Shows: true,
	}}
	r := n.current()
	if !before.running || r.over() {
		return untouched, found, nil
	}
	delete(n.unproved, fault)
	n.pauses[fault] = &pausing{run: r}
	if before.paused {
		return kept, found, nil
	}
	r.paused.Store(true)
	// A pause that failed may have happened all the same: its heal looks.
	if err := c.engine.api.ContainerPause(ctx, n.container); err != nil {
		return hit, found, fmt.Errorf("pausing %s: %w", n.member.Name, err)
	}
	return hit, found, nil
}

// beginFrozen shows that a node is frozen by two readings of its CPU time. n.mu is held.
func (c *Cluster) beginFrozen(
	ctx context.Context, n *node, fault string,
) (measurements, error) {
	p := n.pauses[fault]
	if p == nil {
		return nil, nil // it is dead
	}
	if p.holds(n) {
		var err error
		if p.began, err = c.readCPU(ctx, n); err != nil {
			return nil, err
		}
		select {
		case <-time.After(frozenSpan):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c.measureFrozen(ctx, n, p, "during"), nil
}

// measureFrozen tells whether a node is paused and has used no CPU time since its first reading.
// What cannot be learned is not shown. n.mu is held, so that no fault of this run's ends the node
// meanwhile.
func (c *Cluster) measureFrozen(
	ctx context.Context, n *node, p *pausing, when string,
) measurements {
	status := history.Measurement{Subject: n.member.Name, What: "state", When: when}
	used := history.Measurement{Subject: n.member.Name, What: "CPU time", When: when}
	if !p.holds(n) {
		status.Value = "ended by another fault"
		status.Shows = !p.began.at.IsZero() // what was never measured is not shown
		if p.run.over() && p.run.news {
			status.Value = fmt.Sprintf("ended by no fault (exit code %d)", p.run.code)
			status.Shows = false
		}
		return measurements{status}
	}
	if now, err := c.stateOf(ctx, n); err != nil {
		status.Value = err.Error()
	} else {
		status.Value, status.Shows = now.String(), now.paused
	}
	now, err := c.readCPU(ctx, n)
	switch {
	case err != nil:
		used.Value = err.Error()
	case p.began.at.IsZero():
		used.Value = "it was not read when the pause began"
	default:
		used.Value, used.Shows = stoodStill(p.began, now)
	}
	return measurements{status, used}
}

// stoodStill says how much CPU time was used between two readings, and tells whether that is none.
func stoodStill(began, now cpuReading) (value string, none bool) {
	more := now.used - began.used
	value = fmt.Sprintf("%.1f ms in %.2f s",
		float64(more)/float64(time.Millisecond), now.at.Sub(began.at).Seconds())
	return value, more >= 0 && more < frozenMax
}

// resume lets the nodes go on that only f holds, and returns when they serve.
func (c *Cluster) resume(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	return c.restore(ctx, f, c.thaw)
}

// thaw lets a node go on unless another fault holds it, and returns its run then. Until it was seen
// to serve, the fault stays unproved, so that its heal can be tried again.
func (c *Cluster) thaw(
	ctx context.Context, n *node, fault string,
) (*run, measurements, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if seen, begun := n.unproved[fault]; begun {
		return n.current(), seen, nil
	}
	p := n.pauses[fault]
	if p == nil {
		return nil, nil, nil
	}
	found := c.measureFrozen(ctx, n, p, "end")
	if !p.holds(n) {
		delete(n.pauses, fault)
		return nil, found, nil
	}
	if p.since != nil {
		found = append(found, c.measurePackets(ctx, n.member.Name, p.since))
	}
	if others := n.heldBy(fault, p.run); len(others) > 0 {
		delete(n.pauses, fault)
		return nil, append(found, history.Measurement{
			Subject: n.member.Name, What: "state", When: "after", Shows: true,
			Value: "still paused for " + enumerate(others),
		}), nil
	}
	end, err := c.stateOf(ctx, n)
	if err == nil && end.paused { // else somebody else has let it go on, which is not shown above
		err = c.engine.api.ContainerUnpause(ctx, n.container)
	}
	if err != nil {
		return nil, found, fmt.Errorf("thawing %s: %w", n.member.Name, err)
	}
	p.run.paused.Store(false)
	delete(n.pauses, fault)
	n.unproved[fault] = found
	return p.run, found, nil
}

// heldBy returns the other faults that hold the run too, in order. n.mu is held.
func (n *node) heldBy(besides string, r *run) []string {
	var others []string
	for _, fault := range sortedKeys(n.pauses) {
		if fault != besides && n.pauses[fault].run == r {
			others = append(others, fault)
		}
	}
	return others
}

// countPackets begins to count what arrives of the nodes at others, where that proves something: a
// kernel sends no datagram on behalf of a process that does not run, but it does acknowledge what
// arrives for one over TCP. The nodes' locks are held.
func (c *Cluster) countPackets(ctx context.Context, victims []*node, fault string) error {
	if !c.config.System.Datagrams || c.Unable(nemesis.Partition) != nil {
		return nil
	}
	since, err := c.cuts.ask(ctx)
	if err != nil {
		return err
	}
	for _, n := range victims {
		if p := n.pauses[fault]; p != nil {
			p.since = since
		}
	}
	return nil
}

// measurePackets tells whether packets of a paused node's own arrived at others.
func (c *Cluster) measurePackets(
	ctx context.Context, node string, since reports,
) history.Measurement {
	m := history.Measurement{Subject: node, What: "packets arrived", When: "end"}
	now, err := c.cuts.ask(ctx)
	if err != nil {
		m.Value = err.Error()
		return m
	}
	m.Value, m.Shows = packetsOf(node, since, now)
	return m
}

// packetsOf counts the packets of a node's own that arrived anywhere between two reports, and tells
// whether there were none.
func packetsOf(node string, since, now reports) (value string, none bool) {
	var packets uint64
	others := 0
	for _, receiver := range sortedKeys(now) {
		if receiver != node {
			packets += compare(link{node, receiver}, since, now).packets
			others++
		}
	}
	return fmt.Sprintf("%d at %d other nodes", packets, others), packets == 0
}
