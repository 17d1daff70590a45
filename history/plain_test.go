package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// A call in the plain form, up to its kind.
const plainCall = `{"index":1,"time":2,"type":"invoke","op":3,"process":4,"client":5,"node":"n1",`

var plainLines = []string{
	plainCall + `"f":"read","key":"r0"}`,
	plainCall + `"f":"read","key":"r0","final":true}` + "\n",
	plainCall + `"f":"cas","key":"ключ","value":"<` + "\x7f" + `&>","expected":null}` + "\n",
	plainCall + `"f":"cas","key":"r0","value":"","expected":"1"}` + "\n",
	`{"index":-1,"time":-0,"type":"ok","op":3,"process":-4,"f":"cas","key":"r0","applied":false,` +
		`"returned":null}`,
	`{"index":123456789012345678,"time":2,"type":"ok","op":3,"process":4,"f":"cas","key":"r0",` +
		`"applied":false,"blind":true}`,
	`{"index":1,"time":2,"type":"info","op":3,"process":4,"f":"read","key":"r0","error":"gone"}`,
	`{"index":1,"time":2,"type":"maybe","op":0,"f":"","applied":true,"blind":false}`,
}

// requireAsJSON checks that what is read as plain is what encoding/json reads, and tells whether
// the text was.
func requireAsJSON(t *testing.T, p *plainReader, text []byte) bool {
	t.Helper()
	got, plain := p.read(text)
	if !plain {
		return false
	}
	want, err := parseLine(text)
	require.NoError(t, err, "%s", text)
	require.Equal(t, want, got, "%s", text)
	return true
}

func TestPlainLinesAreReadAsJSON(t *testing.T) {
	p := newPlainReader()
	for _, text := range plainLines {
		require.True(t, requireAsJSON(t, p, []byte(text)), text)
	}
}

// What is not plain is not refused, nor guessed at, but left to the strict reader. Most of these
// lines that reader accepts, each of its kind; the others only it may word the refusal of.
func TestWhatIsNotPlainIsLeftAlone(t *testing.T) {
	p := newPlainReader()
	for name, text := range map[string]string{
		"nothing":                      "",
		"only an end":                  "\n",
		"a blank":                      `{"index": 1,"time":2,"type":"ok"}`,
		"a blank before the end":       `{"index":1,"time":2,"type":"ok"} ` + "\n",
		"a carriage return":            `{"index":1,"time":2,"type":"ok"}` + "\r\n",
		"two ends":                     `{"index":1,"time":2,"type":"ok"}` + "\n\n",
		"two objects":                  `{"index":1,"time":2,"type":"ok"}{}`,
		"another order":                `{"time":2,"index":1,"type":"ok"}`,
		"a field twice":                `{"index":1,"time":2,"type":"ok","op":3,"op":4}`,
		"a name in capitals":           `{"index":1,"time":2,"type":"ok","OP":3}`,
		"a name with an escape":        `{"index":1,"time":2,"type":"ok","\u006fp":3}`,
		"an unknown field":             `{"index":1,"time":2,"type":"ok","colour":3}`,
		"a mark":                       `{"index":1,"time":2,"type":"mark","mark":{"name":"m"}}`,
		"null for a number":            `{"index":1,"time":null,"type":"ok"}`,
		"null for a text":              `{"index":1,"time":2,"type":null}`,
		"null for a truth":             `{"index":1,"time":2,"type":"ok","applied":null}`,
		"no type":                      `{"index":1,"time":2}`,
		"a fraction":                   `{"index":1.0,"time":2,"type":"ok"}`,
		"an exponent":                  `{"index":1e0,"time":2,"type":"ok"}`,
		"a leading zero":               `{"index":01,"time":2,"type":"ok"}`,
		"a plus":                       `{"index":+1,"time":2,"type":"ok"}`,
		"a lone minus":                 `{"index":-,"time":2,"type":"ok"}`,
		"a number of 19 digits":        `{"index":9223372036854775807,"time":2,"type":"ok"}`,
		"a number of more than 64 bit": `{"index":18446744073709551616,"time":2,"type":"ok"}`,
		"an escape":                    `{"index":1,"time":2,"type":"o\u006b"}`,
		"half of a character":          `{"index":1,"time":2,"type":"\ud83d"}`,
		"a control character":          `{"index":1,"time":2,"type":"` + "\x1f" + `"}`,
		"a zero byte":                  `{"index":1,"time":2,"type":"ok"}` + "\x00",
		"what is not UTF-8":            `{"index":1,"time":2,"type":"` + "\xff" + `"}`,
		"half of what is UTF-8":        `{"index":1,"time":2,"type":"` + "\xc3" + `"}`,
	} {
		_, plain := p.read([]byte(text))
		require.False(t, plain, name)
	}
	for _, text := range plainLines {
		text = strings.TrimSuffix(text, "\n")
		for end := range len(text) {
			_, plain := p.read([]byte(text[:end]))
			require.False(t, plain, text[:end])
		}
	}
}

