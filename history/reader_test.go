package history_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

const header = `{"format":"ordeal-history","version":1,"run":"","workload":"","model":"","seed":0}`

const invocation = `{"index":0,"time":5,"type":"invoke","op":1,"process":0,"client":0,` +
	`"node":"n1","f":"read","key":"r0"}`

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

func TestTheReaderRefusesWhatIsMalformedAndNamesTheLine(t *testing.T) {
	completion := `{"index":1,"time":5,"type":"ok","op":1,"process":0,"node":"n1","f":"read",` +
		`"key":"r0"`
	for name, test := range map[string]struct{ text, want string }{
		"nothing at all":  {"", "h: there is no header"},
		"no header":       {lines(invocation), `h:1: the format is "", want "ordeal-history"`},
		"another format":  {lines(`{"format":"edn"}`), `h:1: the format is "edn"`},
		"another version": {lines(`{"format":"ordeal-history","version":2}`), "h:1: version 2"},
		"a cut header":    {header[:20], "h:1: the first line is not the header"},
		"not JSON":        {lines(header, invocation, "x"), "h:3: invalid character"},
		"an empty line":   {lines(header, "", invocation), "h:2: the line is empty"},
		"two objects on a line": {
			lines(header, invocation+invocation), "h:2: there is something after the object"},
		"an unknown field": {
			lines(header, invocation, completion+`,"colour":1}`), `h:3: json: unknown field`},
		"an unknown type": {
			lines(header, `{"index":0,"time":0,"type":"maybe"}`),
			`h:2: the type of event "maybe" is not known`},
		"no index": {
			lines(header, `{"time":0,"type":"mark","mark":{"name":"m"}}`),
			"h:2: an event needs an index and a time"},
		"a gap": {
			lines(header, strings.Replace(invocation, `"index":0`, `"index":1`, 1)),
			"h:2: the index is 1, want 0"},
		"a negative time": {
			lines(header, strings.Replace(invocation, `"time":5`, `"time":-5`, 1)),
			"h:2: the time goes back"},
		"a mark without one": {
			lines(header, `{"index":0,"time":0,"type":"mark"}`),
			`h:2: an event of type "mark" must hold that and nothing else`},
		"a mark with an operation's fields": {
			lines(header, `{"index":0,"time":0,"type":"mark","mark":{"name":"m"},"op":3}`),
			`h:2: "op" does not belong to an event of type "mark"`},
		"an invocation without a client": {
			lines(header, strings.Replace(invocation, `"client":0,`, "", 1)),
			"h:2: an invocation needs a client"},
		"an invocation without a process": {
			lines(header, strings.Replace(invocation, `"process":0,`, "", 1)),
			`h:2: an event of type "invoke" needs op, process and f`},
		"an invocation with a result": {
			lines(header, strings.Replace(invocation, `"f"`, `"returned":"1","f"`, 1)),
			`h:2: "returned" does not belong`},
		"a completion with what was written": {
			lines(header, invocation, completion+`,"value":"1"}`),
			`h:3: "value" does not belong`},
		"a value that is a number": {
			lines(header, invocation, completion+`,"returned":1}`),
			"h:3: a value is a JSON string or null"},
		"a completion of nothing": {
			lines(header, strings.Replace(completion, `"index":1`, `"index":0`, 1)+"}"),
			"h:2: operation 1 is not in flight"},
		"a completion at another node": {
			lines(header, invocation, strings.Replace(completion, "n1", "n2", 1)+"}"),
			"h:3: operation 1 was invoked with another process, node, kind or key"},
		"an operation's number again": {
			lines(header, invocation, completion+"}",
				strings.Replace(invocation, `"index":0`, `"index":2`, 1)),
			"h:4: operation 1 comes after operation 1, but the numbers must rise"},
		"a line without bound": {
			lines(header, invocation, strings.Repeat(" ", 2<<20)), "h:3: the line is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := history.ReadAll(strings.NewReader(test.text), "h")
			require.ErrorContains(t, err, test.want)
		})
	}
}

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
	fromFile := must[history.History](t)(history.ReadFile(path))
	want := must[history.History](t)(history.ReadAll(&plain, "h"))
	require.Equal(t, want, fromFile)

	// A compressed file that was cut short gives what can be unzipped.
	half := zipped.Bytes()[:zipped.Len()/2]
	h, err := history.ReadAll(bytes.NewReader(half), "h")
	require.NoError(t, err)
	require.Contains(t, h.Cut, "cut short")
	require.NotEmpty(t, h.Events)
	require.Less(t, len(h.Events), len(want.Events))

	_, err = history.ReadAll(bytes.NewReader(zipped.Bytes()[:3]), "h")
	require.ErrorContains(t, err, "h: unzip")
}

func TestAFileThatIsNotThere(t *testing.T) {
	_, err := history.ReadFile(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// FuzzReader checks that no input makes the reader panic, and that whatever it accepts can be
// written and read again.
func FuzzReader(f *testing.F) {
	var out bytes.Buffer
	w := history.NewWriter(&out, history.Header{})
	recordAtRandom(w, rand.New(rand.NewPCG(7, 8)), 100)
	if err := w.Flush(); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add([]byte(lines(header, invocation)))
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := history.ReadAll(bytes.NewReader(data), "h")
		if err != nil {
			return
		}
		var again bytes.Buffer
		rewrite(&again, h)
		second, err := history.ReadAll(&again, "h")
		require.NoError(t, err)
		require.Equal(t, h.Header, second.Header)
		require.Equal(t, h.Events, second.Events)
	})
}

// rewrite records the events of h again.
func rewrite(out io.Writer, h history.History) {
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
	if err := w.Flush(); err != nil {
		panic(errors.Join(errors.New("rewrite"), err))
	}
}
