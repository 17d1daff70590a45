package history_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// operationsBenched is how many operations the benchmarks read.
const operationsBenched = 200_000

// recordPlain records a run such as a register workload leaves: ten clients at five nodes, plain
// values, keys that change, and one operation in a hundred of unknown outcome.
func recordPlain(w *history.Writer, operations int) {
	random := rand.New(rand.NewPCG(21, 22))
	var open [10]history.Operation
	process := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	next := len(process)
	w.Mark(history.Mark{Name: history.MarkStart}, 0)
	for called, now := 0, time.Duration(0); called < operations; {
		now += time.Duration(random.IntN(100_000))
		client := random.IntN(len(process))
		if open[client].ID == 0 {
			open[client] = w.Invoke(plainOperation(random, client, process[client], called), now)
			called++
			continue
		}
		result := plainResult(random, open[client].Kind)
		w.Complete(open[client], result, now)
		open[client].ID = 0
		if result.Outcome == history.Info {
			process[client] = next
			next++
		}
	}
	w.Mark(history.Mark{Name: history.MarkEnd}, time.Hour)
}

func plainOperation(random *rand.Rand, client, process, called int) history.Operation {
	key := "r" + strconv.Itoa(called/500+random.IntN(5))
	value := strconv.Itoa(called)
	var op history.Operation
	switch random.IntN(4) {
	case 0:
		op = write(process, key, value)
	case 1:
		op = compareAndSet(process, key, history.NewValue(strconv.Itoa(called-1)), value)
	default:
		op = read(process, key)
	}
	op.Client, op.Node = client, "n"+strconv.Itoa(1+random.IntN(5))
	return op
}

func plainResult(random *rand.Rand, kind history.Kind) history.Result {
	result := ok()
	switch {
	case random.IntN(100) == 0:
		return info()
	case random.IntN(100) == 0:
		return history.Result{Outcome: history.Fail, Error: "connection refused"}
	case kind == history.CompareAndSet:
		result.Applied = random.IntN(2) == 0
	}
	if kind == history.Read || kind == history.CompareAndSet && !result.Applied {
		result.Returned = history.NewValue(strconv.Itoa(random.IntN(1_000_000)))
	}
	return result
}

// plainFile writes a history as recordPlain records it.
func plainFile(b *testing.B) (path string, lines int) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "history.jsonl")
	file, err := os.Create(path)
	require.NoError(b, err)
	defer file.Close()
	w := history.NewWriter(file, history.Header{Run: "bench", Model: "register", Seed: 1})
	recordPlain(w, operationsBenched)
	require.NoError(b, w.Flush())
	return path, int(w.Next()) + 1
}

// BenchmarkRead is what a check does before it judges: from a file to operations.
func BenchmarkRead(b *testing.B) {
	path, lines := plainFile(b)
	b.ReportAllocs()
	for b.Loop() {
		h, err := history.ReadFile(path)
		require.NoError(b, err)
		require.Len(b, h.Operations(), operationsBenched)
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkReader reads one event after the other.
func BenchmarkReader(b *testing.B) {
	path, lines := plainFile(b)
	b.ReportAllocs()
	for b.Loop() {
		file := must[*os.File](b)(os.Open(path))
		r, err := history.NewReader(file, "h")
		for read := 1; err == nil; read++ {
			if _, err = r.Next(); err != nil {
				require.ErrorIs(b, err, io.EOF)
				require.Equal(b, lines, read)
			}
		}
		require.NoError(b, file.Close())
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

// BenchmarkOperations pairs events that are in memory.
func BenchmarkOperations(b *testing.B) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{})
	recordPlain(w, operationsBenched)
	require.NoError(b, w.Flush())
	h := must[history.History](b)(history.ReadAll(&out, "h"))
	b.ReportAllocs()
	for b.Loop() {
		require.Len(b, history.Operations(h.Events), operationsBenched)
	}
	b.ReportMetric(operationsBenched*float64(b.N)/b.Elapsed().Seconds(), "operations/s")
}

// BenchmarkWriter records an invocation and a completion.
func BenchmarkWriter(b *testing.B) {
	w := history.NewWriter(io.Discard, history.Header{})
	b.ReportAllocs()
	for b.Loop() {
		w.Complete(w.Invoke(write(0, "r0", "12345"), 0), ok(), 0)
	}
	require.NoError(b, w.Flush())
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
