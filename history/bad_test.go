package history_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// The lines of a small history: a read, and how it ended.
const (
	header = `{"format":"ordeal-history","version":1,"run":"","workload":"","model":"","seed":0}`

	invocation = `{"index":0,"time":5,"type":"invoke","op":1,"process":0,"client":0,` +
		`"node":"n1","f":"read","key":"r0"}`

	completion = `{"index":1,"time":7,"type":"ok","op":1,"process":0,"node":"n1","f":"read",` +
		`"key":"r0","returned":null}`
)

func lines(text ...string) string { return strings.Join(text, "\n") + "\n" }

// small is the history with one thing replaced in it.
func small(old, new string) string {
	whole := lines(header, invocation, completion)
	if strings.Count(whole, old) == 0 {
		panic("there is nothing to replace: " + old)
	}
	return strings.Replace(whole, old, new, 1)
}

// after is the history with lines after it.
func after(text ...string) string {
	return lines(append([]string{header, invocation, completion}, text...)...)
}

// zipped compresses.
func zipped(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_ = must[int](t)(w.Write([]byte(text)))
	require.NoError(t, w.Close())
	return out.String()
}

// notHeader is how an error about the first line ends.
const notHeader = ` (accepted: {"format":"ordeal-history","version":1,…})`

// malformed has texts that are no history, by the line that they fail at, and what is said.
var malformed = []struct{ name, text, want string }{
	// The first line.
	{"an empty file", "",
		"h: the file is empty (accepted: a history, with a header as its first line)"},
	{"no header", lines(invocation),
		`h:1: the first line is not the header of a history: the format is ""` + notHeader},
	{"another format", lines(`{"format":"edn"}`),
		`h:1: the first line is not the header of a history: the format is "edn"` + notHeader},
	{"a newer version", small(`"version":1`, `"version":2`),
		"h:1: the history is of version 2 of the format, which is newer than this program " +
			"(accepted: 1)"},
	{"no version", small(`"version":1,`, ""),
		"h:1: version 0 of the format is not known (accepted: 1)"},
	{"a version that is a text", small(`"version":1`, `"version":"1"`),
		`h:1: the first line is not the header of a history: ` +
			`"version" is a JSON string (accepted: a whole number of 64 bits)` + notHeader},
	{"a header cut short", header[:20],
		"h:1: the header is cut short after 20 bytes, and nothing can be read without it"},
	{"a header of zero bytes", "\x00\x00",
		"h:1: the header is cut short after 2 bytes, and nothing can be read without it"},
	{"a header that is not UTF-8", small(`"run":""`, "\"run\":\"\xff\""),
		"h:1: the first line is not the header of a history: the line is not UTF-8" + notHeader},
	{"a binary file", "\x7fELF\x02\x01\x01\x00\n\x00",
		"h:1: the first line is not the header of a history: the line is not JSON: " +
			`invalid character '\x7f' looking for beginning of value` + notHeader},
	{"a binary file of one line", strings.Repeat("\x00\x01", 1<<20),
		"h:1: the line is longer than 1048576 bytes"},
	{"a list", "[]\n",
		"h:1: the first line is not the header of a history: " +
			"the line is a JSON array (accepted: an object)" + notHeader},

	// A line that is no event.
	{"not JSON", small(completion, "x"),
		"h:3: event 1: the line is not JSON: invalid character 'x' looking for beginning of value"},
	{"not JSON at the very end", lines(header, invocation) + "x",
		"h:3: event 1: the line is not JSON: invalid character 'x' looking for beginning of value"},
	{"half a line amid the others", small(invocation, invocation[:40]),
		"h:2: event 0: the line is not JSON: unexpected EOF"},
	{"zero bytes amid the others", small(invocation, "\x00\x00"),
		"h:2: event 0: the line is not JSON: " +
			`invalid character '\x00' looking for beginning of value`},
	{"an empty line", small(invocation, ""),
		"h:2: event 0: the line is empty (accepted: one event a line)"},
	{"an empty line at the end", after(""),
		"h:4: event 2: the line is empty (accepted: one event a line)"},
	{"a text", small(invocation, `"invoke"`),
		"h:2: event 0: the line is a JSON string (accepted: an object)"},
	{"two objects on a line", small(invocation, invocation+invocation),
		"h:2: event 0: there is something after the object (accepted: one event a line)"},
	{"a line without bound", after(strings.Repeat(" ", 2<<20)),
		"h:4: the line is longer than 1048576 bytes"},
	{"a line that is not UTF-8", small("n1", "\xc3\x28"), "h:2: event 0: the line is not UTF-8"},
	{"half of a character", small("r0", `r\ud83d`), `h:2: event 0: \ud83d is half of a character`},
	{"the other half", small("r0", `\\\udc00\ud83d`),
		`h:2: event 0: \udc00 is half of a character`},

	// A line that is another event.
	{"an unknown field", small(`"time":7`, `"time":7,"colour":1`),
		`h:3: event 1: unknown field "colour"`},
	{"an unknown type", small(`"type":"ok"`, `"type":"maybe"`),
		`h:3: event 1: the type of event "maybe" is not known ` +
			"(accepted: invoke, ok, fail, info, fault, mark)"},
	{"no type", small(`"type":"ok",`, ""), `h:3: event 1: the type of event "" is not known ` +
		"(accepted: invoke, ok, fail, info, fault, mark)"},
	{"an unknown kind", small(`"f":"read"`, `"f":"append"`),
		`h:2: event 0: the kind of operation "append" is not known ` +
			"(accepted: read, write, cas, propose, learn)"},
	{"no index", small(`"index":0,`, ""), `h:2: event 0: an event needs "index" and "time"`},
	{"an index that is a text", small(`"index":0`, `"index":"0"`),
		`h:2: event 0: "index" is a JSON string (accepted: a whole number of 64 bits)`},
	{"an index that is no whole number", small(`"index":0`, `"index":0.5`),
		`h:2: event 0: "index" is a JSON number 0.5 (accepted: a whole number of 64 bits)`},
	{"a key that is a number", small(`"r0"`, "7"),
		`h:2: event 0: "key" is a JSON number (accepted: a string)`},
	{"an invocation without a client", small(`"client":0,`, ""),
		`h:2: event 0: an event of type "invoke" needs "client"`},
	{"an invocation without a process", small(`"process":0,`, ""),
		`h:2: event 0: an event of type "invoke" needs "op", "process" and "f"`},
	{"an invocation without a key", small(`,"key":"r0"`, ""),
		"h:2: event 0: operation 1 has no key"},
	{"an invocation with a result", small(`"client":0`, `"client":0,"returned":"1"`),
		`h:2: event 0: "returned" does not belong to an event of type "invoke" and f "read"`},
	{"a completion with what was written", small(`"returned":null`, `"returned":null,"value":"1"`),
		`h:3: event 1: "value" does not belong to an event of type "ok" and f "read"`},
	{"a value that is a number", small(`"returned":null`, `"returned":1`),
		"h:3: event 1: a value is 1 (accepted: a JSON string or null)"},
	{"a mark without one", after(`{"index":2,"time":9,"type":"mark"}`),
		`h:4: event 2: an event of type "mark" needs "mark"`},
	{"a mark without a name", after(`{"index":2,"time":9,"type":"mark","mark":{}}`),
		"h:4: event 2: a mark needs a name"},
	{"a mark with an operation's fields",
		after(`{"index":2,"time":9,"type":"mark","mark":{"name":"m"},"op":3}`),
		`h:4: event 2: "op" does not belong to an event of type "mark"`},
	{"a mark with a fault", after(
		`{"index":2,"time":9,"type":"mark","mark":{"name":"m"},"fault":{"id":"f1"}}`),
		`h:4: event 2: "fault" does not belong to an event of type "mark"`},
	{"a fault in an unknown phase",
		after(`{"index":2,"time":9,"type":"fault","fault":{"id":"f1","phase":"planned"}}`),
		`h:4: event 2: the phase "planned" of fault f1 is not known ` +
			"(accepted: invoked, injected, skipped, healing, healed, indeterminate)"},
	{"a fault without an id",
		after(`{"index":2,"time":9,"type":"fault","fault":{"phase":"invoked"}}`),
		"h:4: event 2: a fault needs an id"},

	// Events that together are no history.
	{"a gap", small(`"index":1`, `"index":2`),
		"h:3: event 1: the index is 2 (accepted: 1, as indices count from 0 without gaps)"},
	{"an index that goes back", small(`"index":1`, `"index":0`),
		"h:3: event 1: the index is 0 (accepted: 1, as indices count from 0 without gaps)"},
	{"a record that lacks its beginning", small(`"index":0`, `"index":7`),
		"h:2: event 0: the index is 7 (accepted: 0, as indices count from 0 without gaps)"},
	{"a negative time", small(`"time":5`, `"time":-5`),
		"h:2: event 0: the time goes back from 0s to -5ns (accepted: times that never do)"},
	{"a time that goes back", small(`"time":7`, `"time":4`),
		"h:3: event 1: the time goes back from 5ns to 4ns (accepted: times that never do)"},
	{"a completion without an invocation",
		lines(header, strings.Replace(completion, `"index":1`, `"index":0`, 1)),
		"h:2: event 0: operation 1 completes without having been invoked"},
	{"a completion of a number that was left out",
		after(strings.NewReplacer(`"index":0`, `"index":2`, `"op":1`, `"op":3`, `"time":5`,
			`"time":9`).Replace(invocation),
			strings.NewReplacer(`"index":1`, `"index":3`, `"op":1`, `"op":2`, `"time":7`,
				`"time":9`).Replace(completion)),
		"h:5: event 3: operation 2 completes without having been invoked"},
	{"a second completion", after(strings.Replace(completion, `"index":1`, `"index":2`, 1)),
		"h:4: event 2: operation 1 completes a second time"},
	{"a completion by another process", small(`"ok","op":1,"process":0`, `"ok","op":1,"process":3`),
		"h:3: event 1: operation 1 completes for process 3 (accepted: 0, which invoked it)"},
	{"a completion at another node",
		small(completion, strings.Replace(completion, "n1", "n2", 1)),
		`h:3: event 1: operation 1 completes as read of "r0" at "n2" ` +
			`(accepted: as invoked, read of "r0" at "n1")`},
	{"a second invocation",
		after(strings.NewReplacer(`"index":0`, `"index":2`, `"time":5`, `"time":9`).
			Replace(invocation)),
		"h:4: event 2: operation 1 is invoked a second time"},
	{"an operation out of order",
		small(invocation+"\n"+completion, strings.Replace(invocation, `"op":1`, `"op":5`, 1)+"\n"+
			strings.NewReplacer(`"index":0`, `"index":1`, `"op":1`, `"op":4`,
				`"process":0`, `"process":1`).Replace(invocation)),
		"h:3: event 1: operation 4 is invoked after operation 5 (accepted: numbers that rise)"},
	{"a negative operation", small(`"op":1`, `"op":-1`),
		"h:2: event 0: the number of an operation is -1 (accepted: from 1 on)"},
	{"a process that is busy",
		small(completion, strings.NewReplacer(`"index":0`, `"index":1`, `"op":1`, `"op":2`).
			Replace(invocation)),
		"h:3: event 1: process 0 calls operation 2 while its operation 1 is in flight " +
			"(accepted: one at a time)"},
	{"a process that goes on after an unknown outcome",
		small(completion,
			strings.NewReplacer(`"type":"ok"`, `"type":"info"`, `,"returned":null`, "").
				Replace(completion)+"\n"+
				strings.NewReplacer(`"index":0`, `"index":2`, `"op":1`, `"op":2`, `"time":5`,
					`"time":9`).Replace(invocation)),
		"h:4: event 2: process 0 calls operation 2 after one of unknown outcome " +
			"(accepted: a new process)"},
}

