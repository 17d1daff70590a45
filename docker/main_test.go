package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/docker/agent"
	"ordeal/docker/wipe"
	"ordeal/history"
	"ordeal/nemesis"
)

// TestMain makes the test's own executable the program of the image: it is an agent, a toy node, or
// one of the tools that tests run in containers and processes of their own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "agent":
			err := agent.Main(context.Background(), os.Stdin, os.Stdout, os.Stderr)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		case "wipe":
			if len(os.Args) != 4 || os.Args[2] != "--"+wipe.Flag {
				os.Exit(64)
			}
			if err := wipe.Main(os.Args[3], os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		case "node":
			runToyNode(os.Args[2:])
			return
		case "kill-worker":
			killWorker()
			return
		case "victim":
			runVictim(os.Args[2], os.Args[3])
			return
		}
	}
	code := m.Run()
	if err := closeShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// engineOf returns the engine, or skips the test where there is none; in CI it fails.
func engineOf(t testing.TB) *Engine {
	t.Helper()
	engine, err := Connect(t.Context())
	if errors.Is(err, ErrNoEngine) && os.Getenv("CI") == "" {
		t.Skipf("no Docker engine: %v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}

// runNumber makes the IDs of this process's runs different.
var runNumber atomic.Int64

// toyConfig is a cluster of toy nodes.
func toyConfig(nodes int) Config {
	return Config{
		RunID:  fmt.Sprintf("test-%d-%d", os.Getpid(), runNumber.Add(1)),
		System: toySystem(), Nodes: nodes, Memory: 192 << 20,
	}
}

// shared is the cluster that most tests use, one after the other. Each leaves it healed.
var shared struct {
	once    sync.Once
	engine  *Engine
	cluster *Cluster
	err     error
}

func sharedCluster(t *testing.T) *Cluster {
	t.Helper()
	engineOf(t)
	shared.once.Do(func() {
		shared.engine, shared.err = Connect(context.Background())
		if shared.err == nil {
			shared.cluster, shared.err = shared.engine.Start(context.Background(), toyConfig(3))
		}
	})
	require.NoError(t, shared.err)
	return shared.cluster
}

func closeShared() error {
	if shared.cluster == nil {
		return nil
	}
	return errors.Join(shared.cluster.Close(context.Background()), shared.engine.Close())
}

// within is a bound on what a test waits for; it asserts nothing about speed.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// await steps the cluster until done is true.
func await(t *testing.T, c *Cluster, done *bool) {
	t.Helper()
	ctx := within(t)
	for !*done {
		require.NoError(t, c.Step(ctx))
	}
}

// inject injects a fault and waits for the outcome.
func inject(t *testing.T, c *Cluster, f nemesis.Fault) (evidence history.Evidence, err error) {
	t.Helper()
	done := false
	c.Inject(f, func(e history.Evidence, failed error) { evidence, err, done = e, failed, true })
	await(t, c, &done)
	return evidence, err
}

// heal heals a fault and waits for the outcome.
func heal(t *testing.T, c *Cluster, f nemesis.Fault) (evidence history.Evidence, err error) {
	t.Helper()
	done := false
	c.Heal(f, func(e history.Evidence, failed error) { evidence, err, done = e, failed, true })
	await(t, c, &done)
	return evidence, err
}

// shown injects or heals and requires that it is shown.
func shown(t *testing.T, evidence history.Evidence, err error) history.Evidence {
	t.Helper()
	require.NoError(t, err)
	require.True(t, evidence.Shown, "%+v", evidence.Measurements)
	return evidence
}

// clientOf returns the client of a toy node.
func clientOf(c *Cluster, node string) *toyClient { return c.byName[node].client.(*toyClient) }

// nothingLeft requires that the engine holds nothing of a run.
func nothingLeft(t *testing.T, engine *Engine, run string) {
	t.Helper()
	left, err := engine.Count(t.Context(), run)
	require.NoError(t, err)
	require.False(t, left.Any(), "%+v", left)
}
