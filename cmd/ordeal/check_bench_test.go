package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// BenchmarkCheckFile runs `ordeal check FILE` as a user would, on one legal history of a million
// operations on one key, of 50 processes, of which one in twenty has an unknown outcome. It reports
// the time of the whole process and the most memory that it had.
func BenchmarkCheckFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "history.jsonl")
	file, err := os.Create(path)
	require.NoError(b, err)
	w := history.NewWriter(file, history.Header{Run: "bench", Model: "register", Seed: 1})
	recordLegal(w, 1_000_000, 50)
	require.NoError(b, w.Flush())
	require.NoError(b, file.Close())
	program, err := os.Executable()
	require.NoError(b, err)
	var most int64
	b.ResetTimer()
	for range b.N {
		command := exec.Command(program, "check", path)
		command.Env = append(os.Environ(), "ORDEAL_TEST_MAIN=1")
		var errs bytes.Buffer
		command.Stderr = &errs
		require.NoError(b, command.Run(), errs.String())
		require.Contains(b, errs.String(), ": pass: ")
		most = max(most, command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/check")
	b.ReportMetric(float64(most)/1024, "peak-MiB")
}

// A caller is a client of the register that recordLegal records.
type caller struct {
	op      history.Operation
	process int
	// done tells that the operation took effect, and result what it is told.
	done   bool
	result history.Result
}

// recordLegal records what clients of one register see. Each operation takes effect at a moment of
// its own between its invocation and its completion; those of unknown outcome may never.
func recordLegal(w *history.Writer, operations, clients int) {
	random := rand.New(rand.NewPCG(1, 2))
	callers := make([]caller, clients)
	for i := range callers {
		callers[i].process = i
	}
	processes := clients
	var register history.Value
	now := time.Duration(0)
	w.Mark(history.Mark{Name: history.MarkStart}, now)
	for called := 0; called < operations; {
		now += time.Duration(random.IntN(100_000))
		client := random.IntN(clients)
		c := &callers[client]
		switch {
		case c.op.ID == 0:
			called++
			c.op = w.Invoke(callOf(random, client, c.process, called), now)
		case !c.done && random.IntN(100) < 95:
			c.done = true
			register, c.result = effect(c.op, register)
		case !c.done || random.IntN(100) < 3:
			w.Complete(c.op, history.Result{Outcome: history.Info, Error: "timeout"}, now)
			*c = caller{process: processes}
			processes++
		default:
			w.Complete(c.op, c.result, now)
			*c = caller{process: c.process}
		}
	}
	w.Mark(history.Mark{Name: history.MarkEnd}, now)
}

// callOf draws an operation; the value of the n-th is n.
func callOf(random *rand.Rand, client, process, n int) history.Operation {
	op := history.Operation{
		Process: process, Client: client, Node: "n" + strconv.Itoa(1+client%5), Key: "r0",
		Kind: history.Read,
	}
	switch random.IntN(4) {
	case 0:
		op.Kind, op.Value = history.Write, history.NewValue(strconv.Itoa(n))
	case 1:
		op.Kind, op.Value = history.CompareAndSet, history.NewValue(strconv.Itoa(n))
		op.Expected = history.NewValue(strconv.Itoa(n - 1 - random.IntN(100)))
	}
	return op
}

// effect returns what a register holds after op, and what op is told.
func effect(
	op history.Operation, register history.Value,
) (history.Value, history.Result) {
	told := history.Result{Outcome: history.OK}
	switch {
	case op.Kind == history.Read:
		told.Returned = register
	case op.Kind == history.Write:
		return op.Value, told
	case op.Expected == register:
		told.Applied = true
		return op.Value, told
	default:
		told.Returned = register
	}
	return register, told
}
