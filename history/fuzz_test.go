package history_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// FuzzReader checks that no input makes the reader panic; that what it accepts obeys the rules of a
// history, and can be written and read again, and is the same then; and that an error is one line.
func FuzzReader(f *testing.F) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{})
	recordAtRandom(w, rand.New(rand.NewPCG(7, 8)), 25)
	if err := w.Flush(); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add(out.Bytes()[:out.Len()-20])
	f.Add([]byte(zipped(f, out.String())))
	f.Add([]byte{0x1f, 0x8b})
	for _, one := range malformed {
		if len(one.text) < 10_000 {
			f.Add([]byte(one.text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := history.ReadAll(bytes.NewReader(data), "h")
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.Contains(t, err.Error(), "h:")
			return
		}
		require.NotContains(t, h.Cut, "\n")
		requireHistory(t, h.Events)

		var again bytes.Buffer
		if err := rewrite(&again, h); err != nil {
			// What is written as it stands may be longer in JSON's escapes.
			require.ErrorContains(t, err, "is longer than")
			return
		}
		second, err := history.ReadAll(&again, "h")
		require.NoError(t, err)
		require.Empty(t, second.Cut)
		require.Equal(t, h.Header, second.Header)
		require.Equal(t, h.Operations(), second.Operations())
		// A list of a fault that is empty is left out, and so is none when it is read.
		require.Equal(t, must[[]byte](t)(json.Marshal(h.Events)),
			must[[]byte](t)(json.Marshal(second.Events)))
	})
}

// requireHistory checks the rules by themselves, with none of the reader's code.
func requireHistory(t *testing.T, events []history.Event) {
	t.Helper()
	calls := map[int64]history.Operation{}
	ended := map[int64]bool{}
	flying, gone := map[int]bool{}, map[int]bool{}
	for i, e := range events {
		require.EqualValues(t, i, e.Index)
		require.True(t, i == 0 || events[i-1].Time <= e.Time)
		op := e.Operation
		if e.Type == history.TypeFault || e.Type == history.TypeMark {
			require.Nil(t, op)
			continue
		}
		require.NotNil(t, op)
		called, known := calls[op.ID]
		if e.Type == history.TypeInvoke {
			require.False(t, known || flying[op.Process] || gone[op.Process])
			calls[op.ID], flying[op.Process] = *op, true
			continue
		}
		require.True(t, known, "operation %d completes and was never invoked", op.ID)
		require.False(t, ended[op.ID], "operation %d completes twice", op.ID)
		require.Equal(t, called.Process, op.Process)
		require.Equal(t, called.Value, op.Value)
		require.Equal(t, called.Call, op.Call)
		ended[op.ID], flying[op.Process] = true, false
		gone[op.Process] = e.Type == history.TypeInfo
	}
}

// rewrite records the events of h again.
func rewrite(out io.Writer, h history.History) error {
	w := history.NewWriter(out, h.Header)
	for _, e := range h.Events {
		switch e.Type {
		case history.TypeInvoke:
			w.Invoke(*e.Operation, e.Time)
		case history.TypeFault:
			w.Fault(*e.Fault, e.Time)
		case history.TypeMark:
			w.Mark(*e.Mark, e.Time)
		default:
			w.Complete(*e.Operation, e.Operation.Result, e.Time)
		}
	}
	return errors.Join(w.Err(), w.Flush())
}
