package linearizability

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"ordeal/history"
)

// manyKeys returns a legal history of so many operations a key, with rotated keys if there are
// many.
func manyKeys(keys, operations, processes, unknown int) []history.Operation {
	var ops []history.Operation
	for key := range keys {
		random := rand.New(rand.NewPCG(uint64(key), 5))
		one := generate(random, shape{
			operations: operations, processes: processes, unknown: unknown})
		for i := range one {
			one[i].Key = fmt.Sprintf("r%d", key)
			one[i].ID += int64(key * operations)
			one[i].Process += key * operations
		}
		ops = append(ops, one...)
	}
	return ops
}

func BenchmarkCheck(b *testing.B) {
	for _, size := range []struct{ keys, operations, processes, unknown int }{
		{5, 2_000, 2, 0}, {5, 2_000, 5, 0}, {5, 2_000, 5, 5}, {5, 2_000, 10, 5},
		{100, 100, 10, 5}, {1_000, 100, 5, 5},
	} {
		name := fmt.Sprintf("%d_keys/%d_operations/%d_processes/%d_percent_unknown",
			size.keys, size.operations, size.processes, size.unknown)
		b.Run(name, func(b *testing.B) {
			ops := manyKeys(size.keys, size.operations, size.processes, size.unknown)
			b.ReportAllocs()
			for b.Loop() {
				report, err := Check(b.Context(), Register(), ops, Options{})
				if err != nil || report.Verdict != Legal {
					b.Fatal(report.Verdict, err)
				}
			}
		})
	}
}
