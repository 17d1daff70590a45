package linearizability

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"ordeal/history"
)

// A cell is one history of the table of measurements.
type cell struct {
	operations, processes, unknown int
	bursts, stale, rotating        bool
}

func (c cell) String() string {
	how := map[bool]string{true: "bursts", false: "spread"}[c.bursts]
	verdict := map[bool]string{true: "stale", false: "legal"}[c.stale]
	keys := map[bool]string{true: "rotating", false: "one"}[c.rotating]
	return fmt.Sprintf("%d/%d/%d/%s/%s/%s",
		c.operations, c.processes, c.unknown, how, verdict, keys)
}

// rotation is how many operations a key has when keys rotate.
const rotation = 300

// history returns the cell's, from a fixed seed.
func (c cell) history() []history.Operation {
	random := rand.New(rand.NewPCG(uint64(c.operations), uint64(c.processes)))
	s := shape{processes: c.processes, unknown: c.unknown, bursts: c.bursts, few: true}
	if !c.rotating {
		s.operations = c.operations
		ops := generate(random, s)
		if c.stale && !injectStale(ops) {
			panic("no read could be made stale")
		}
		return asRecorded(ops)
	}
	ops := make([]history.Operation, 0, c.operations)
	processes, sound := 0, c.stale
	for key := 0; len(ops) < c.operations; key++ {
		s.operations = min(rotation, c.operations-len(ops))
		one := generate(random, s)
		if sound && len(ops)+rotation > c.operations/2 {
			sound = !injectStale(one) // few reads of a short key may do
		}
		most := 0
		for i := range one {
			one[i].Key, one[i].ID = fmt.Sprintf("r%d", key), int64(len(ops)+i+1)
			most = max(most, one[i].Process)
			one[i].Process += processes
		}
		processes += most + 1
		ops = append(ops, one...)
	}
	if sound {
		panic("no read could be made stale")
	}
	return asRecorded(ops)
}

// asRecorded brings operations into the order of a record, which is that of their calls.
func asRecorded(ops []history.Operation) []history.Operation {
	slices.SortStableFunc(ops, func(a, b history.Operation) int {
		return cmp.Compare(a.Call, b.Call)
	})
	for i := range ops {
		ops[i].ID = int64(i + 1)
	}
	return ops
}

// injectStale makes a read near the end return what one in the middle returned, although another
// read in between returned something else.
func injectStale(ops []history.Operation) bool {
	isRead := func(op history.Operation) bool {
		return op.Kind == history.Read && op.Outcome == history.OK && op.Returned.IsSet()
	}
	older := -1
	for i := len(ops) / 2; i < len(ops); i++ {
		switch {
		case !isRead(ops[i]):
		case older < 0:
			older = i
		case ops[older].Return < ops[i].Call && ops[older].Returned != ops[i].Returned:
			for j := len(ops)*9/10 + 1; j < len(ops); j++ {
				if isRead(ops[j]) && ops[i].Return < ops[j].Call {
					ops[j].Returned = ops[older].Returned
					return true
				}
			}
		}
	}
	return false
}

// BenchmarkCheck measures Check on the cells of docs/measurements.md that a change is likely to be
// seen in. The whole table, beside raw porcupine, is made by BenchmarkTable.
func BenchmarkCheck(b *testing.B) {
	for _, c := range []cell{
		{operations: 100_000, processes: 50, unknown: 20},
		{operations: 100_000, processes: 50, unknown: 20, bursts: true, stale: true},
		{operations: 100_000, processes: 10, unknown: 5, rotating: true},
		{operations: 1_000_000, processes: 5},
		{operations: 1_000_000, processes: 50, unknown: 20},
		{operations: 1_000_000, processes: 50, unknown: 20, bursts: true, stale: true},
	} {
		b.Run(c.String(), func(b *testing.B) { c.bench(b) })
	}
}

func (c cell) bench(b *testing.B) {
	want := Legal
	if c.stale {
		want = Illegal
	}
	ops := c.history()
	runtime.GC()
	b.ReportAllocs()
	var peak int64
	for b.Loop() {
		report, err := Check(b.Context(), Register(), ops, Options{Explanations: 1})
		if err != nil || report.Verdict != want {
			b.Fatal(report.Verdict, err, report.Unknown())
		}
		peak = max(peak, report.Memory.PeakBytes)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1000, "ms/check")
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}
