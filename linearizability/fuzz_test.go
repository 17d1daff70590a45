package linearizability

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// operationsFrom makes operations of two keys from bytes, eight an operation. Most of what comes
// out is a history; some is not, as when a process calls again before it has returned.
func operationsFrom(data []byte) []history.Operation {
	var ops []history.Operation
	kinds := []history.Kind{history.Read, history.Write, history.CompareAndSet}
	if len(data) > 0 && data[0]&1 != 0 {
		kinds = []history.Kind{history.Propose, history.Propose, history.Learn}
	}
	for ; len(data) >= 8 && len(ops) < fuzzedMax; data = data[8:] {
		op := history.Operation{
			ID: int64(len(ops) + 1), Process: len(ops), Node: "n1", Key: "r0",
			Kind: kinds[int(data[0]>>1)%len(kinds)],
			Call: int64(data[1]), Return: int64(data[1]) + int64(data[2])%16,
			Result: history.Result{Outcome: history.OK},
		}
		if data[0] >= 192 {
			op.Key = "r1"
		}
		if data[3]&64 != 0 {
			op.Process = int(data[3] & 7)
		}
		switch data[3] >> 3 & 7 {
		case 0:
			op.Outcome = history.Fail
		case 1, 2:
			op.Outcome, op.Return = history.Info, history.NoReturn
		}
		op.Value, op.Expected = valueFrom(data[4]), valueFrom(data[5])
		op.Applied, op.Blind = data[7]&3 == 1, data[7]&3 == 2
		if !op.Applied && !op.Blind {
			op.Returned = valueFrom(data[6])
		}
		if op.Outcome != history.OK {
			op.Result = history.Result{Outcome: op.Outcome, Error: "timed out"}
		}
		ops = append(ops, op)
	}
	return ops
}

func valueFrom(b byte) history.Value {
	if b&15 == 0 {
		return history.Value{}
	}
	return number(int(b & 15))
}

// fuzzedNaive is how many operations the naive checker is asked about here, and fuzzedMax how many
// there are at all.
const (
	fuzzedNaive = 6
	fuzzedMax   = 40
)

// FuzzCheck checks that no history makes the checker, the explanation or the page panic, whatever
// the budgets; that a few operations have the verdict that the naive checker has for them, with
// little of both that or none; and that what has none says what was short.
func FuzzCheck(f *testing.F) {
	random := rand.New(rand.NewPCG(21, 22))
	for size := range 12 {
		data := make([]byte, 8*size)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		f.Add(data, false)
		f.Add(data, true)
	}
	f.Fuzz(func(t *testing.T, data []byte, tight bool) {
		ops := operationsFrom(data)
		options := Options{Workers: 1}
		if tight = tight || len(ops) > fuzzedNaive; tight {
			options.Budget, options.Memory = 5*time.Millisecond, 1<<16
		}
		model := modelOf(ops)
		report, err := Check(t.Context(), model, ops, options)
		if _, decisions := CheckDecision(ops, nil); model.name == "decision" {
			require.Equal(t, err == nil, decisions == nil)
		}
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		for _, key := range report.Keys {
			requireRightKey(t, key, ops, tight)
		}
		for _, e := range report.Violations {
			require.NotEmpty(t, e.Sentence)
		}
		if len(ops) <= fuzzedNaive && len(report.Keys) == 1 && len(report.Violations) == 1 {
			err := Page(io.Discard, model, ops)
			require.True(t, err == nil || errors.Is(err, ErrInvalid), "%v", err)
		}
	})
}

// requireRightKey compares the verdict of one key with the naive checker's.
func requireRightKey(t *testing.T, key KeyReport, ops []history.Operation, tight bool) {
	t.Helper()
	if key.Verdict == Unknown {
		require.True(t, strings.HasPrefix(key.Reason, "out of "), key.Reason)
	}
	var mine []history.Operation
	for _, op := range ops {
		if op.Key == key.Key && op.Kind != history.Learn {
			mine = append(mine, op)
		}
	}
	require.Len(t, mine, key.Operations)
	if len(mine) > fuzzedNaive || key.Verdict == Unknown && tight {
		return
	}
	require.Equal(t, naive(mine), key.Verdict)
}
