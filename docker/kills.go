package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"ordeal/history"
	"ordeal/nemesis"
)

// killLimit is how long the engine may take to kill a node and to tell of its end.
const killLimit = 10 * time.Second

// kill ends the processes of f.Nodes by SIGKILL, all at the same time. Nodes that another fault
// keeps dead are kept dead by this one too; when all of them are dead already, nothing is done. A
// paused node is killed like any other: what is frozen ends by SIGKILL alone, without having run
// again (engines since 17.07 thaw it after the signal, see github.com/moby/moby/pull/34027).
func (c *Cluster) kill(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	return c.bringDown(ctx, f, c.killNode)
}

// killNode kills one node, unless it is dead. n.mu is held.
func (c *Cluster) killNode(ctx context.Context, n *node) (effect, measurements, error) {
	ctx, cancel := context.WithTimeout(ctx, killLimit)
	defer cancel()
	name := n.member.Name
	before, err := c.stateOf(ctx, n)
	if err != nil {
		return untouched, nil, err
	}
	r := n.current()
	if !before.running || r.over() {
		return kept, measurements{
			{Subject: name, What: "state", When: "before", Value: before.String(), Shows: true},
		}, nil
	}
	unexpect := r.expect(killed)
	failed := c.engine.api.ContainerKill(ctx, n.container, "SIGKILL")
	if failed != nil && !errdefs.IsConflict(failed) {
		if refused(failed) {
			unexpect()
		}
		return untouched, nil, fmt.Errorf("killing %s: %w", name, failed)
	}
	if err := r.awaitEnd(ctx); err != nil {
		return untouched, nil, fmt.Errorf("waiting for the end of %s: %w", name, err)
	}
	during, err := c.stateOf(ctx, n)
	if err != nil {
		return untouched, nil, err
	}
	// A conflict says that it was dead just before, and a new mark of the kernel's that its memory
	// was the reason: then this was not the kill that ended it, and its end is news after all.
	ours := failed == nil && (before.memory || !during.memory)
	if !ours && r.code == killed {
		c.reportExit(ctx, n, r.code)
	}
	return hit, measurements{
		{
			Subject: name, What: "state", When: "before", Value: before.String(), Shows: true,
		},
		{
			Subject: name, What: "state", When: "during", Value: during.String(),
			Shows: !during.running && r.code == killed && ours,
		},
	}, nil
}

// finishEnding brings about the end of a run that a signal, which may be on its way, has not ended
// yet: it must not reach the node after its heal. n.mu is held.
func (c *Cluster) finishEnding(ctx context.Context, n *node, r *run) error {
	r.expect(killed)
	err := c.engine.api.ContainerKill(ctx, n.container, "SIGKILL")
	if err == nil || errdefs.IsConflict(err) {
		err = r.awaitEnd(ctx)
	}
	if err != nil {
		return fmt.Errorf("waiting for the end of %s: %w", n.member.Name, err)
	}
	return nil
}

// refused tells of the error of a call that sends a signal that the engine has answered with it:
// then it has sent none. After any other error it may have, and an end by that is no news, whenever
// it comes. (An engine that has sent SIGKILL waits 10 s for the end before it answers that there
// was none, which is not within killLimit.)
func refused(err error) bool {
	return !client.IsErrConnectionFailed(err) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}
