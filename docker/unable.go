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
	// wipes is closed when the trial of a wipe is over, and nil without one.
	wipes chan struct{}
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
		return c.unable.of(kind)
	default:
		return fmt.Errorf("containers have no fault of kind %q (the simulator has: --env sim)", kind)
	}
}

// introduceOrNote introduces an agent. One that can say so, but cannot open its firewall, is good
// for all faults but partitions. That ends the start only of a cluster that was not told which
// kinds of faults it is for.
func (c *Cluster) introduceOrNote(ctx context.Context, n *node) error {
	if n == c.nodes[0] {
		c.beginWipe() // which needs no node, and takes no time beside their start
	}
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

// beginWipe begins to try a wiper on an empty directory, if wipes will be asked for.
func (c *Cluster) beginWipe() {
	if !slices.Contains(c.config.Kinds, nemesis.Wipe) || c.config.System.DataDir == "" {
		return
	}
	c.unable.wipes = make(chan struct{})
	c.work.Go(func() {
		defer close(c.unable.wipes)
		if err := c.tryWipe(c.life); err != nil && c.life.Err() == nil {
			c.unable.note(nemesis.Wipe, fmt.Errorf("no container can empty a volume here: %w", err))
		}
	})
}

// tryWipe runs a wiper on an empty directory.
func (c *Cluster) tryWipe(ctx context.Context) error {
	ctx, end := c.whileEngine(ctx)
	defer end()
	ctx, cancel := context.WithTimeout(ctx, wipeLimit)
	defer cancel()
	user, err := c.userOf(ctx, c.config.System.Image)
	if err != nil {
		return err
	}
	trial := wiper{name: c.containerName("wipe-trial"), user: user}
	result, err := c.runWiper(ctx, trial)
	if err == nil && result.Error != "" {
		err = errors.New(result.Error)
	}
	ctx, over := c.afterwards(ctx)
	defer over()
	if left := c.removeWiper(ctx, trial.name); left != nil {
		c.config.Logger.Warn("a container that tried a wipe is left", "error", left)
	}
	return err
}

// tryPause pauses the first node for a moment, if pauses will be asked for, which takes about 100
// ms, and waits for the trial of a wipe. An engine that cannot is no failure; one that does not let
// the node go on is.
func (c *Cluster) tryPause(ctx context.Context) error {
	if c.unable.wipes != nil {
		select {
		case <-c.unable.wipes:
		case <-ctx.Done():
			return fmt.Errorf("trying to wipe: %w", ctx.Err())
		}
	}
	if !slices.Contains(c.config.Kinds, nemesis.Pause) {
		return nil
	}
	n := c.nodes[0]
	cannot := c.engine.api.ContainerPause(ctx, n.container)
	if cannot == nil {
		cannot = c.standsStill(ctx, n)
	}
	if err := c.letGoOn(ctx, n); err != nil {
		return fmt.Errorf("trying to pause %s: %w", n.member.Name, err)
	}
	if cannot != nil {
		c.unable.note(nemesis.Pause, fmt.Errorf("the engine cannot pause a node here: %w (try an "+
			"engine that is not rootless, or one with cgroup v2 and delegation)", cannot))
	}
	return nil
}

// standsStill returns an error if a node that was paused uses CPU time, or nobody can tell.
func (c *Cluster) standsStill(ctx context.Context, n *node) error {
	now, err := c.stateOf(ctx, n)
	if err != nil {
		return err
	}
	if !now.paused {
		return fmt.Errorf("it says %q of one that it has paused", now)
	}
	began, err := c.readCPU(ctx, n)
	if err != nil {
		return err
	}
	select {
	case <-time.After(frozenSpan):
	case <-ctx.Done():
		return ctx.Err()
	}
	later, err := c.readCPU(ctx, n)
	if err != nil {
		return err
	}
	if used, none := stoodStill(began, later); !none {
		return fmt.Errorf("one that it has paused used %s of CPU time", used)
	}
	return nil
}

// letGoOn thaws a node after the trial of a pause, also when the pause was said to have failed, or
// ctx is done: it may have happened all the same.
func (c *Cluster) letGoOn(ctx context.Context, n *node) error {
	thawing, end := c.afterwards(ctx)
	defer end()
	thawing, cancel := context.WithTimeout(thawing, pauseLimit)
	defer cancel()
	now, err := c.stateOf(thawing, n)
	switch {
	case err != nil:
		return err
	case !now.running:
		return errEnded
	case now.paused:
		if err := c.engine.api.ContainerUnpause(thawing, n.container); err != nil {
			return fmt.Errorf("thawing it: %w", err)
		}
	}
	return ctx.Err()
}
