package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"ordeal/docker/wipe"
	"ordeal/history"
	"ordeal/nemesis"
)

// wipeLimit is how long it may take to kill a node and to empty its volume.
const wipeLimit = 30 * time.Second

// roleWiper is the role of the containers that empty volumes.
const roleWiper = "wiper"

// The limits of such a container, which runs the program for a moment.
const (
	wiperMemory int64 = 128 << 20
	wiperPids   int64 = 128
)

// wipe ends the processes of f.Nodes by SIGKILL, all at the same time, and empties their volumes
// while they are dead. A node that is dead already is wiped too: its disk is what this is about. To
// wipe what is empty changes nothing, and is as good.
func (c *Cluster) wipe(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	return c.bringDown(ctx, f, c.wipeNode)
}

// wipeNode kills one node, unless it is dead, and empties its volume. n.mu is held, so that nobody
// starts the node meanwhile.
func (c *Cluster) wipeNode(ctx context.Context, n *node) (effect, measurements, error) {
	ctx, cancel := context.WithTimeout(ctx, wipeLimit)
	defer cancel()
	how, found, err := c.killNode(ctx, n)
	if err != nil {
		return how, found, err
	}
	n.wiped.Store(true) // whatever comes of it
	result, err := c.emptyVolume(ctx, n)
	if err != nil {
		return hit, found, fmt.Errorf("wiping the disk of %s: %w", n.member.Name, err)
	}
	files := history.Measurement{
		Subject: n.member.Name, What: "files", When: "during",
		Value: fmt.Sprintf("%d removed, %d left", result.Removed, result.Left),
		Shows: result.Left == 0 && result.Error == "",
	}
	if result.Error != "" {
		files.Value += ": " + result.Error
	}
	found = append(found, files)
	if how == hit {
		return hit, found, nil // the kill's own evidence says that it is dead
	}
	during, err := c.stateOf(ctx, n)
	return hit, append(found, history.Measurement{
		Subject: n.member.Name, What: "state", When: "during", Value: during.String(),
		Shows: !during.running,
	}), err
}

// emptyVolume runs a container of Ordeal's own image on a node's volume, which deletes all that is
// in it, as the user that it belongs to, and goes away again.
func (c *Cluster) emptyVolume(ctx context.Context, n *node) (wipe.Result, error) {
	n.wipes++
	id, err := c.makeWiper(ctx, n)
	if err != nil {
		return wipe.Result{}, fmt.Errorf("making the container for it: %w", err)
	}
	defer c.removeWiper(ctx, id)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	results, failures := c.engine.api.ContainerWait(watching, id,
		container.WaitConditionNextExit)
	if err := c.startContainer(ctx, id); err != nil {
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
	if err := c.engine.copyLog(ctx, id, allLines, &said); err != nil {
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
func (c *Cluster) makeWiper(ctx context.Context, n *node) (string, error) {
	ctx, cancel, err := whole(ctx)
	if err != nil {
		return "", err
	}
	defer cancel()
	host := hardened(wiperMemory, wiperPids)
	host.NetworkMode = "none"
	host.LogConfig = container.LogConfig{Type: "json-file"}
	host.Mounts = []mount.Mount{{
		Type: mount.TypeVolume, Source: n.volume, Target: dataPath,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true},
	}}
	made, err := c.engine.api.ContainerCreate(ctx, &container.Config{
		Image: c.image, User: fmt.Sprintf("%d:%d", n.user, n.user),
		Entrypoint: []string{programPath}, Cmd: []string{"wipe", "--" + wipe.Flag, dataPath},
		Labels: c.labels(roleWiper, n.member.Name),
	}, host, nil, nil, fmt.Sprintf("%s-wipe%d", c.containerName(n.member.Name), n.wipes))
	return made.ID, err
}

// removeWiper removes the container. One that cannot be removed goes with the run.
func (c *Cluster) removeWiper(ctx context.Context, id string) {
	err := c.engine.remove(ctx, "the container "+id, func() error {
		return c.engine.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true})
	})
	if err != nil {
		c.config.Logger.Warn("a container that wiped a disk is left", "error", err)
	}
}
