package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// recordOf returns a history of a few keys, with a stale read if that is asked for, operations of
// unknown outcome, and some in flight at the end.
func recordOf(t *testing.T, kinds []history.Kind, stale bool) []byte {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{Run: "r", Model: "register", Seed: 1})
	if kinds[0] == history.Propose {
		out.Reset()
		w = history.NewWriter(&out, history.Header{Run: "r", Model: "decision", Seed: 1})
	}
	w.Mark(history.Mark{Name: history.MarkStart}, 0)
	held, first := map[string]string{}, map[string]string{}
	for i := range 600 {
		op := history.Operation{
			Process: i, Node: "n1", Kind: kinds[i%len(kinds)], Key: fmt.Sprint("k", i/100+i%3),
		}
		result := history.Result{Outcome: history.OK}
		if text, set := held[op.Key]; set {
			result.Returned = history.NewValue(text)
		}
		switch op.Kind {
		case history.Write:
			op.Value, result.Returned = history.NewValue(fmt.Sprint(i)), history.Value{}
			held[op.Key] = fmt.Sprint(i)
		case history.Propose:
			op.Value = history.NewValue(fmt.Sprint(i))
			if held[op.Key] == "" {
				held[op.Key] = fmt.Sprint(i)
			}
			result.Returned = history.NewValue(held[op.Key])
		}
		if first[op.Key] == "" {
			first[op.Key] = held[op.Key]
		}
		if stale && i > 500 && op.Kind == kinds[len(kinds)-1] {
			result.Returned, stale = history.NewValue(first[op.Key]+"0"), false
		}
		op = w.Invoke(op, time.Duration(i))
		switch {
		case i%50 == 7:
			w.Complete(op, history.Result{Outcome: history.Info, Error: "timeout"}, time.Duration(i))
		case i%50 != 9:
			w.Complete(op, result, time.Duration(i))
		}
	}
	require.NoError(t, w.Flush())
	return out.Bytes()
}

// A history that is not held comes to the same as one that is.
func TestLargeHistoryIsJudgedAsASmallOne(t *testing.T) {
	register := []history.Kind{history.Write, history.Read}
	decision := []history.Kind{history.Propose, history.Learn}
	files := map[string][]byte{
		"legal.jsonl": recordOf(t, register, false), "stale.jsonl": recordOf(t, register, true),
		"decision.jsonl": recordOf(t, decision, false), "two.jsonl": recordOf(t, decision, true),
	}
	files["cut.jsonl"] = files["stale.jsonl"][:len(files["stale.jsonl"])*2/3]
	files["no-history.jsonl"] = append(bytes.Clone(files["legal.jsonl"]), "{}\n"...)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := z.Write(files["stale.jsonl"])
	require.NoError(t, err)
	require.NoError(t, z.Close())
	files["stale.jsonl.gz"] = zipped.Bytes()
	verdicts := map[results.Verdict]int{}
	for name, text := range files {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, text, 0o644))
		small := checker{format: formatAuto, largeFrom: math.MaxInt64}
		large := checker{format: formatAuto, largeFrom: 1}
		file, err := large.openLarge(path)
		require.NoError(t, err)
		require.NotNil(t, file, name)
		require.NoError(t, file.Close())
		want, wantErr := small.check(t.Context(), path)
		got, err := large.check(t.Context(), path)
		if wantErr != nil {
			require.ErrorContains(t, err, wantErr.Error(), name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, comparable(t, want), comparable(t, got), name)
		verdicts[got.Verdict]++
	}
	require.Equal(t, map[results.Verdict]int{results.Pass: 3, results.Violation: 3}, verdicts)
}

// comparable returns what check prints, without what differs from one time to the next.
func comparable(t *testing.T, c checked) string {
	l := &c.Check.Linearizability
	l.Duration, l.Memory = 0, linearizability.Memory{}
	for i := range l.Keys {
		l.Keys[i].Duration = 0
	}
	text, err := json.MarshalIndent(c, "", " ")
	require.NoError(t, err)
	return string(text)
}

