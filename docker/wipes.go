package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ordeal/docker/wipe"
	"ordeal/history"
	"ordeal/nemesis"
)

// wipeLimit is how long it may take to kill a node and to empty its volume. With what may follow,
// wiperEndLimit, that is less than the time after which the harness does not wait for a fault any
// more (faultTimeout): the answer is to be in time.
const wipeLimit = 20 * time.Second

// wipe ends the processes of f.Nodes by SIGKILL, all at the same time, and empties their volumes
// while they are dead. A node that is dead already is wiped too: its disk is what this is about. To
// wipe again what is empty since a wipe changes nothing, and is as good. What is empty at the first
// look shows nothing: the node may keep its files elsewhere.
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
		Shows: result.Left == 0 && result.Error == "" && n.emptied,
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

// emptyVolume runs a wiper on a node's volume, and removes it. n.mu is held.
func (c *Cluster) emptyVolume(ctx context.Context, n *node) (wipe.Result, error) {
	if err := c.endWiper(ctx, n); err != nil {
		return wipe.Result{}, fmt.Errorf("ending the last one: %w", err)
	}
	n.wipes++
	n.wiper = fmt.Sprintf("%s-wipe%d", c.containerName(n.member.Name), n.wipes)
	result, err := c.runWiper(ctx, wiper{
		name: n.wiper, user: n.user, volume: n.volume, node: n.member.Name,
	})
	n.emptied = n.emptied || result.Removed > 0
	ctx, end := c.afterwards(ctx)
	defer end()
	return result, errors.Join(err, c.endWiper(ctx, n))
}

// endWiper makes sure that nothing is emptying a node's volume any more, which must be so before
// the node is started. n.mu is held.
func (c *Cluster) endWiper(ctx context.Context, n *node) error {
	if n.wiper == "" {
		return nil
	}
	if err := c.removeWiper(ctx, n.wiper); err != nil {
		return err
	}
	n.wiper = ""
	return nil
}
