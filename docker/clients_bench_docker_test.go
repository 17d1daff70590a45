package docker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/results"
	"ordeal/workloads"
)

// benchmarkLoad is how long each side drives the cluster in each round.
const benchmarkLoad = 3 * time.Second

// BenchmarkClients compares what Ordeal drives a cluster at, with its loop, its record and all, to
// what a bare loop of the same clients reaches: goroutines that call one operation after another
// and note nothing. Both take turns on one cluster of three nodes, with the same generator and keys
// of their own. It reports the median of the ratios, and both rates.
func BenchmarkClients(b *testing.B) {
	engine := engineOf(b)
	config := registerConfig(b, 3)
	c, err := engine.Start(b.Context(), config)
	require.NoError(b, err)
	defer func() { require.NoError(b, c.Close(context.WithoutCancel(b.Context()))) }()
	p := plan.Default()
	p.Seed, p.Nodes, p.Nemesis, p.Time = 1, 3, nil, benchmarkLoad
	var ratios, ours, bare stopwatch
	b.ResetTimer()
	for i := range b.N {
		var without, with float64
		if i%2 == 0 { // who comes second finds longer logs on the nodes' disks
			without = bareLoop(b, c, p, fmt.Sprintf("bare%d-", i))
		}
		with = ordealsLoop(b, c, p, fmt.Sprintf("ours%d-", i))
		if i%2 == 1 {
			without = bareLoop(b, c, p, fmt.Sprintf("bare%d-", i))
		}
		ratios = append(ratios, with/without)
		ours, bare = append(ours, with), append(bare, without)
	}
	b.StopTimer()
	b.ReportMetric(ratios.median(), "ratio")
	b.ReportMetric(ours.median(), "ordeal-operations/s")
	b.ReportMetric(bare.median(), "bare-operations/s")
}

// bareLoop returns how many operations a second goroutines complete that do nothing else.
func bareLoop(b *testing.B, c *Cluster, p plan.Plan, prefix string) float64 {
	b.Helper()
	workload, err := workloads.New(p.Workload, workloads.Options{
		Seed: p.Seed, Clients: p.Clients, Keys: p.Keys, Nodes: p.NodeNames(),
	})
	require.NoError(b, err)
	var mu sync.Mutex // of the generator, which is not safe for concurrent use
	var done atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for client := range p.Clients {
		group.Go(func() {
			for time.Since(began) < p.Time {
				mu.Lock()
				op, _ := workload.Next(client)
				mu.Unlock()
				asked := op
				asked.Key = prefix + op.Key
				ctx, cancel := context.WithTimeout(context.Background(), p.Timeout)
				op.Result = c.byName[op.Node].client.Do(ctx, asked)
				cancel()
				mu.Lock()
				workload.Completed(op)
				mu.Unlock()
				if op.Outcome == history.OK {
					done.Add(1)
				}
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

// A lentCluster is a cluster that a test uses and does not close.
type lentCluster struct {
	*Cluster
	prefix string
}

func (l lentCluster) Invoke(
	op history.Operation, timeout time.Duration, done func(history.Result),
) {
	op.Key = l.prefix + op.Key
	l.Cluster.Invoke(op, timeout, done)
}

func (lentCluster) Close(context.Context) error { return nil }

// ordealsLoop returns how many operations a second succeed in a whole test without faults.
func ordealsLoop(b *testing.B, c *Cluster, p plan.Plan, prefix string) float64 {
	b.Helper()
	directory, err := results.Create(b.TempDir(), "run")
	require.NoError(b, err)
	run, err := harness.Test{
		Plan: p, Run: results.Run{ID: "run", Started: time.Now()}, Directory: directory,
		Log: slog.New(slog.DiscardHandler),
		Start: func(context.Context) (harness.Environment, error) {
			return lentCluster{Cluster: c, prefix: prefix}, nil
		},
	}.Execute(b.Context())
	require.NoError(b, err)
	require.Equal(b, results.Pass, run.Verdict, whatWasFound(run))
	return float64(run.Load.OK) / p.Time.Seconds()
}
