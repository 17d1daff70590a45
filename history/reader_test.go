package history_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

func TestAnErrorOfTheReaderSticks(t *testing.T) {
	r, err := history.NewReader(strings.NewReader(lines(header, "x", invocation)), "h")
	require.NoError(t, err)
	_, first := r.Next()
	_, second := r.Next()
	require.ErrorContains(t, first, "h:2")
	require.Equal(t, first, second)
}

// Wherever the writing process died, what was written before is the history.
func TestAHistoryCutAnywhereCanBeRead(t *testing.T) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{})
	recordAtRandom(w, rand.New(rand.NewPCG(3, 4)), 30)
	require.NoError(t, w.Flush())
	whole := out.Bytes()
	all := must[history.History](t)(history.ReadAll(bytes.NewReader(whole), "h"))
	start := bytes.IndexByte(whole, '\n')
	for end := start; end <= len(whole); end++ {
		h, err := history.ReadAll(bytes.NewReader(whole[:end]), "h")
		require.NoError(t, err, "cut after %d bytes", end)
		require.Equal(t, all.Events[:len(h.Events)], append([]history.Event{}, h.Events...))
		full := bytes.Count(whole[:end], []byte("\n")) - 1
		require.GreaterOrEqual(t, len(h.Events), full)
		if end > start+1 && whole[end-1] != '\n' && whole[end-1] != '}' {
			require.Contains(t, h.Cut, "the last line is cut short")
		}
		require.Len(t, h.Operations(), invocations(h.Events))
	}
}

func invocations(events []history.Event) int {
	n := 0
	for _, e := range events {
		if e.Type == history.TypeInvoke {
			n++
		}
	}
	return n
}

func TestACompressedHistoryIsReadAsItIs(t *testing.T) {
	var plain, zipped bytes.Buffer
	zipper := gzip.NewWriter(&zipped)
	w := history.NewWriter(io.MultiWriter(&plain, zipper), history.Header{Run: "r"})
	recordAtRandom(w, rand.New(rand.NewPCG(5, 6)), 3000)
	require.NoError(t, w.Flush())
	require.NoError(t, zipper.Close())

	path := filepath.Join(t.TempDir(), "history.jsonl.gz")
	require.NoError(t, os.WriteFile(path, zipped.Bytes(), 0o600))
	fromFile := must[history.Record](t)(history.ReadFile(path))
	want := must[history.History](t)(history.ReadAll(&plain, "h"))
	requireSame(t, want, fromFile)

	// A compressed file that was cut short gives what can be unzipped.
	half := zipped.Bytes()[:zipped.Len()/2]
	h, err := history.ReadAll(bytes.NewReader(half), "h")
	require.NoError(t, err)
	require.Contains(t, h.Cut, "cut short")
	require.NotEmpty(t, h.Events)
	require.Less(t, len(h.Events), len(want.Events))
}
