package docker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

// A stopwatch gathers times, to be reported as quantiles in milliseconds.
type stopwatch []float64

func (s *stopwatch) add(d time.Duration) { *s = append(*s, float64(d.Microseconds())/1000) }

func (s stopwatch) report(b *testing.B, name string) {
	b.ReportMetric(s.median(), "ms-"+name)
	b.ReportMetric(s[len(s)*9/10], "ms-"+name+"-p90") // sorted by now
}

func (s stopwatch) median() float64 {
	slices.Sort(s)
	return s[len(s)/2]
}

// BenchmarkStart is the start of five nodes until all serve, with the image present, and their
// removal.
func BenchmarkStart(b *testing.B) {
	engine := engineOf(b)
	var starts, removals stopwatch
	for i := range b.N + 1 {
		began := time.Now()
		c, err := engine.Start(b.Context(), toyConfig(5))
		require.NoError(b, err)
		started := time.Now()
		require.NoError(b, c.Close(b.Context()))
		if i > 0 { // the first one may import the image
			starts.add(started.Sub(began))
			removals.add(time.Since(started))
		}
	}
	starts.report(b, "start")
	removals.report(b, "removal")
}

// BenchmarkPartition cuts five nodes in two halves and heals them, and reports how long it takes
// until all agents have acknowledged the rules of the cut, until probes have shown that it bites,
// and the same of the heal. Beside it, in the same run, stands what "docker network disconnect" and
// "connect" take for the smaller half, two plain containers on another network.
func BenchmarkPartition(b *testing.B) {
	engine := engineOf(b)
	c, err := engine.Start(b.Context(), toyConfig(5))
	require.NoError(b, err)
	defer func() { require.NoError(b, c.Close(context.WithoutCancel(b.Context()))) }()
	halves := nemesis.Fault{
		ID: "f", Kind: nemesis.Partition,
		Cut: nemesis.Split([]string{"n1", "n2"}, []string{"n3", "n4", "n5"}),
	}
	links, err := linksOf(halves.Cut, c.Nodes())
	require.NoError(b, err)
	plain := plainContainers(b, c, 2)
	var acknowledged, shown, healed, disconnected, connected stopwatch
	b.ResetTimer()
	for range b.N {
		began := time.Now()
		receivers := c.cuts.set.add("rules", links)
		_, err := c.cuts.apply(b.Context(), receivers)
		acknowledged.add(time.Since(began))
		require.NoError(b, err)
		_, err = c.cuts.apply(b.Context(), c.cuts.set.remove("rules"))
		require.NoError(b, err)
		awaitProbes(b, c)

		began = time.Now()
		evidence, err := c.cuts.inject(b.Context(), halves)
		shown.add(time.Since(began))
		require.NoError(b, err)
		require.True(b, evidence.Shown)
		began = time.Now()
		evidence, err = c.cuts.heal(b.Context(), halves)
		healed.add(time.Since(began))
		require.NoError(b, err)
		require.True(b, evidence.Shown)

		disconnected.add(plain.each(b, plain.disconnect))
		connected.add(plain.each(b, plain.connect))
	}
	b.StopTimer()
	acknowledged.report(b, "acknowledged")
	shown.report(b, "shown")
	healed.report(b, "healed")
	disconnected.report(b, "disconnect")
	connected.report(b, "connect")
}

// awaitProbes waits until every link carries probes again.
func awaitProbes(b *testing.B, c *Cluster) {
	b.Helper()
	since, err := c.cuts.ask(b.Context())
	require.NoError(b, err)
	open := make(map[link]bool)
	for l := range c.cuts.set.open() {
		open[l] = true
	}
	var all []link
	for l := range open {
		all = append(all, l)
	}
	_, err = c.cuts.await(b.Context(), healLimit, func(now reports) (measurements, bool) {
		return measureHealed(all, open, since, now)
	})
	require.NoError(b, err)
}

// A plainSet is containers on a network of their own, which the engine can take them off.
type plainSet struct {
	engine     *Engine
	network    string
	containers []string
}

// plainContainers starts containers that do nothing, under the run's labels, on a second network of
// the run: with the cluster they are removed.
func plainContainers(b *testing.B, c *Cluster, count int) plainSet {
	b.Helper()
	set := plainSet{engine: c.engine}
	made, err := c.engine.api.NetworkCreate(b.Context(), "ordeal-"+c.config.RunID+"-plain",
		network.CreateOptions{Driver: "bridge", Labels: c.labels(roleNetwork, "")})
	require.NoError(b, err)
	set.network = made.ID
	for i := range count {
		name := fmt.Sprintf("ordeal-%s-plain%d", c.config.RunID, i+1)
		host := hardened(agentMemory, agentPids)
		host.NetworkMode = container.NetworkMode(set.network)
		one, err := c.engine.api.ContainerCreate(b.Context(), &container.Config{
			Image: c.image, Entrypoint: []string{programPath}, Cmd: []string{"agent"},
			Labels: c.labels(roleNode, name),
		}, host, nil, nil, name)
		require.NoError(b, err)
		require.NoError(b, c.engine.api.ContainerStart(b.Context(), one.ID, container.StartOptions{}))
		set.containers = append(set.containers, one.ID)
	}
	return set
}

// each does something to every container at the same time, and returns how long that took.
func (s plainSet) each(
	b *testing.B, do func(context.Context, string) error,
) time.Duration {
	b.Helper()
	for _, id := range s.containers {
		details, err := s.engine.api.ContainerInspect(b.Context(), id)
		require.NoError(b, err)
		require.True(b, details.State.Running, "what has ended has no network to be taken off")
	}
	began := time.Now()
	failures := make(chan error, len(s.containers))
	for _, id := range s.containers {
		go func() { failures <- do(b.Context(), id) }()
	}
	for range s.containers {
		require.NoError(b, <-failures)
	}
	return time.Since(began)
}

func (s plainSet) disconnect(ctx context.Context, id string) error {
	return s.engine.api.NetworkDisconnect(ctx, s.network, id, true)
}

func (s plainSet) connect(ctx context.Context, id string) error {
	return s.engine.api.NetworkConnect(ctx, s.network, id, nil)
}