// FuzzPlainReader checks that whatever is read as plain is what encoding/json reads.
func FuzzPlainReader(f *testing.F) {
	for _, text := range plainLines {
		f.Add([]byte(text))
	}
	p := newPlainReader()
	f.Fuzz(func(t *testing.T, text []byte) { requireAsJSON(t, p, text) })
}

// Fuzzing's mutations, a few of them, on every run of the tests.
func TestDamagedPlainLinesAreReadAsJSON(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 32))
	p := newPlainReader()
	plain := 0
	const tries = 50_000
	for range tries {
		text := []byte(plainLines[random.IntN(len(plainLines))])
		for range 1 + random.IntN(3) {
			text = damaged(random, text)
		}
		if requireAsJSON(t, p, text) {
			plain++
		}
	}
	require.Greater(t, plain, tries/50, "much of what is damaged is still a line")
	require.Less(t, plain, tries/2, "and much is not")
}

// damaged returns text with something replaced, left out, put in or moved.
func damaged(random *rand.Rand, text []byte) []byte {
	if len(text) == 0 {
		return text
	}
	at := random.IntN(len(text))
	to := at + random.IntN(min(12, len(text)-at)+1)
	const common = "0123456789-\"\\{}[],:.eE \n\x00\xff\xc3\xa9tfnab"
	switch random.IntN(4) {
	case 0:
		return bytes.Join([][]byte{text[:at], text[to:]}, nil)
	case 1:
		return bytes.Join([][]byte{text[:to], text[at:]}, nil)
	case 2:
		other := random.IntN(len(text))
		return bytes.Join([][]byte{text[:other], text[at:to], text[other:]}, nil)
	}
	changed := bytes.Clone(text)
	changed[at] = common[random.IntN(len(common))]
	return changed
}

// An eventOf has what fuzzing can make an event of.
func eventOf(kind, outcome uint8, numbers [3]int64, flags uint8, texts [4]string) Event {
	all := []Kind{Read, Write, CompareAndSet, Propose, Learn, "", Kind(texts[0])}
	value := func(bit uint8, text string) Value {
		if flags>>bit&1 == 0 {
			return Value{}
		}
		return NewValue(text)
	}
	op := Operation{
		ID: numbers[2], Process: int(numbers[0]), Client: int(numbers[1]), Node: texts[0],
		Kind: all[int(kind)%len(all)], Key: texts[1], Final: flags&1 == 1,
		Value: value(1, texts[2]), Expected: value(2, texts[3]),
	}
	e := Event{
		Index: numbers[0], Time: time.Duration(numbers[1]), Operation: &op,
		Type: types[int(outcome)%len(types)],
	}
	op.Result = Result{
		Outcome: Outcome(e.Type), Returned: value(3, texts[2]), Applied: flags>>4&1 == 1,
		Blind: flags>>5&1 == 1, Error: texts[3],
	}
	if flags>>6 == 3 {
		e.Mark = &Mark{Name: texts[0]}
	}
	return e
}