func TestWhatIsNoHistoryIsRefusedInOneLine(t *testing.T) {
	for _, test := range malformed {
		t.Run(test.name, func(t *testing.T) {
			_, err := history.ReadAll(strings.NewReader(test.text), "h")
			require.EqualError(t, err, "read the history: "+test.want)
			require.NotContains(t, err.Error(), "\n")

			if test.text == "" {
				return
			}
			_, err = history.ReadAll(strings.NewReader(zipped(t, test.text)), "h")
			require.EqualError(t, err, "read the history: "+test.want, "compressed")
		})
	}
}

// Escapes that are whole characters, or no escapes at all, are not halves.
func TestEscapesAreReadAsTheyStand(t *testing.T) {
	for escaped, want := range map[string]string{
		`\ud83d\ude00`: "😀", `\\ud83d`: `\ud83d`, `\\\ud83d\ude00\\`: `\😀\`, `\u00e9\ufffd`: "é\ufffd",
	} {
		text := lines(header, strings.Replace(invocation, "r0", escaped, 1))
		h, err := history.ReadAll(strings.NewReader(text), "h")
		require.NoError(t, err, escaped)
		require.Equal(t, want, h.Operations()[0].Key)
	}
}

// marks returns so many lines that cannot be compressed well, from an index on.
func marks(index, n int) string {
	random := rand.New(rand.NewPCG(11, 12))
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"index":%d,"time":9,"type":"mark","mark":{"name":"%x"}}`+"\n",
			index+i, random.Uint64())
	}
	return text.String()
}

