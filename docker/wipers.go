package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"ordeal/docker/wipe"
)

// wiperEndLimit is how long the removal of a wiper may take.
const wiperEndLimit = 5 * time.Second

// roleWiper is the role of the containers that empty volumes.
const roleWiper = "wiper"

// The limits of such a container, which runs the program for a moment.
const (
	wiperMemory int64 = 128 << 20
	wiperPids   int64 = 128
)

// A wiper is a container of Ordeal's own image that deletes all that is in a volume, as the user
// that it belongs to, and ends.
type wiper struct {
	name string
	user int
	// volume is "" for an empty directory of the container's own, and node for none.
	volume, node string
}

// runWiper makes a wiper, runs it, and returns what it says. ctx, which has a deadline, bounds it;
// to remove the container, and so to end it, is the caller's duty.
func (c *Cluster) runWiper(ctx context.Context, w wiper) (wipe.Result, error) {
	if err := c.makeWiper(ctx, w); err != nil {
		return wipe.Result{}, fmt.Errorf("making the container for it: %w", err)
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	results, failures := c.engine.api.ContainerWait(watching, w.name,
		container.WaitConditionNextExit)
	// Not as other containers are started: a start that is given up is ended by the removal.
	err := c.engine.api.ContainerStart(ctx, w.name, container.StartOptions{})
	if err != nil {
		stop()
		drain(results, failures)
		return wipe.Result{}, fmt.Errorf("starting the container for it: %w", err)
	}
	var code int64
	select {
	case ended := <-results:
		code = ended.StatusCode
	case err := <-failures:
		return wipe.Result{}, fmt.Errorf("waiting for the container for it: %w", err)
	}
	var said strings.Builder
	if err := c.engine.copyLog(ctx, w.name, allLines, &said); err != nil {
		return wipe.Result{}, err
	}
	var result wipe.Result
	for line := range strings.Lines(said.String()) {
		if json.Unmarshal([]byte(line), &result) == nil {
			return result, nil
		}
	}
	return wipe.Result{}, fmt.Errorf("exit code %d: %q", code, said.String())
}

// makeWiper makes the container. It is labelled like all others, so that a clean finds it. The
// engine must not copy anything into the volume, as it does into an empty one.
func (c *Cluster) makeWiper(ctx context.Context, w wiper) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// Once begun it runs to its end, like all that makes something (see whole), but not beyond the
	// time of the wipe.
	making := context.WithoutCancel(ctx)
	if deadline, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		making, cancel = context.WithDeadline(making, deadline)
		defer cancel()
	}
	host := hardened(wiperMemory, wiperPids)
	host.NetworkMode = "none"
	host.LogConfig = container.LogConfig{Type: "json-file"}
	emptied := mount.Mount{
		Type: mount.TypeVolume, Source: w.volume, Target: dataPath,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true},
	}
	if w.volume == "" {
		emptied = mount.Mount{
			Type: mount.TypeTmpfs, Target: dataPath,
			TmpfsOptions: &mount.TmpfsOptions{Mode: 0o777},
		}
	}
	host.Mounts = []mount.Mount{emptied}
	_, err := c.engine.api.ContainerCreate(making, &container.Config{
		Image: c.image, User: fmt.Sprintf("%d:%d", w.user, w.user),
		Entrypoint: []string{programPath}, Cmd: []string{"wipe", "--" + wipe.Flag, dataPath},
		Labels: c.labels(roleWiper, w.node),
	}, host, nil, nil, w.name)
	return err
}

// removeWiper removes a wiper, whether it has ended or not, within wiperEndLimit. The error means
// that it may be at work still: one that has ended and cannot be removed goes with the run.
func (c *Cluster) removeWiper(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, wiperEndLimit)
	defer cancel()
	remove := func() error {
		return c.engine.api.ContainerRemove(ctx, name, container.RemoveOptions{Force: true})
	}
	err := remove()
	if err == nil || errdefs.IsNotFound(err) {
		return nil
	}
	details, unknown := c.engine.api.ContainerInspect(ctx, name)
	if unknown == nil && details.State.Status == container.StateExited {
		c.config.Logger.Warn("a container that wiped a disk is left", "error", err)
		return nil
	}
	return c.engine.remove(ctx, "the container "+name, remove)
}

// afterwards returns a context for what must be undone also when the end of ctx is the reason. It
// ends with the engine.
func (c *Cluster) afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return c.whileEngine(context.WithoutCancel(ctx))
}
