package docker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// benchFault reports how long the injection and the heal of a fault of one of five nodes of the
// register take, with their proofs.
func benchFault(b *testing.B, kind nemesis.Kind, begin, end string) {
	b.Helper()
	engine := engineOf(b)
	c, err := engine.Start(b.Context(), registerConfig(b, 5))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, c.Close(context.Background())) })
	if why := c.Unable(kind); why != nil {
		b.Skip(why)
	}
	var injected, healed stopwatch
	for i := 0; b.Loop(); i++ {
		f := nemesis.Fault{
			ID: fmt.Sprintf("f%d", i), Kind: kind, Nodes: []string{c.Nodes()[i%5]},
		}
		injected.add(awaitChange(b, c, c.Inject, f))
		healed.add(awaitChange(b, c, c.Heal, f))
	}
	injected.report(b, begin)
	healed.report(b, end)
}

// awaitChange injects or heals a fault, requires that this is shown, and returns how long it took.
func awaitChange(
	b *testing.B, c *Cluster, do func(nemesis.Fault, func(history.Evidence, error)), f nemesis.Fault,
) time.Duration {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	done := false
	do(f, func(evidence history.Evidence, err error) {
		require.NoError(b, err)
		require.True(b, evidence.Shown, "%+v", evidence.Measurements)
		done = true
	})
	for !done {
		require.NoError(b, c.Step(ctx))
	}
	return time.Since(began)
}

// BenchmarkKill is SIGKILL until the engine says that the node is dead, and the node's new start
// until it serves.
func BenchmarkKill(b *testing.B) { benchFault(b, nemesis.Kill, "kill", "restart") }

// BenchmarkStop is the same with SIGTERM.
func BenchmarkStop(b *testing.B) { benchFault(b, nemesis.Stop, "stop", "restart") }

// BenchmarkPause is the freezing of a node until it is shown to be frozen, and its thawing until it
// serves again.
func BenchmarkPause(b *testing.B) { benchFault(b, nemesis.Pause, "pause", "resume") }
