package docker

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// startMax is how long a run may take from its first network to its first container that runs.
const startMax = 10 * time.Minute

// remains is what an engine holds of one owner's run. Two owners may have given the same ID by
// accident: what belongs to the one is not removed for the other.
type remains struct {
	id, owner string
	// keep is true when it was to be kept for a look.
	keep bool
	// running is true when one of its containers runs.
	running bool
	// latest is when the last of it was made.
	latest time.Time
}

// stale tells whether nobody needs it any more. Of an owner that cannot be looked at from here,
// only what it made is known: while a container of it runs, or it may be starting still, it is
// spared.
func (r remains) stale(now time.Time) bool {
	o, err := parseOwner(r.owner)
	if err != nil {
		return !r.running && now.Sub(r.latest) > startMax
	}
	switch o.vitality() {
	case living:
		return false
	case dead:
		return true
	default:
		return !r.running && now.Sub(r.latest) > startMax
	}
}

// findRuns lists the runs that an engine holds anything of, under keys that sort by ID.
func (e *Engine) findRuns(ctx context.Context) (map[string]remains, error) {
	runs := make(map[string]remains)
	add := func(labels map[string]string, made time.Time, running bool) {
		id, owner, ok := ofRun(labels)
		if !ok {
			return
		}
		key := id + " " + owner // an ID has no space
		r := runs[key]
		r.id, r.owner = id, owner
		r.keep = r.keep || labels[labelKeep] != ""
		r.running = r.running || running
		if made.After(r.latest) {
			r.latest = made
		}
		runs[key] = r
	}
	selected := withLabel(labelRun, "")
	containers, err := e.api.ContainerList(ctx, container.ListOptions{
		All: true, Filters: selected,
	})
	if err != nil {
		return nil, fmt.Errorf("listing containers: %w", err)
	}
	for _, found := range containers {
		add(found.Labels, time.Unix(found.Created, 0), found.State == container.StateRunning)
	}
	networks, err := e.api.NetworkList(ctx, network.ListOptions{Filters: selected})
	if err != nil {
		return nil, fmt.Errorf("listing networks: %w", err)
	}
	for _, found := range networks {
		add(found.Labels, found.Created, false)
	}
	volumes, err := e.api.VolumeList(ctx, volume.ListOptions{Filters: selected})
	if err != nil {
		return nil, fmt.Errorf("listing volumes: %w", err)
	}
	for _, found := range volumes.Volumes {
		// A volume without a time that can be read counts as old.
		made, _ := time.Parse(time.RFC3339, found.CreatedAt)
		add(found.Labels, made, false)
	}
	return runs, nil
}

// listRest lists the networks, by ID, and the volumes, by name, that are selected.
func (e *Engine) listRest(
	ctx context.Context, selected filters.Args,
) (networks, volumes []string, err error) {
	foundNetworks, err := e.api.NetworkList(ctx, network.ListOptions{Filters: selected})
	if err != nil {
		return nil, nil, fmt.Errorf("listing networks: %w", err)
	}
	for _, found := range foundNetworks {
		networks = append(networks, found.ID)
	}
	foundVolumes, err := e.api.VolumeList(ctx, volume.ListOptions{Filters: selected})
	if err != nil {
		return nil, nil, fmt.Errorf("listing volumes: %w", err)
	}
	for _, found := range foundVolumes.Volumes {
		volumes = append(volumes, found.Name)
	}
	return networks, volumes, nil
}
