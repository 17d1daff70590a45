package history_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"ordeal/history"
)

// write, read and the like make invocations for tests.
func write(process int, key, value string) history.Operation {
	return history.Operation{
		Process: process, Client: process, Node: "n1", Kind: history.Write, Key: key,
		Value: history.NewValue(value),
	}
}

func read(process int, key string) history.Operation {
	return history.Operation{
		Process: process, Client: process, Node: "n2", Kind: history.Read, Key: key,
	}
}

func compareAndSet(process int, key string, expected history.Value, value string,
) history.Operation {
	op := write(process, key, value)
	op.Kind, op.Expected = history.CompareAndSet, expected
	return op
}

func ok() history.Result { return history.Result{Outcome: history.OK} }

func info() history.Result {
	return history.Result{Outcome: history.Info, Error: "deadline exceeded"}
}

// fault is one with everything that a fault can say.
func fault() history.Fault {
	return history.Fault{
		ID: "f1", Phase: history.Injected, Kind: "partition", Name: "isolate-one",
		Cut: map[string][]string{"n1": {"n2"}},
		Evidence: &history.Evidence{Shown: true, Measurements: []history.Measurement{
			{Subject: "n1→n2", What: "probes arrived", When: "during", Value: "0", Shows: true},
		}},
	}
}

// recordAtRandom drives w with a random run of clients that follows the rules of a history, and
// returns the operations as the writer gave them back.
func recordAtRandom(w *history.Writer, random *rand.Rand, steps int) []history.Operation {
	var done []history.Operation
	open := map[int]history.Operation{}
	process := []int{0, 1, 2, 3}
	nextProcess := len(process)
	var now time.Duration
	for step := range steps {
		now += time.Duration(random.IntN(3))
		client := random.IntN(len(process))
		op, busy := open[client]
		switch {
		case random.IntN(20) == 0:
			w.Fault(fault(), now)
		case random.IntN(20) == 0:
			w.Mark(history.Mark{Name: history.MarkExit, Node: "n1", Detail: "exit 1"}, now)
		case !busy:
			op = randomOperation(random, process[client], "v"+strconv.Itoa(step))
			op.Client = client
			open[client] = w.Invoke(op, now)
		default:
			result := randomResult(random, op)
			done = append(done, w.Complete(op, result, now))
			delete(open, client)
			if result.Outcome == history.Info {
				process[client] = nextProcess
				nextProcess++
			}
		}
	}
	return append(done, w.Pending()...)
}

func randomOperation(random *rand.Rand, process int, value string) history.Operation {
	key := "r" + strconv.Itoa(random.IntN(3))
	switch random.IntN(5) {
	case 0:
		return write(process, key, value)
	case 1:
		return compareAndSet(process, key, randomValue(random), value)
	case 2:
		op := write(process, key, value)
		op.Kind = history.Propose
		return op
	case 3:
		op := read(process, key)
		op.Kind = history.Learn
		return op
	default:
		op := read(process, key)
		op.Final = random.IntN(2) == 0
		return op
	}
}

func randomValue(random *rand.Rand) history.Value {
	switch random.IntN(3) {
	case 0:
		return history.Value{}
	case 1:
		return history.NewValue("")
	default:
		return history.NewValue("<\n\"é&")
	}
}

func randomResult(random *rand.Rand, op history.Operation) history.Result {
	switch random.IntN(4) {
	case 0:
		return info()
	case 1:
		return history.Result{Outcome: history.Fail, Error: "connection refused"}
	}
	switch op.Kind {
	case history.Write:
		return ok()
	case history.CompareAndSet:
		switch random.IntN(3) {
		case 0:
			return history.Result{Outcome: history.OK, Applied: true}
		case 1:
			return history.Result{Outcome: history.OK, Blind: true}
		}
	}
	return history.Result{Outcome: history.OK, Returned: randomValue(random)}
}

// must fails the test on an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
