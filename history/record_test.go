package history_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/history"
)

// requireSame checks that a record holds what the events of the same history do.
func requireSame(t require.TestingT, want history.History, got history.Record) {
	require.Equal(t, want.Header, got.Header)
	require.Equal(t, want.Cut, got.Cut)
	require.Len(t, got.Operations(), len(want.Operations()))
	// One by one, as to print the difference of many takes minutes.
	for i, op := range want.Operations() {
		if op != got.Operations()[i] {
			require.Equal(t, op, got.Operations()[i])
		}
	}
	var alone []history.Event
	for _, e := range want.Events {
		if e.Operation == nil {
			alone = append(alone, e)
		}
	}
	require.Equal(t, alone, got.Events)
}

// requireReadAlike checks that a text is the same history, or no history for the same reason,
// whichever way it is read.
func requireReadAlike(t require.TestingT, text []byte) {
	want, wantErr := history.ReadAll(bytes.NewReader(text), "h")
	got, err := history.ReadRecord(bytes.NewReader(text), 0, "h")
	var ended []history.Operation
	scanned, scanErr := history.Scan(bytes.NewReader(text), "h", func(op *history.Operation) error {
		ended = append(ended, *op)
		return nil
	})
	if wantErr != nil {
		require.EqualError(t, err, wantErr.Error())
		require.EqualError(t, scanErr, wantErr.Error())
		require.Zero(t, got)
		return
	}
	require.NoError(t, err)
	requireSame(t, want, got)
	require.NoError(t, scanErr)
	require.Equal(t, want.Header, scanned.Header)
	require.Equal(t, want.Cut, scanned.Cut)
	require.Equal(t, got.Events, scanned.Events)
	for _, e := range want.Events {
		if e.Operation != nil && e.Type != history.TypeInvoke {
			require.NotEmpty(t, ended)
			require.Equal(t, *e.Operation, ended[0])
			ended = ended[1:]
		}
	}
	require.Empty(t, ended)
	open := slices.DeleteFunc(slices.Clone(got.Operations()), func(op history.Operation) bool {
		return op.Error != "no completion was recorded"
	})
	require.ElementsMatch(t, open, scanned.Operations())
}

func TestARecordRefusesWhatIsNoHistory(t *testing.T) {
	for _, test := range malformed {
		_, err := history.ReadRecord(strings.NewReader(test.text), 0, "h")
		require.EqualError(t, err, "read the history: "+test.want, test.name)
	}
}

func TestARecordIsWhatTheEventsAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		var out bytes.Buffer
		w := history.NewWriter(&out, history.Header{Run: "r"})
		recordAtRandom(w, random, rapid.IntRange(0, 200).Draw(t, "steps"))
		require.NoError(t, w.Flush())
		requireReadAlike(t, out.Bytes())
		// And whenever the writing process died.
		requireReadAlike(t, out.Bytes()[:random.IntN(out.Len())])
	})
}

// A blank in each line makes none of them plain: all go the way of encoding/json.
func TestALineThatIsNotPlainSaysTheSame(t *testing.T) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{})
	recordPlain(w, 2000)
	require.NoError(t, w.Flush())
	blanks := bytes.ReplaceAll(out.Bytes(), []byte(`{"index":`), []byte(`{ "index":`))
	require.Len(t, blanks, out.Len()+int(w.Next()))
	want := must[history.History](t)(history.ReadAll(bytes.NewReader(blanks), "h"))
	got := must[history.History](t)(history.ReadAll(bytes.NewReader(out.Bytes()), "h"))
	require.Equal(t, want, got)
	requireReadAlike(t, blanks)
}

// So many operations that room for them is made by what was read of the file: also where its first
// part says nothing of the rest.
func TestAFileOfManyOperationsIsReadWhole(t *testing.T) {
	var even, long, short bytes.Buffer
	w := history.NewWriter(&even, history.Header{})
	recordPlain(w, 20_000)
	require.NoError(t, w.Flush())
	padding := func(out *bytes.Buffer, first, last int) {
		w := history.NewWriter(out, history.Header{})
		for i := range 20_000 {
			size := first
			if i >= 10_000 {
				size = last
			}
			w.Complete(w.Invoke(write(0, "r0", strings.Repeat("x", size)), 0), ok(), 0)
		}
		require.NoError(t, w.Flush())
	}
	padding(&long, 100, 1)
	padding(&short, 1, 100)
	path := filepath.Join(t.TempDir(), "h")
	for name, text := range map[string]string{
		"even": even.String(), "long lines first": long.String(), "short lines first": short.String(),
	} {
		want := must[history.History](t)(history.ReadAll(strings.NewReader(text), "h"))
		require.Len(t, want.Operations(), 20_000, name)
		for _, written := range []string{text, zipped(t, text)} {
			require.NoError(t, os.WriteFile(path, []byte(written), 0o600))
			requireSame(t, want, must[history.Record](t)(history.ReadFile(path)))
		}
	}
}

// FuzzRecord checks that a history is the same, or refused alike, whichever way it is read.
func FuzzRecord(f *testing.F) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{})
	recordAtRandom(w, rand.New(rand.NewPCG(9, 10)), 25)
	if err := w.Flush(); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add(out.Bytes()[:out.Len()-20])
	f.Add([]byte(zipped(f, out.String())))
	for _, one := range malformed {
		if len(one.text) < 10_000 {
			f.Add([]byte(one.text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) { requireReadAlike(t, text) })
}

func TestScanEndsWithTheErrorOfWhomItCalls(t *testing.T) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{Run: "r", Model: "register"})
	for range 3 {
		w.Complete(w.Invoke(read(0, "k"), 0), ok(), 0)
	}
	require.NoError(t, w.Flush())
	seen, enough := 0, errors.New("enough")
	_, err := history.Scan(&out, "h", func(*history.Operation) error {
		if seen++; seen == 2 {
			return enough
		}
		return nil
	})
	require.Equal(t, enough, err)
	require.Equal(t, 2, seen)
}
