package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ordeal/docker/agent"
	"ordeal/nemesis"
)

// unable holds why kinds of faults cannot be injected here.
type unable struct {
	mu  sync.Mutex
	why map[nemesis.Kind]error
}

// note takes down a reason. The first one of a kind stays.
func (u *unable) note(kind nemesis.Kind, why error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.why == nil {
		u.why = make(map[nemesis.Kind]error)
	}
	if u.why[kind] == nil {
		u.why[kind] = why
	}
}

// of returns the reason, nil for none.
func (u *unable) of(kind nemesis.Kind) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.why[kind]
}

// Unable tells why faults of a kind cannot be injected here, with a remedy if there is one, or nil
// if they can. What takes a trial was tried at the start, for the kinds of Config.Kinds; others are
// assumed to be possible.
func (c *Cluster) Unable(kind nemesis.Kind) error {
	switch kind {
	case nemesis.Kill, nemesis.Stop:
		return nil
	case nemesis.Partition, nemesis.Pause:
		return c.unable.of(kind)
	case nemesis.Wipe:
		if c.config.System.DataDir == "" {
			return fmt.Errorf("%s keeps no data in a volume that could be wiped",
				c.config.System.Name)
		}
		return nil
	default:
		return fmt.Errorf("containers have no fault of kind %q", kind)
	}
}

// introduceOrNote introduces an agent. One that can say so, but cannot open its firewall, is good
// for all faults but partitions. That ends the start only of a cluster that was not told which
// kinds of faults it is for.
func (c *Cluster) introduceOrNote(ctx context.Context, n *node) error {
	err := c.introduce(ctx, n)
	unheard := errors.Is(err, agent.ErrClosed) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, context.Canceled)
	if err == nil || unheard || len(c.config.Kinds) == 0 {
		return err
	}
	c.unable.note(nemesis.Partition, fmt.Errorf("no agent can drop packets here: %w (try "+
		"\"modprobe nf_tables\" on the engine's host, or an engine that grants NET_ADMIN)", err))
	c.work.Go(func() {
		c.beatDeaf(n)
		c.agentEnded(n)
	})
	return nil
}

// beatDeaf gives signs of life to an agent that answers each with the same complaint, which is
// known already.
func (c *Cluster) beatDeaf(n *node) {
	ticker := time.NewTicker(heartbeatInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.life.Done():
			return
		case <-n.beside.connection.Closed():
			return
		case <-ticker.C:
			_, _ = n.beside.ask(c.life)
		}
	}
}

// tryPause pauses the first node for a moment, if pauses will be asked for, which takes about 30
// ms. An engine that cannot is no failure; one that does not let the node go on is.
func (c *Cluster) tryPause(ctx context.Context) error {
	if !slices.Contains(c.config.Kinds, nemesis.Pause) {
		return nil
	}
	n := c.nodes[0]
	refused := func(err error) error {
		c.unable.note(nemesis.Pause, fmt.Errorf("the engine cannot pause a node here: %w (try an "+
			"engine that is not rootless, or one with cgroup v2 and delegation)", err))
		return nil
	}
	if err := c.engine.api.ContainerPause(ctx, n.container); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("trying to pause %s: %w", n.member.Name, err)
		}
		return refused(err)
	}
	_, unread := c.readCPU(ctx, n)
	if err := c.engine.api.ContainerUnpause(ctx, n.container); err != nil {
		return fmt.Errorf("trying to pause %s, thawing it: %w", n.member.Name, err)
	}
	if unread != nil {
		return refused(unread)
	}
	return nil
}
