package jepsen_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/history/jepsen"
)

// FuzzRead checks that no input makes Read panic; that what it accepts obeys the rules of a
// history, as Ordeal's own writer and reader apply them, and is the same when it was written and
// read again; and that an error is one line.
func FuzzRead(f *testing.F) {
	for seed := range uint64(4) {
		r := record(rand.New(rand.NewPCG(seed, 9)), 40, 3, "", seed%2 == 0)
		f.Add([]byte(r.around()), byte(seed))
	}
	for _, c := range malformed {
		if len(c.text) < 10_000 {
			f.Add([]byte(c.text), byte(1))
		}
	}
	for _, equal := range values {
		for _, value := range equal {
			f.Add([]byte("{:process 1 :type :invoke :f :write :value "+value+"}"), byte(0))
		}
	}
	log, err := os.ReadFile(filepath.Join(porcupine(f), "test_data", "jepsen", "etcd_000.log"))
	require.NoError(f, err)
	f.Add(log[:1000], byte(0))
	f.Add([]byte(zipped(f, string(log[:1000]))), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, initial byte) {
		options := jepsen.Options{}
		if initial%2 == 1 {
			options.Initial = history.NewValue("0")
		}
		i, err := jepsen.Read(bytes.NewReader(data), "h", options)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			require.ErrorContains(t, err, "h:")
			return
		}
		require.NotContains(t, i.Cut, "\n")
		var again bytes.Buffer
		require.NoError(t, rewrite(&again, i.History))
		second, err := history.ReadAll(&again, "h")
		require.NoError(t, err)
		require.Empty(t, second.Cut)
		require.Equal(t, i.Header, second.Header)
		require.Equal(t, i.Operations(), second.Operations())
		require.Len(t, second.Events, len(i.Events))
		for at, e := range i.Events {
			require.Equal(t, e, second.Events[at])
		}
	})
}

// rewrite records the events of h in Ordeal's own format.
func rewrite(out *bytes.Buffer, h history.History) error {
	w := history.NewWriter(out, h.Header)
	for _, e := range h.Events {
		switch e.Type {
		case history.TypeInvoke:
			w.Invoke(*e.Operation, e.Time)
		case history.TypeMark:
			w.Mark(*e.Mark, e.Time)
		default:
			w.Complete(*e.Operation, e.Operation.Result, e.Time)
		}
	}
	return errors.Join(w.Err(), w.Flush())
}