// What was cut short is the history so far, and is told from what is damaged.
func TestWhatIsCutShortAndWhatIsDamaged(t *testing.T) {
	whole := after()
	compressed := zipped(t, whole)
	// So long that the middle of the compressed file is in the midst of some line.
	long := zipped(t, whole+marks(2, 4000))
	for _, test := range []struct {
		name, text string
		events     int
		cut        string
		refused    string
	}{
		{name: "nothing", text: whole, events: 2},
		{name: "only the last end of line", text: whole[:len(whole)-1], events: 2},
		{name: "the last line", text: whole[:len(whole)-2], events: 1,
			cut: "h:3: the last line is cut short after 100 bytes"},
		{name: "in a character", text: lines(header, invocation) + "{\"node\":\"\xc3", events: 1,
			cut: "h:3: the last line is cut short after 10 bytes"},
		{name: "in an escape", text: lines(header, invocation) + `{"node":"\ud83d`, events: 1,
			cut: "h:3: the last line is cut short after 15 bytes"},
		{name: "followed by zero bytes",
			text: lines(header, invocation) + completion[:50] + strings.Repeat("\x00", 4096), events: 1,
			cut: "h:3: the last line is cut short after 50 bytes"},
		{name: "nothing but zero bytes after the lines", text: whole + "\x00\x00", events: 2,
			cut: "h:4: the last line is cut short after 0 bytes"},
		{name: "everything but the header", text: header, events: 0},
		{name: "compressed, nothing", text: compressed, events: 2},
		{name: "compressed, the checksum", text: compressed[:len(compressed)-1], events: 2,
			cut: "h:3: the compressed file is cut short after this line"},
		{name: "compressed, the first bytes", text: compressed[:3],
			refused: "h: the compressed file is cut short before the end of its first line, " +
				"and nothing can be read without it"},
		{name: "compressed, all but the first bytes", text: compressed[:12],
			refused: "h: the compressed file is cut short before the end of its first line, " +
				"and nothing can be read without it"},
		{name: "compressed, damaged at the beginning", text: "\x1f\x8b" + whole,
			refused: "h: the compressed file is damaged at its beginning: gzip: invalid header"},
		{name: "compressed, a wrong checksum",
			text:    compressed[:len(compressed)-8] + "\x00\x00\x00\x00" + compressed[len(compressed)-4:],
			refused: "h:4: the file cannot be read from here on: gzip: invalid checksum"},
		{name: "compressed, something after it", text: compressed + "more than that",
			refused: "h:4: the file cannot be read from here on: gzip: invalid header"},
		{name: "compressed, damaged in the middle",
			text:    long[:len(long)/2] + strings.Repeat("\xff", 20) + long[len(long)/2+20:],
			refused: "read the history: h:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, err := history.ReadAll(strings.NewReader(test.text), "h")
			if test.refused != "" {
				require.ErrorContains(t, err, test.refused)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.cut, h.Cut)
			require.Len(t, h.Events, test.events)
		})
	}
}

// A disk that fails is no cut, even in the midst of a line.
func TestAnErrorOfTheFileIsNotACut(t *testing.T) {
	failing := iotest.ErrReader(errors.New("input/output error"))
	for _, text := range []string{header + "\n", header + "\n" + invocation[:30]} {
		_, err := history.ReadAll(io.MultiReader(strings.NewReader(text), failing), "h")
		require.EqualError(t, err, "read the history: h:2: "+
			"the file cannot be read from here on: input/output error")
	}
}

func TestADirectoryIsNoHistory(t *testing.T) {
	directory := t.TempDir()
	_, err := history.ReadFile(directory)
	require.EqualError(t, err, "open the history: "+directory+" is a directory "+
		"(accepted: a file of JSON Lines, compressed by gzip or not)")
	_, err = history.ReadFile(filepath.Join(directory, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
