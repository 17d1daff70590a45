package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"

	"ordeal/docker/system"
	"ordeal/history"
	"ordeal/nemesis"
)

const (
	// stopLimit is how long a node may take to end after SIGTERM, before it is killed.
	stopLimit = 5 * time.Second
	// hearingLimit is how long a node that is to be stopped may take to serve first.
	hearingLimit = 3 * time.Second
	// unheard is the exit code of a Go program that had no handler for a signal yet.
	unheard = 2
)

// stop asks the processes of f.Nodes to end, by SIGTERM, all at the same time. What was asked for
// is an end with the exit code 0, or with 143, by which programs say that SIGTERM was the reason;
// any other is the node's own failure. (The kernel spares the first process of a container all
// signals that it has no handler for, pid_namespaces(7); a Go program that does not handle SIGTERM
// ends itself with 2 then, which cannot be told from a crash.) So a node that was just started gets
// its signal once it serves: before that it may not be able to hear it. One that does not serve in
// time is stopped all the same, and may end with 2.
//
// Nodes that another fault keeps dead are kept dead by this one too. A paused node cannot act on a
// signal, and most engines would thaw it along with one (github.com/moby/moby/issues/37137): it is
// left alone. When nobody is left to stop, nothing is done.
func (c *Cluster) stop(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	return c.bringDown(ctx, f, c.stopNode)
}

// stopNode stops one node, unless it is dead or paused. n.mu is held.
func (c *Cluster) stopNode(ctx context.Context, n *node) (effect, measurements, error) {
	ctx, cancel := context.WithTimeout(ctx, hearingLimit+stopLimit+killLimit)
	defer cancel()
	name := n.member.Name
	before, err := c.stateOf(ctx, n)
	if err != nil {
		return untouched, nil, err
	}
	found := measurements{
		{Subject: name, What: "state", When: "before", Value: before.String(), Shows: true},
	}
	r := n.current()
	switch {
	case !before.running || r.over():
		return kept, found, nil
	case before.paused:
		return untouched, found, nil
	}
	codes := []int64{0, terminated}
	if !c.hears(ctx, n, r) {
		codes = append(codes, unheard)
	}
	unexpect := r.expect(codes...)
	asked := time.Now()
	failed := c.engine.api.ContainerKill(ctx, n.container, "SIGTERM")
	if failed != nil && !errdefs.IsConflict(failed) {
		if refused(failed) {
			unexpect()
		}
		return untouched, nil, fmt.Errorf("stopping %s: %w", name, failed)
	}
	end := history.Measurement{Subject: name, What: "end", When: "during"}
	select {
	case <-r.ended:
		end.Value = fmt.Sprintf("%d ms after SIGTERM", time.Since(asked).Milliseconds())
		end.Shows = failed == nil
	case <-time.After(stopLimit):
		end.Value = fmt.Sprintf("it did not end within %v of SIGTERM, and was killed", stopLimit)
		if _, _, err := c.killNode(ctx, n); err != nil {
			return hit, found, err
		}
		if err := r.awaitEnd(ctx); err != nil {
			return hit, found, fmt.Errorf("waiting for the end of %s: %w", name, err)
		}
	case <-ctx.Done():
		// The signal is sent, so its end is no news, whenever it comes.
		return hit, found, fmt.Errorf("waiting for the end of %s: %w", name, ctx.Err())
	}
	during, err := c.stateOf(ctx, n)
	if err != nil {
		return hit, found, err
	}
	if failed != nil && !r.news {
		c.reportExit(ctx, n, r.code) // it had ended just before: that is news after all
	}
	return hit, append(found, end, history.Measurement{
		Subject: name, What: "state", When: "during", Value: during.String(),
		Shows: !during.running && !r.news && r.code != killed,
	}), nil
}

// hears tells whether a node serves, or says that it stays out: then it hears a signal too. It
// waits for that as long as hearingLimit.
func (c *Cluster) hears(ctx context.Context, n *node, r *run) bool {
	ctx, cancel := context.WithTimeout(ctx, hearingLimit)
	defer cancel()
	_, err := c.awaitReady(ctx, n, r)
	return err == nil || errors.Is(err, system.ErrLost)
}
