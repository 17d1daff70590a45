package simulation_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// processorTime is what this process has used of the processor, its collector included.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkRun is a whole run in virtual time, with its record in a file and its check. What it
// reports is for a second of processor time, since machines are shared.
func BenchmarkRun(b *testing.B) {
	events, operations, virtual := uint64(0), 0, time.Duration(0)
	before := processorTime(b)
	for i := range b.N {
		record, _, world := run(b, aPlan(uint64(i+1)))
		n, _ := world.Trace()
		events += n
		operations += record.Operations.Total
		virtual += world.Now()
	}
	used := (processorTime(b) - before).Seconds()
	b.ReportMetric(float64(operations)/used, "operations/cpu-s")
	b.ReportMetric(float64(events)/used, "events/cpu-s")
	b.ReportMetric(virtual.Seconds()/used, "virtual-s/cpu-s")
}
