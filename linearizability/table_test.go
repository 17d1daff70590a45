package linearizability

import (
	"runtime/debug"
	"testing"
	"time"

	"ordeal/history"
)

// What raw porcupine is given in a cell of the table, and how often the memory is looked at.
const (
	rawTime   = 2 * time.Second
	rawMemory = 1 << 30
	lookEvery = 5 * time.Millisecond
)

// BenchmarkTable measures every cell of the table in docs/measurements.md, Check and, in the same
// run, porcupine alone on what was recorded, with nothing prepared. Porcupine has 2 s and 1 GiB for
// each, and is not asked again where it had no answer for a tenth of the operations. It takes a
// quarter of an hour with -benchtime 1x; docs/measure makes the table of it.
func BenchmarkTable(b *testing.B) {
	hopeless := map[cell]bool{}
	for operations := 1_000; operations <= 1_000_000; operations *= 10 {
		for _, c := range cells(operations) {
			b.Run(c.String(), func(b *testing.B) {
				ops := c.history()
				c.measure(b, ops)
				smaller := c
				smaller.operations /= 10
				if hopeless[smaller] {
					hopeless[c] = true
					return
				}
				verdict, took := askPorcupine(b, ops)
				if verdict == Unknown {
					hopeless[c] = true
					return
				}
				b.ReportMetric(float64(took.Microseconds())/1000, "porcupine-ms")
			})
		}
	}
}

// cells returns the cells with so many operations.
func cells(operations int) []cell {
	var all []cell
	for _, processes := range []int{5, 10, 20, 50} {
		for _, unknown := range []int{0, 1, 5, 20} {
			for _, flags := range []int{0, 1, 2, 3, 4, 5, 6, 7} {
				c := cell{
					operations: operations, processes: processes, unknown: unknown,
					bursts: flags&1 != 0, stale: flags&2 != 0, rotating: flags&4 != 0,
				}
				if !c.bursts || c.unknown > 0 {
					all = append(all, c)
				}
			}
		}
	}
	return all
}

// measure reports how long Check takes, and the most memory that the process holds meanwhile, the
// operations themselves included.
func (c cell) measure(b *testing.B, ops []history.Operation) {
	b.Helper()
	debug.FreeOSMemory()
	end, ended := make(chan struct{}), make(chan uint64)
	go func() {
		peak := heldBytes()
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				peak = max(peak, heldBytes())
			case <-end:
				ended <- max(peak, heldBytes())
				return
			}
		}
	}()
	want := map[bool]Verdict{false: Legal, true: Illegal}[c.stale]
	for b.Loop() {
		report, err := Check(b.Context(), Register(), ops, Options{Explanations: 1})
		if err != nil || report.Verdict != want {
			b.Fatal(report.Verdict, err, report.Unknown(), report.Disputed())
		}
	}
	close(end)
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1000, "ms")
	b.ReportMetric(float64(<-ended)/(1<<20), "MiB")
	b.ReportMetric(0, "ns/op")
}

// askPorcupine gives porcupine the keys one after the other, as they were recorded.
func askPorcupine(b *testing.B, ops []history.Operation) (Verdict, time.Duration) {
	b.Helper()
	g := newGuard(rawMemory)
	defer g.close()
	started := time.Now()
	for _, j := range partition(Register(), ops) {
		verdict, _ := search(b.Context(), newCalls(j.ops), rawTime-time.Since(started), g)
		if verdict != Legal {
			return verdict, time.Since(started)
		}
	}
	return Legal, time.Since(started)
}
