package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ordeal/docker/system"
)

// readyLimit is how long nodes may take to serve after their first start.
const readyLimit = 30 * time.Second

// closeLimit bounds the removal of a cluster that could not be started.
const closeLimit = 60 * time.Second

// workLimit bounds what Close spends on waiting for what runs in the background, and so does a
// third of its time: the rest is for the removal.
const workLimit = 10 * time.Second

// A Cluster is a running system under test. It is harness's Environment: its methods are called by
// one goroutine, except Close, which may be called from any.
type Cluster struct {
	engine *Engine
	config Config
	began  time.Time
	queue  *queue

	alone   bool   // whether no other run was alive at the start
	image   string // Ordeal's own
	network runNetwork
	nodes   []*node
	byName  map[string]*node
	cuts    *cuts
	failure failure
	unable  unable
	cgroup  string // the version of the control groups, "" where the engine does not tell
	// changes holds for each fault the end of its last change; only the loop uses it.
	changes map[string]chan struct{}
	onExit  func(node, detail string, byItself bool)

	clients clients
	// life ends with Close, and everything in work with it.
	life    context.Context
	endLife context.CancelFunc
	work    sync.WaitGroup

	closing sync.Mutex // held by Close
	closed  bool
}

// Start starts a cluster and returns when all its nodes serve. Before it does, it removes what runs
// whose owners have died left behind. When it fails, or ctx is done first, nothing is left of it.
func (e *Engine) Start(ctx context.Context, config Config) (*Cluster, error) {
	config, err := config.complete()
	if err != nil {
		return nil, fmt.Errorf("starting a cluster: %w", err)
	}
	c := &Cluster{
		engine: e, config: config, began: time.Now(), queue: newQueue(),
		byName: make(map[string]*node), changes: make(map[string]chan struct{}),
	}
	c.life, c.endLife = context.WithCancel(context.Background())
	c.clients.init()
	c.failure.init()
	if err := c.cleanUp(ctx); err != nil {
		c.endLife()
		return nil, fmt.Errorf("starting a cluster: %w", err)
	}
	if err := c.blameEngine(c.start(ctx)); err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		c.keepLogs(clean)
		return nil, errors.Join(fmt.Errorf("starting a cluster: %w", err), c.Close(clean))
	}
	return c, nil
}

// keepLogs collects the logs of a cluster that did not start, as far as there are any. Why it did
// not matters more than a log that cannot be had.
func (c *Cluster) keepLogs(ctx context.Context) {
	if c.config.Logs == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, closeLimit/4)
	defer cancel()
	if err := c.CollectLogs(ctx, c.config.Logs); err != nil {
		c.config.Logger.Warn("a failed start's logs are incomplete", "error", err)
	}
}

// start makes everything, in order: the network first, whose labels tell other runs that this one
// lives.
func (c *Cluster) start(ctx context.Context) error {
	var err error
	if c.network, err = c.makeNetwork(ctx); err != nil {
		return err
	}
	if c.image, err = c.engine.ensureImage(ctx, c.config.Program, c.config.Progress); err != nil {
		return err
	}
	if c.alone {
		if _, err := c.engine.removeImages(ctx, c.image); err != nil {
			c.config.Logger.Warn("removing old images failed", "error", err)
		}
	}
	if err := c.checkSystemImage(ctx); err != nil {
		return err
	}
	info, err := c.engine.api.Info(ctx)
	if err != nil {
		return fmt.Errorf("asking the engine what it is: %w", err)
	}
	c.cgroup = info.CgroupVersion
	for i := range c.config.Nodes {
		n := newNode(i + 1)
		c.nodes = append(c.nodes, n)
		c.byName[n.member.Name] = n
	}
	c.config.Progress(fmt.Sprintf("starting %d agents", len(c.nodes)))
	if err := c.each(ctx, c.startAgent); err != nil {
		return err
	}
	c.cuts = newCuts(c)
	if err := c.each(ctx, c.introduceOrNote); err != nil {
		return err
	}
	c.config.Progress(fmt.Sprintf("starting %d nodes", len(c.nodes)))
	if err := c.each(ctx, c.makeNode); err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	if err := c.each(ready, c.startAndWait); err != nil {
		return err
	}
	return c.tryPause(ready)
}

// cleanUp removes what dead runs left behind, and finds out whether another run is alive. Failing
// is no error: what is in the way of others is not in the way of this run. A living run of the same
// ID is one, since the end of this one would be its end too.
func (c *Cluster) cleanUp(ctx context.Context) error {
	removed, err := c.engine.removeStale(ctx, func(r remains) bool {
		return !r.keep && r.stale(time.Now())
	})
	if err != nil {
		c.config.Logger.Warn("removing what dead runs left failed", "error", err)
	}
	if removed.Any() {
		c.config.Logger.Info("removed what dead runs left", "removed", removed.String())
	}
	if slices.Contains(removed.Spared, c.config.RunID) {
		return fmt.Errorf("a run with the ID %s exists already", c.config.RunID)
	}
	c.alone = err == nil && len(removed.Spared) == 0
	return nil
}

// each does something for every node at the same time, and returns the first error. The others are
// told by their context, but calls that make something run to their end.
func (c *Cluster) each(ctx context.Context, do func(context.Context, *node) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, n := range c.nodes {
		group.Go(func() error { return do(ctx, n) })
	}
	return group.Wait()
}

// members is what every node is told about the whole.
func (c *Cluster) members() system.Cluster {
	all := system.Cluster{ID: c.config.RunID}
	for _, n := range c.nodes {
		all.Members = append(all.Members, n.member)
	}
	return all
}

// containerName returns the name of a node's container.
func (c *Cluster) containerName(node string) string {
	return "ordeal-" + c.config.RunID + "-" + node
}

// Close ends the clients, waits for them, and removes everything that the run made, whatever state
// it is in. It can be called at any time, and again: after an error, a further call goes on with
// what is left. ctx bounds it.
func (c *Cluster) Close(ctx context.Context) error {
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.closed {
		return nil
	}
	// The clients go first: what they are told must come from nodes, and not from the end of nodes.
	c.clients.close(c.nodes)
	c.endLife()
	for _, n := range c.nodes {
		n.expectEnd()
		if n.beside != nil {
			n.beside.close()
		}
	}
	if err := c.endWork(ctx); err != nil {
		return err
	}
	// What another process made under the same ID is not this run's.
	mine := ofOwner(c.config.RunID, c.config.owner.String())
	if _, err := c.engine.removeRuns(ctx, mine); err != nil {
		return c.notRemoved(ctx, err)
	}
	c.closed = true
	return nil
}

// awaitWork waits for what runs in the background, which was told to end. A call that an engine
// does not answer is not worth waiting for beyond some seconds: the time is for the removal.
func (c *Cluster) awaitWork(ctx context.Context) {
	limit := workLimit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/3)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	finished := make(chan struct{})
	go func() {
		c.work.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
	}
}
