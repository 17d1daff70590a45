package harness

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/linearizability"
	"ordeal/results"
)

// BenchmarkHeap shows that the memory of a run does not grow with its length: the loop over an
// environment that answers at once, with keys that are replaced, and then all that is concluded
// from its record. It reports what is in use of the heap when the loop ends, and the most that was
// in use whenever the collector had run, in MiB.
//
//	go test ./harness -run '^$' -bench Heap -benchtime 1x
func BenchmarkHeap(b *testing.B) {
	for _, operations := range []int{100_000, 1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(operations), func(b *testing.B) {
			for b.Loop() {
				measureHeap(b, operations)
			}
		})
	}
}

func measureHeap(b *testing.B, operations int) {
	runtime.GC()
	most := liveHeap(b)
	d, file := instantRun(b, operations)
	defer file.Close()
	began := time.Now()
	require.ErrorIs(b, d.drive(b.Context()), errEnough)
	b.ReportMetric(float64(operations)/time.Since(began).Seconds(), "operations/s")
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	b.ReportMetric(float64(memory.HeapAlloc)/(1<<20), "MiB-loop")
	d.watch.close()
	require.NoError(b, d.record.Sync())
	d.kept.handedOver()
	began = time.Now()
	var run results.Run
	seen := observed{workload: d.workload}
	seen.operations, seen.keys = d.operations(file)
	require.NoError(b, d.summarise(b.Context(), &run, seen.operations, seen.keys))
	check, found, err := seen.judge(b.Context(), Budget{Time: time.Hour, MemoryBytes: 2 << 30})
	require.NoError(b, err)
	require.Empty(b, found)
	require.Equal(b, linearizability.Legal, check.Linearizability.Verdict)
	require.Equal(b, run.Operations.Total, check.Linearizability.Operations)
	b.ReportMetric(time.Since(began).Seconds(), "s-end")
	b.ReportMetric(float64(most())/(1<<20), "MiB-most")
}

// liveHeap looks at the heap all the time, and returns how to learn what was in use at the most.
func liveHeap(b *testing.B) (most func() uint64) {
	var peak atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for {
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			metrics.Read(sample)
			peak.Store(max(peak.Load(), sample[0].Value.Uint64()))
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return peak.Load()
	}
}