// requireSameBytes checks that an event that is written plain is what encoding/json makes of it,
// and that its line is read plain; and tells whether it was.
func requireSameBytes(t *testing.T, p *plainReader, e Event) bool {
	t.Helper()
	l := e.line()
	text, plain := l.appendPlain([]byte("before"))
	if !plain {
		return false
	}
	want, err := e.MarshalJSON()
	require.NoError(t, err)
	require.Equal(t, "before"+string(want), string(text))
	if max(magnitude(e.Index), magnitude(int64(e.Time)), magnitude(e.Operation.ID)) < 1e18 {
		require.True(t, requireAsJSON(t, p, want), "%s", want)
	}
	return true
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// FuzzPlainWriter checks that whatever is written as plain is what encoding/json writes, also where
// it is no history.
func FuzzPlainWriter(f *testing.F) {
	f.Add(uint8(0), uint8(0), int64(1), int64(2), int64(3), uint8(0), "n1", "r0", "17", "18")
	f.Add(uint8(2), uint8(1), int64(-1), int64(0), int64(0), uint8(0xff), "", "é", "<", "\u2028")
	f.Add(uint8(5), uint8(1), int64(0), int64(0), int64(0), uint8(0), "", "", "", "")
	f.Add(uint8(6), uint8(5), int64(math.MaxInt64), int64(math.MinInt64), int64(9), uint8(0x2e),
		`"`, `\`, "\x7f", "\xff")
	p := newPlainReader()
	f.Fuzz(func(t *testing.T, kind, outcome uint8, a, b, c int64, flags uint8,
		text1, text2, text3, text4 string) {
		e := eventOf(kind, outcome, [3]int64{a, b, c}, flags, [4]string{text1, text2, text3, text4})
		requireSameBytes(t, p, e)
	})
}

// Every byte by itself: what encoding/json escapes is left to it, and nothing else of ASCII.
func TestWhatNeedsAnEscapeIsLeftToJSON(t *testing.T) {
	p := newPlainReader()
	for c := range 256 {
		text := "a" + string([]byte{byte(c)}) + "b"
		e := eventOf(0, 0, [3]int64{}, 0, [4]string{"n1", text, "", ""})
		encoded, err := json.Marshal(text)
		require.NoError(t, err)
		asItIs := c < utf8.RuneSelf && len(encoded) == len(text)+2
		require.Equal(t, asItIs, requireSameBytes(t, p, e), "byte %#x", c)
	}
}

// The counts show that the short way is taken: all that a run with plain values records goes it.
func TestWhatAWriterWritesIsPlain(t *testing.T) {
	random := rand.New(rand.NewPCG(33, 34))
	var out bytes.Buffer
	w := NewWriter(&out, Header{})
	const calls = 2000
	for i := range calls {
		flags := uint8(random.IntN(64))
		node := []string{"", "n1"}[i/5%2]
		e := eventOf(uint8(i%5), 1+uint8(random.IntN(3)), [3]int64{int64(i), 5, 0}, flags,
			[4]string{node, fmt.Sprintf("r%d", i/100), strconv.Itoa(i), "connection refused"})
		now := time.Duration(i) * time.Hour
		w.Complete(w.Invoke(*e.Operation, now), e.Operation.Result, now)
	}
	require.NoError(t, w.Flush())
	lines := bytes.SplitAfter(bytes.TrimSuffix(out.Bytes(), []byte("\n")), []byte("\n"))[1:]
	require.Len(t, lines, 2*calls)
	p := newPlainReader()
	for _, text := range lines {
		require.True(t, requireAsJSON(t, p, text), "%s", text)
		var e Event
		require.NoError(t, e.UnmarshalJSON(text))
		require.True(t, requireSameBytes(t, p, e), "%s", text)
	}
}

// However many texts there are, and whatever comes of the bytes that they were made of.
func TestRecentTextsAreTheTextsThatWereGiven(t *testing.T) {
	random := rand.New(rand.NewPCG(35, 36))
	recent := newRecentTexts()
	given := map[string]string{}
	for range 10 * recentTextsMax {
		raw := bytes.Repeat([]byte{byte('a' + random.IntN(3))}, random.IntN(2*recentTextSizeMax))
		want := string(raw) + strconv.Itoa(random.IntN(recentTextsMax))
		raw = []byte(want)
		given[want] = recent.text(raw)
		clear(raw)
	}
	for want, got := range given {
		// Printing what differs would take minutes.
		require.True(t, want == got)
	}
	for _, text := range recent.texts {
		require.LessOrEqual(t, len(text), recentTextSizeMax)
	}
}
