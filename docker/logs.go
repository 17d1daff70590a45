package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"golang.org/x/sync/errgroup"
)

const (
	// lastWordLines is how many lines are searched for a dead node's last word.
	lastWordLines = "500"
	// allLines asks for the whole log.
	allLines = "all"
)

// CollectLogs writes every node's log into dir, as NAME.log: what the node wrote to its standard
// streams, over all its lives, as far as the engine keeps it: of more than 64 MB the oldest may be
// gone, of more than 128 MB they are. It works for dead nodes too. The logs that can be had are
// written even when others cannot.
func (c *Cluster) CollectLogs(ctx context.Context, dir string) error {
	if errors.Is(c.askEngine(ctx), errEngineGone) {
		return errEngineGone
	}
	failures := make([]error, len(c.nodes))
	var group errgroup.Group
	for i, n := range c.nodes {
		if n.container == "" {
			continue // it was never made
		}
		group.Go(func() error {
			path := filepath.Join(dir, n.member.Name+".log")
			failures[i] = c.engine.writeLog(ctx, n.container, path)
			return nil
		})
	}
	_ = group.Wait() // the errors are in failures, all of them
	if err := errors.Join(failures...); err != nil {
		if errors.Is(c.askEngine(ctx), errEngineGone) {
			return errEngineGone // in one line, and not in one for each node
		}
		return fmt.Errorf("collecting logs: %w", err)
	}
	return nil
}

// writeLog writes a container's log to a file.
func (e *Engine) writeLog(ctx context.Context, id, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(e.copyLog(ctx, id, allLines, file), file.Close())
}

// copyLog copies the last lines of a container's log.
func (e *Engine) copyLog(ctx context.Context, id, lines string, to io.Writer) error {
	log, err := e.api.ContainerLogs(ctx, id, container.LogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: lines,
	})
	if err != nil {
		return fmt.Errorf("reading the log of a container: %w", err)
	}
	defer func() { _ = log.Close() }() // only read from
	if _, err := stdcopy.StdCopy(to, to, log); err != nil {
		return fmt.Errorf("reading the log of a container: %w", err)
	}
	return nil
}
