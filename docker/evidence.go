package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ordeal/history"
)

// measurements are what was seen about one fault.
type measurements []history.Measurement

// evidence tells what they show: what was meant, if there are any and each of them does.
func (m measurements) evidence() history.Evidence {
	shown := len(m) > 0
	for _, one := range m {
		shown = shown && one.Shows
	}
	return history.Evidence{Shown: shown, Measurements: m}
}

// A state is what the engine says of a node.
type state struct {
	// running is true of a paused node too.
	running bool
	paused  bool
	status  string
	code    int
	// memory is true when the kernel has ended it for needing too much.
	memory bool
}

// String writes the state for people: "running", "paused", or "dead (exit code 137)".
func (s state) String() string {
	if s.running {
		return s.status
	}
	return fmt.Sprintf("dead (exit code %d)", s.code)
}

// stateOf asks the engine for a node's state. It is the engine's word and not the agent's: the
// agent lives on when the node is dead.
func (c *Cluster) stateOf(ctx context.Context, n *node) (state, error) {
	details, err := c.engine.api.ContainerInspect(ctx, n.container)
	if err != nil {
		return state{}, fmt.Errorf("inspecting %s: %w", n.member.Name, err)
	}
	return state{
		running: details.State.Running, paused: details.State.Paused,
		status: details.State.Status,
		code:   details.State.ExitCode, memory: details.State.OOMKilled,
	}, nil
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// enumerate writes names one after the other.
func enumerate(names []string) string { return strings.Join(names, ", ") }
