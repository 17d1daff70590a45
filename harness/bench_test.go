package harness

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness/plan"
	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/nemesis"
	"ordeal/workloads"
)

// An instant environment answers every operation at once, with one correct copy of the data. What
// is due now stands in a queue, and time goes on only when that is empty: then the loop alone is
// measured.
type instant struct {
	*fake
	due  []func()
	next int
	// answered counts the operations; the run is over at most.
	answered, most int
}

var errEnough = errors.New("enough")

func (i *instant) After(d time.Duration, run func()) func() {
	if d > 0 {
		return i.fake.After(d, run)
	}
	i.due = append(i.due, run)
	return func() {}
}

func (i *instant) Invoke(op history.Operation, _ time.Duration, done func(history.Result)) {
	i.due = append(i.due, func() {
		i.answered++
		done(i.apply(op))
	})
}

func (i *instant) Step(context.Context) error {
	if i.answered >= i.most {
		return errEnough
	}
	if i.next == len(i.due) {
		i.due, i.next = i.due[:0], 0
		e := heap.Pop(&i.events).(*event)
		i.now = e.at
		e.run()
		return nil
	}
	run := i.due[i.next]
	i.next++
	// A millisecond passes every 64 things that happen, so that timers are due now and then.
	if i.next%64 == 0 {
		i.now += time.Millisecond
		for len(i.events) > 0 && i.events[0].at <= i.now {
			if e := heap.Pop(&i.events).(*event); e.run != nil {
				i.due = append(i.due, e.run)
			}
		}
	}
	if i.next == 4096 {
		i.due = append(i.due[:0], i.due[i.next:]...)
		i.next = 0
	}
	run()
	return nil
}

// instantRun returns the loop over an environment that answers so many operations at once, with its
// record in a file that has to be closed.
func instantRun(b *testing.B, operations int) (*driver, *os.File) {
	file, err := os.Create(filepath.Join(b.TempDir(), "history.jsonl"))
	require.NoError(b, err)
	p := plan.Default()
	p.Seed, p.Time = 1, plan.TimeMax
	workload, err := workloads.New(p.Workload, workloads.Options{
		Seed: p.Seed, Clients: p.Clients, Keys: p.Keys, Nodes: p.NodeNames(),
	})
	require.NoError(b, err)
	env := &instant{fake: newFake(), most: operations}
	env.nodes = p.NodeNames()
	d := &driver{
		env: env, plan: p, schedule: nemesis.Schedule{}, workload: workload, log: quiet,
		record: history.NewWriter(file, history.Header{
			Run: "bench", Workload: p.Workload, Model: workload.Model(), Seed: p.Seed,
		}),
		kept: kept{most: keptMax},
	}
	model, err := linearizability.ModelNamed(workload.Model())
	require.NoError(b, err)
	d.watch = Test{Log: quiet}.newWatch(b.Context(), model, d)
	return d, file
}

// BenchmarkLoop is the loop with everything that it does for an operation (generator, record in a
// file, counters) over an environment that answers at once: what it reports is how many operations
// a second Ordeal itself can drive. Run it with -cpu 1.
func BenchmarkLoop(b *testing.B) {
	d, file := instantRun(b, b.N)
	defer file.Close()
	defer d.watch.close()
	b.ReportAllocs()
	b.ResetTimer()
	err := d.drive(b.Context())
	b.StopTimer()
	require.ErrorIs(b, err, errEnough)
	require.NoError(b, d.record.Sync())
	require.Equal(b, b.N, d.counts.OK)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "operations/s")
	checkRecorded(b, file.Name(), b.N)
}

// checkRecorded makes sure that every operation is in the file.
func checkRecorded(b *testing.B, name string, operations int) {
	text, err := os.ReadFile(name)
	require.NoError(b, err)
	require.GreaterOrEqual(b, bytes.Count(text, []byte("\n")), 2*operations)
}
