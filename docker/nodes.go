package docker

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/go-units"

	"ordeal/docker/system"
)

// A node is one node of the cluster. What is above mu is set while the cluster starts and then only
// read.
type node struct {
	member    system.Member
	agent     string // the agent's container
	beside    *beside
	container string
	volume    string // that of its data, "" if the system has none
	user      int    // who owns what is in it
	endpoint  system.Endpoint
	client    system.Client
	// wiped is true once its volume was, or may have been, emptied.
	wiped atomic.Bool

	// mu is held by whoever starts, ends, pauses or thaws the node, for as long as that takes, and
	// guards what follows up to state.
	mu sync.Mutex
	// down holds the faults that keep the node dead, and pauses those that hold a run of it.
	down   map[string]bool
	pauses map[string]*pausing
	// wipes counts the attempts to empty its volume, and emptied is true once one removed something.
	wipes   int
	emptied bool
	// wiper is the name of the container that may be emptying its volume now, "" for none.
	wiper string
	// unproved holds the faults that are undone, and after which it has not been seen to serve yet,
	// with what was measured just before their end.
	unproved map[string]measurements
	// state guards run, which is nil before the first start.
	state sync.Mutex
	run   *run
}

// newNode returns the node of a number, from 1, of which nothing exists yet.
func newNode(number int) *node {
	return &node{
		member: system.Member{Name: fmt.Sprintf("n%d", number), Number: number},
		down:   make(map[string]bool), pauses: make(map[string]*pausing),
		unproved: make(map[string]measurements),
	}
}

// current returns the node's present or last run, nil before the first.
func (n *node) current() *run {
	n.state.Lock()
	defer n.state.Unlock()
	return n.run
}

// expectEnd says that the node's end is not news from now on.
func (n *node) expectEnd() {
	if r := n.current(); r != nil {
		r.expect(killed)
	}
}

// hardened returns what nodes and agents have in common: no capabilities, no way to gain any, a
// root that cannot be written, and limits.
func hardened(memory, pids int64) *container.HostConfig {
	return &container.HostConfig{
		CapDrop:        []string{"ALL"},
		SecurityOpt:    []string{"no-new-privileges"},
		ReadonlyRootfs: true,
		RestartPolicy:  container.RestartPolicy{Name: container.RestartPolicyDisabled},
		Resources: container.Resources{
			Memory: memory, MemorySwap: memory, PidsLimit: &pids,
			Ulimits: []*units.Ulimit{{Name: "core"}}, // no dumps, which nobody would find
		},
	}
}

// checkSystemImage makes sure that the engine has the image of a system that brings its own.
func (c *Cluster) checkSystemImage(ctx context.Context) error {
	reference := c.config.System.Image
	if reference == "" {
		return nil
	}
	_, err := c.engine.api.ImageInspect(ctx, reference)
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("the engine lacks the image of %s: docker pull %s",
			c.config.System.Name, reference)
	}
	if err != nil {
		return fmt.Errorf("looking for the image of %s: %w", c.config.System.Name, err)
	}
	return nil
}

// makeNode makes the node's container and its volume, with what the system wants in it.
func (c *Cluster) makeNode(ctx context.Context, n *node) error {
	image := c.config.System.Image
	user := "" // that of a foreign image is its own affair
	if image == "" {
		image, user = c.image, fmt.Sprintf("%d:%d", nobody, nobody)
	}
	host := hardened(c.config.Memory, c.config.Pids)
	host.NetworkMode = container.NetworkMode("container:" + n.agent)
	// A format that can be read back whatever the engine's default is, and bounded.
	host.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{
		"max-size": "64m", "max-file": "2",
	}}
	if directory := c.config.System.DataDir; directory != "" {
		name, err := c.makeVolume(ctx, n)
		if err != nil {
			return err
		}
		n.volume = name
		host.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: name, Target: directory}}
	}
	command := c.config.System.Command(c.members(), n.member)
	if len(command) == 0 {
		return fmt.Errorf("the system has no command line for %s", n.member.Name)
	}
	if err := c.createNode(ctx, n, &container.Config{
		Image: image, Entrypoint: command[:1], Cmd: command[1:], User: user,
		Labels: c.labels(roleNode, n.member.Name),
	}, host); err != nil {
		return fmt.Errorf("making the container of %s: %w", n.member.Name, err)
	}
	n.client = c.config.System.Dial(n.endpoint)
	var err error
	if n.user, err = c.userOf(ctx, image); err != nil {
		return err
	}
	return c.format(ctx, n)
}

func (c *Cluster) createNode(
	ctx context.Context, n *node, config *container.Config, host *container.HostConfig,
) error {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	made, err := c.engine.api.ContainerCreate(ctx, config, host, nil, nil,
		c.containerName(n.member.Name))
	n.container = made.ID
	return err
}

// userOf returns the number of the user that an image runs its command as: 0 where it names one
// that only its own files know the number of.
func (c *Cluster) userOf(ctx context.Context, image string) (int, error) {
	if c.config.System.Image == "" {
		return nobody, nil
	}
	details, err := c.engine.api.ImageInspect(ctx, image)
	if err != nil {
		return 0, fmt.Errorf("inspecting the image of %s: %w", c.config.System.Name, err)
	}
	if details.Config == nil {
		return 0, nil
	}
	name, _, _ := strings.Cut(details.Config.User, ":")
	number, err := strconv.Atoi(name)
	if err != nil {
		return 0, nil
	}
	return number, nil
}

// startAndWait starts a node for the first time, and returns when it serves.
func (c *Cluster) startAndWait(ctx context.Context, n *node) error {
	n.mu.Lock()
	started, err := c.startNode(ctx, n)
	n.mu.Unlock()
	if err != nil {
		return fmt.Errorf("starting %s: %w", n.member.Name, err)
	}
	if _, err := c.awaitReady(ctx, n, started); err != nil {
		return fmt.Errorf("starting %s: %w", n.member.Name, err)
	}
	return nil
}