// A run that goes on adds to its record while that is judged.
func TestLargeHistoryIsJudgedAsItWas(t *testing.T) {
	text := recordOf(t, []history.Kind{history.Write, history.Read}, false)
	path := filepath.Join(t.TempDir(), "history.jsonl")
	require.NoError(t, os.WriteFile(path, text[:len(text)/2], 0o644))
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	defer file.Close()
	before, err := os.Open(path)
	require.NoError(t, err)
	defer before.Close()
	// The second time that the beginning is read, there is more.
	reads := 0
	growing := readerAt(func(p []byte, offset int64) (int, error) {
		if offset == 0 {
			if reads++; reads == 2 {
				_, err := file.Write(text[len(text)/2:])
				require.NoError(t, err)
			}
		}
		return before.ReadAt(p, offset)
	})
	c := checker{format: formatAuto}
	one, err := c.checkLarge(t.Context(), growing, int64(len(text)/2), path)
	require.NoError(t, err)
	require.Equal(t, 2, reads)
	require.Empty(t, one.Findings)
	require.NotEmpty(t, one.Cut)
}

// A disk that fails while the record is read for the second time hides no violation that was found
// in it until then, and one in which none was found is an error.
func TestLargeHistoryThatCannotBeReadAgain(t *testing.T) {
	for _, stale := range []bool{true, false} {
		text := twoKeys(t, stale)
		passes := 0
		failing := readerAt(func(p []byte, offset int64) (int, error) {
			if offset == 0 {
				passes++
			}
			n, err := bytes.NewReader(text).ReadAt(p, offset)
			if passes == 2 && offset+int64(n) == int64(len(text)) {
				return n - 1, syscall.EIO
			}
			return n, err
		})
		c := checker{format: formatAuto}
		one, err := c.checkLarge(t.Context(), failing, int64(len(text)), "h.jsonl")
		if !stale {
			require.ErrorIs(t, err, syscall.EIO)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, results.Violation, one.Verdict)
		require.True(t, slices.ContainsFunc(one.Findings, func(f results.Finding) bool {
			return f.Verdict == results.Harness && strings.Contains(f.What, "input/output error")
		}))
	}
}

// twoKeys returns a history of two keys, one after the other, the first with a stale read if that
// is asked for.
func twoKeys(t *testing.T, stale bool) []byte {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{Run: "r", Model: "register", Seed: 1})
	call := func(op history.Operation, returned string) {
		r := history.Result{Outcome: history.OK}
		if returned != "" {
			r.Returned = history.NewValue(returned)
		}
		w.Complete(w.Invoke(op, 0), r, 0)
	}
	read := "2"
	if stale {
		read = "1"
	}
	write := history.Operation{Kind: history.Write, Node: "n1", Key: "k0"}
	for _, text := range []string{"1", "2"} {
		write.Value = history.NewValue(text)
		call(write, "")
	}
	call(history.Operation{Kind: history.Read, Node: "n1", Key: "k0"}, read)
	for range 100 {
		call(history.Operation{Kind: history.Read, Node: "n1", Key: "k1"}, "")
	}
	require.NoError(t, w.Flush())
	return out.Bytes()
}

type readerAt func(p []byte, offset int64) (int, error)

func (r readerAt) ReadAt(p []byte, offset int64) (int, error) { return r(p, offset) }

func TestOtherFormatsAreNeverLarge(t *testing.T) {
	c := checker{format: formatAuto, largeFrom: 1}
	path := filepath.Join(t.TempDir(), "history.edn")
	require.NoError(t, os.WriteFile(path, []byte("{:type :invoke, :f :read}"), 0o644))
	file, err := c.openLarge(path)
	require.NoError(t, err)
	require.Nil(t, file)
	_, err = c.openLarge(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "open the history: ")
}
