package docker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
)

const (
	// removePause is the time between two attempts to remove what is still in use, and removeTries
	// how many there are.
	removePause = 100 * time.Millisecond
	removeTries = 50
)

// Removed tells what was removed, and what was left because its owner lives.
type Removed struct {
	Containers, Networks, Volumes, Images int
	// Spared are the IDs of the runs that were left alone, in order.
	Spared []string
}

// Any tells whether anything was removed.
func (r Removed) Any() bool { return r.Containers+r.Networks+r.Volumes+r.Images > 0 }

// String says it in a few words.
func (r Removed) String() string {
	text := fmt.Sprintf("removed %d containers, %d networks, %d volumes, %d images",
		r.Containers, r.Networks, r.Volumes, r.Images)
	if len(r.Spared) > 0 {
		text += "; spared " + strings.Join(r.Spared, ", ") + ", which may be under way"
	}
	return text
}

// Clean removes what runs left behind whose owners have died: containers, networks and volumes,
// and, when no run is alive, Ordeal's images that no container uses. What belongs to an owner that
// cannot be looked at from here is spared while it may be in use. With all, the living are removed
// too.
func (e *Engine) Clean(ctx context.Context, all bool) (Removed, error) {
	removed, err := e.removeStale(ctx, func(r remains) bool { return all || r.stale(time.Now()) })
	if err == nil && len(removed.Spared) == 0 {
		removed.Images, err = e.removeImages(ctx, "")
	}
	if err != nil {
		return removed, fmt.Errorf("cleaning: %w", err)
	}
	return removed, nil
}

// Count tells how many containers, networks and volumes the engine holds of one run, whoever owns
// it: none after a run that cleaned up.
func (e *Engine) Count(ctx context.Context, runID string) (Removed, error) {
	selected := withLabel(labelRun, runID)
	containers, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: selected})
	if err != nil {
		return Removed{}, fmt.Errorf("listing containers: %w", err)
	}
	networks, volumes, err := e.listRest(ctx, selected)
	return Removed{
		Containers: len(containers), Networks: len(networks), Volumes: len(volumes),
	}, err
}

// removeStale removes everything of the runs that are chosen, images aside.
func (e *Engine) removeStale(
	ctx context.Context, chosen func(remains) bool,
) (Removed, error) {
	runs, err := e.findRuns(ctx)
	if err != nil {
		return Removed{}, err
	}
	var removed Removed
	var failures []error
	for _, key := range sortedKeys(runs) {
		r := runs[key]
		if !chosen(r) {
			removed.Spared = append(removed.Spared, r.id)
			continue
		}
		some, err := e.removeRuns(ctx, ofOwner(r.id, r.owner))
		failures = append(failures, err)
		removed.Containers += some.Containers
		removed.Networks += some.Networks
		removed.Volumes += some.Volumes
	}
	removed.Spared = slices.Compact(removed.Spared)
	return removed, errors.Join(failures...)
}

// removeRuns removes everything that is selected. Containers go first, since they use the rest.
func (e *Engine) removeRuns(ctx context.Context, selected filters.Args) (Removed, error) {
	var removed Removed
	containers, err := e.removeContainers(ctx, selected)
	removed.Containers = containers
	if err != nil {
		return removed, err
	}
	networks, volumes, err := e.listRest(ctx, selected)
	if err != nil {
		return removed, err
	}
	var failures []error
	for _, network := range networks {
		failures = append(failures, e.remove(ctx, "the network "+network, func() error {
			return e.api.NetworkRemove(ctx, network)
		}))
	}
	for _, volume := range volumes {
		failures = append(failures, e.remove(ctx, "the volume "+volume, func() error {
			return e.api.VolumeRemove(ctx, volume, true)
		}))
	}
	removed.Networks, removed.Volumes = len(networks), len(volumes)
	return removed, errors.Join(failures...)
}

// removeContainers removes containers whatever state they are in, all at the same time.
func (e *Engine) removeContainers(ctx context.Context, selected filters.Args) (int, error) {
	list, err := e.api.ContainerList(ctx, container.ListOptions{All: true, Filters: selected})
	if err != nil {
		return 0, fmt.Errorf("listing containers: %w", err)
	}
	failures := make([]error, len(list))
	var group sync.WaitGroup
	for i, found := range list {
		group.Go(func() {
			failures[i] = e.remove(ctx, "the container "+found.ID, func() error {
				return e.api.ContainerRemove(ctx, found.ID,
					container.RemoveOptions{Force: true, RemoveVolumes: true})
			})
		})
	}
	group.Wait()
	return len(list), errors.Join(failures...)
}

// remove removes one thing and tries again while it is in use: the engine may be removing a
// container still, or letting go of its network. What is not there is removed.
func (e *Engine) remove(ctx context.Context, what string, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || errdefs.IsNotFound(err) {
			return nil
		}
		if try == removeTries || ctx.Err() != nil {
			return fmt.Errorf("removing %s: %w", what, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(removePause):
		}
	}
}

// ownTags are the tags that Ordeal gives to its images, and what old engines say of one without.
var ownTags = regexp.MustCompile(`^(ordeal:[0-9a-f]{16}|<none>:<none>)$`)

// isForeign tells of a tag that it is not Ordeal's. Images that others build on Ordeal's have its
// label too.
func isForeign(tag string) bool { return !ownTags.MatchString(tag) }

// removeImages removes Ordeal's own images that no container uses, except that with the tag keep,
// and returns how many.
func (e *Engine) removeImages(ctx context.Context, keep string) (int, error) {
	images, err := e.api.ImageList(ctx, image.ListOptions{
		All: true, Filters: withLabel(labelImage, ""),
	})
	if err != nil {
		return 0, fmt.Errorf("listing images: %w", err)
	}
	removed := 0
	for _, found := range images {
		if slices.Contains(found.RepoTags, keep) || slices.ContainsFunc(found.RepoTags, isForeign) {
			continue
		}
		_, err := e.api.ImageRemove(ctx, found.ID, image.RemoveOptions{PruneChildren: true})
		switch {
		case err == nil:
			removed++
		case errdefs.IsConflict(err) || errdefs.IsNotFound(err):
			// used by a container, or gone
		default:
			return removed, fmt.Errorf("removing the image %s: %w", found.ID, err)
		}
	}
	return removed, nil
}
