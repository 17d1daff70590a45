package jepsen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/history/jepsen"
)

const (
	write1 = "{:process 1 :type :invoke :f :write :value 1}\n"
	wrote1 = "{:process 1 :type :ok :f :write :value 1}\n"
	logged = "INFO  jepsen.util - "
)

// What is no history is refused with the line, and never judged.
var malformed = []struct{ name, text, want string }{
	{"a completion without a call", write1 + wrote1 + wrote1,
		"h:3: process 1 completes an operation without having called one"},
	{"an unknown one without a call", "{:process 1 :type :info :f :write :value 1}", "h:1: process 1"},
	{"two at once", write1 + write1,
		"h:2: process 1 calls an operation while that of line 1 is in flight (accepted: one at a time)"},
	{"another operation completes", write1 + "{:process 1 :type :ok :f :read :value 1}",
		"h:2: process 1 completes a read, and called a write in line 1"},
	{"another value completes", write1 + "{:process 1 :type :ok :f :write :value 2}",
		"h:2: the operation completes with the value 2, and was called with 1 in line 1"},
	{"nil completes a write", write1 + "{:process 1 :type :ok :f :write :value nil}", "h:2: "},
	{"an operation of another model", "[\n{:process 0, :type :invoke, :f :append, :value 1}]",
		"h:2: :f is :append (accepted: :read, :write and :cas, those of a register)"},
	{"an operation that is no keyword", `{:process 0, :type :invoke, :f "read"}`, `h:1: :f is "read"`},
	{"a tag as an operation", `{:process 0, :type :invoke, :f #:read {}}`, `h:1: :f is #:read {}`},
	{"an unknown type", "{:process 0, :type :done, :f :read}",
		"h:1: :type is :done (accepted: :invoke, :ok, :fail and :info)"},
	{"no process", "{:type :invoke, :f :read}", "h:1: an operation needs :process"},
	{"nil as the process", "{:process nil :type :invoke, :f :read}",
		"h:1: an operation needs :process"},
	{"no type", "{:process 1, :f :read}", "h:1: an operation needs :type"},
	{"no :f", "{:process 1, :type :invoke}", "h:1: an operation needs :f"},
	{"a negative process", "{:process -1 :type :invoke :f :read}", "h:1: the process is -1"},
	{"a huge process", "{:process 18446744073709551616 :type :invoke :f :read}",
		"h:1: :process is 18446744073709551616"},
	{"a client that is no number", "{:process :a :type :invoke :f :write :value 1}",
		"h:1: process :a calls :write (accepted: numbers as the processes that do)"},
	{"a field twice", "{:process 1 :process 2 :type :invoke :f :read}", "has :process twice"},
	{"a write of what", "{:process 1 :type :invoke :f :write}", "h:1: a call of :write needs :value"},
	{"a cas without a pair", "{:process 1 :type :invoke :f :cas :value 3}",
		"h:1: a :cas needs a pair (accepted: :value [from to], or [key [from to]])"},
	{"a cas of three", "{:process 1 :type :invoke :f :cas :value [1 2 3]}",
		"h:1: a :cas needs a pair"},
	{"a key that was not there", write1 + "{:process 2 :type :invoke :f :write :value [1 2]}",
		"h:2: the value has a key, as in [key value], and that of line 1 has not " +
			"(accepted: all or none)"},
	{"a key that was there", "{:process 2 :type :invoke :f :write :value [1 2]}" + write1,
		"h:1: the value has not a key, as in [key value], and that of line 1 has"},
	{"a tuple of one", "{:process 2 :type :invoke :f :write :value #jepsen.independent/tuple [1]}",
		"h:1: #jepsen.independent/tuple needs a key and a value"},
	{"another key", `{:process 2 :type :invoke :f :read :value [1 nil]}
		{:process 2 :type :ok :f :read :value [2 1]}`, "h:2: process 2 reads the key 2, and called"},
	{"no map", "[1]", "h:1: this is no operation (accepted: maps with :process"},
	{"a vector in a vector", "[[" + write1 + "]]", "h:1: this is no operation"},
	{"JSON", `[{"process": 1}]`, "h:1: "},
	{"a bracket too many", write1 + "}", "h:2: there is a } that closes nothing"},
	{"the wrong bracket at the end", "[" + write1 + ")", "h:2: there is a ) where a ] closes"},
	{"something behind the end", "[" + write1 + "]\n" + write1,
		"h:3: there is something after the end"},
	{"a bracket missing inside", "{:process 1 :type :invoke :f :cas :value [1 2}\n",
		"h:1: there is a } where what begins in line 1 needs a ]"},
	{"a bracket missing between operations", "[{:process 1 :type :invoke :f :read\n" + write1 + "]",
		"h:3: there is a ] where what begins in line 1 needs a }"},
	{"a bracket missing between lines",
		"{:process 1 :type :invoke :f :read :value 1\n" + write1 + wrote1,
		"h:2: an operation begins inside one that does not end (is a bracket missing?)"},
	{"a quote missing", "{:process 1 :type :invoke :f :write :value \"a}\n" + write1,
		"h:1: a string begins here that does not end"},
	{"a key without a value", "{:process 1 :type}", "h:1: a map has a key without a value"},
	{"no EDN", "{:process @a}", "h:1: @a is no EDN"},
	{"an object", "{:process 1 :x #<Object 1>}",
		"h:1: #<Object is no EDN (accepted: #tag, #{ and #_)"},
	{"a pattern", `{:process 1 :x #"a"}`, "h:1: # is no EDN"},
	{"nothing to discard", "{:process #_}", "h:1: there is a # with nothing behind it"},
	{"no keyword", "{: 1}", "h:1: : is no keyword"},
	{"no number", "{:process 08}", "h:1: 08 is no number: it begins with 0 and is not to base 8"},
	{"a word of digits", "{:process 1x}", "h:1: 1x is no number: this is how none is written"},
	{"a division by zero", "{:process 1/0}", "h:1: 1/0 is no number: it divides by zero"},
	{"a base", "{:process 37r1}", "h:1: 37r1 is no number: its base is 37 (accepted: 2 to 36)"},
	{"a digit", "{:process 2r2}", "h:1: 2r2 is no number: it has a digit that base 2 has not"},
	{"too large a number", "{:process 1e400}", "is no number: it is too large for 64 bits"},
	{"too large an exponent", "{:process 1e99999999999M}", "is no number: its exponent is too large"},
	{"too long a number", "{:process 0x" + strings.Repeat("f", 2000) + "}", "it is longer than 1000"},
	{"a zero byte", "{:process\x00 1}", "h:1: there is a zero byte"},
	{"a control character", "{:process a\x01}", `h:1: "a\x01" has a character that cannot be seen`},
	{"an escape of a line's end", "{:process \"\\\n\"}", `h:2: "\\\n" in a string means nothing`},
	{"no UTF-8", "{:process a\xff}", "is not UTF-8"},
	{"no UTF-8 in a string", "{:process \"a\xff\"}", "h:1: a string is not UTF-8"},
	{"half a character", `{:process "\ud83d"}`, `h:1: \ud83d is half of a character`},
	{"the wrong half", `{:process "\ud83dA"}`, `h:1: \ud83d is half of a character`},
	{"an unknown escape", `{:process "\q"}`, `h:1: "\\q" in a string means nothing (accepted: \t`},
	{"an escape without digits", `{:process "\uzzzz"}`, `is no character`},
	{"no character", `{:process \ab}`, `h:1: "\\ab" is no character`},
	{"not a number", "{:process ##NaN}", "h:1: ##NaN cannot be compared (accepted: ##Inf and ##-Inf)"},
	{"a set that is none", "{:process 1 :type :invoke :f :write :value #{1 1N}}",
		"h:1: a set holds an item twice"},
	{"a map that is none", "{:process 1 :type :invoke :f :write :value {1 1 1 2}}",
		"h:1: a map holds the key 1 twice"},
	{"too deep", "{:process " + strings.Repeat("[", 100_000),
		"h:1: there are more than 200 forms in each other"},
	{"too deep in tags", "{:process " + strings.Repeat("#a ", 100_000), "more than 200 forms"},
	{"too long", "{:process \"" + strings.Repeat("a", 2<<20),
		"an operation is longer than 1048576 bytes"},
	{"too many", "{:process " + strings.Repeat("1 ", 1<<20), "an operation is longer than"},
	{"too long a word", "{:process " + strings.Repeat("a", 2<<20), "an operation is longer than"},
	{"too large a value", write1[:len(write1)-3] + strings.Repeat("1", 20_000) + "}",
		"h:1: a value has 20000 bytes (accepted: at most 10000)"},
	{"another format", "workload: register\n", "h:1: the format is not known (accepted: "},
	{"nothing", "", "h:1: the format is not known"},

	{"a log of what", logged + "3 :invoke\n", "h:1: the line has 2 parts (accepted: 4, such as"},
	{"a log of more", logged + "3 :invoke :write 1 2\n", "h:1: the line has 5 parts"},
	{"a torn value", logged + "3 :invoke :cas [1 2\n", "h:1: the line ends in the middle of a value"},
	{"a bracket in a log", logged + "3 :invoke :write ]\n", "h:1: there is a ] that closes nothing"},
	{"a log of another model", logged + "3 :invoke :append 1\n", "h:1: the operation is :append"},
	{"another step", logged + "3 :done :read nil\n", "h:1: the operation is at :done"},
	{"a keyword as a value", logged + "3 :invoke :write :a\n", "h:1: a value is :a"},
	{"a log of keys", logged + "3 :invoke :cas [1 [2 3]]\n", "h:1: a value is [2 3]"},
	{"a log of a cas without a pair", logged + "3 :invoke :cas 1\n", "h:1: a :cas needs a pair"},
	{"a read of something", logged + "3 :invoke :read 1\n", "h:1: a :read is called with 1"},
	{"a log of two at once", logged + "3 :invoke :read nil\n" + logged + "3 :invoke :read nil\n",
		"h:2: process 3 calls an operation while that of line 1 is in flight"},
	{"a log without a call", logged + "3 :ok :read nil\n", "h:1: process 3 completes an operation"},
	{"a log of another value", logged + "3 :invoke :cas [1 2]\n" + logged + "3 :fail :cas [1 3]\n",
		"h:2: the operation completes with [1 3], and was called with [1 2] in line 1"},
	{"a log of no answer", logged + "3 :invoke :read nil\n" + logged + "3 :ok :read :timed-out\n",
		"h:2: the operation ends :ok with :timed-out"},
	{"a log of an odd answer", logged + "3 :invoke :read nil\n" + logged + "3 :ok :read [1]\n",
		"h:2: a value is [1] (accepted: whole numbers)"},
	{"a log of a huge process", logged + "18446744073709551616 :invoke :read nil\n",
		"h:1: the process"},
	{"a log of other things", "INFO  jepsen.core - hello\n",
		"h:1: no line says what a process did (accepted: lines such as"},
	{"too long a line", logged + strings.Repeat("a", 2<<20) + "\n", "h:1: the line is longer than"},
}

func TestWhatIsNoHistoryIsRefused(t *testing.T) {
	for _, c := range malformed {
		for _, text := range []string{c.text, zipped(t, c.text)} {
			_, err := jepsen.Read(strings.NewReader(text), "h", jepsen.Options{})
			require.ErrorContains(t, err, c.want, c.name)
			require.ErrorContains(t, err, "read the history: h:", c.name)
			require.NotContains(t, err.Error(), "\n", c.name)
			require.Less(t, len(err.Error()), 700, c.name)
		}
	}
	zero := jepsen.Options{Initial: history.NewValue("0")}
	_, err := jepsen.Read(strings.NewReader(logged+"3 :invoke :read nil\n"), "h", zero)
	require.EqualError(t, err, "read the history: h: an initial value is for the format jepsen only")
	_, err = jepsen.Read(strings.NewReader("\x1f\x8b\x00"), "h", jepsen.Options{})
	require.ErrorContains(t, err, "h: the compressed file is damaged at its beginning")
	damaged := []byte(zipped(t, strings.Repeat(write1+wrote1, 3)))
	damaged[len(damaged)-8] ^= 1
	_, err = jepsen.Read(strings.NewReader(string(damaged)), "h", jepsen.Options{Format: jepsen.EDN})
	require.ErrorContains(t, err, "the file cannot be read from here on: gzip: invalid checksum")
}

// A file may end anywhere: what is judged then is what stands before that, and Cut says where it
// was. Nothing that stands after the cut can have made any of it legal.
func TestFileThatIsCutShort(t *testing.T) {
	text := write1 + wrote1 + "{:process 1 :type :invoke :f :write :value \"two\"}\n" +
		"{:process 1\n :type :ok\n :f :write :value \"two\"}\n"
	whole := read(t, text, jepsen.Options{})
	for _, open := range []string{"", "[", "("} {
		for length := range len(text) {
			head := open + text[:length]
			i := read(t, head, jepsen.Options{Format: jepsen.EDN})
			for at, e := range i.Events {
				require.Equal(t, whole.Events[at], e)
			}
			require.Equal(t, strings.Count(text[:length], "}"), len(i.Events), head)
			begun := strings.HasSuffix(strings.TrimSpace(text[:length]), "}") || length == 0
			switch {
			case !begun:
				require.Equal(t, fmt.Sprintf("h:%d: the operation that begins here does not end",
					len(i.Events)+1), i.Cut)
			case open != "":
				line := 1 + strings.Count(head, "\n")
				require.Contains(t, i.Cut, fmt.Sprintf("h:%d: the ", line))
				require.Contains(t, i.Cut, " that closes what begins in line 1 is missing")
			default:
				require.Empty(t, i.Cut)
			}
		}
	}
	i := read(t, write1+"{:pro\x00\x00\x00", jepsen.Options{})
	require.Equal(t, "h:2: there are only zero bytes after this", i.Cut)
	require.Len(t, i.Events, 1)
	i = read(t, write1+wrote1+"\x00\x00", jepsen.Options{})
	require.Equal(t, "h:3: there are only zero bytes after this", i.Cut)
	require.Len(t, i.Events, 2)
}

func TestLogThatIsCutShort(t *testing.T) {
	text := logged + "3 :invoke :write 12\n" + logged + "3 :ok :write 12\n"
	i := read(t, text[:len(text)-2], jepsen.Options{})
	require.Len(t, i.Events, 1)
	require.Equal(t, "h:2: the last line has no end, and is left out", i.Cut)
	i = read(t, text, jepsen.Options{})
	require.Len(t, i.Events, 2)
	require.Empty(t, i.Cut)
}

// A compressed file of a process that died ends in the middle of its compression.
func TestCompressedFileThatIsCutShort(t *testing.T) {
	for _, c := range []struct{ text, line string }{
		{strings.Repeat(write1+wrote1, 20_000), write1},
		{"[" + strings.Repeat(write1+wrote1, 20_000) + "]", write1},
		{strings.Repeat(logged+"1 :invoke :write 1\n"+logged+"1 :ok :write 1\n", 20_000), ""},
	} {
		whole := zipped(t, c.text)
		i := read(t, whole[:len(whole)/2], jepsen.Options{})
		require.Contains(t, i.Cut, "the compressed file is cut short ")
		require.NotEmpty(t, i.Events)
		require.Less(t, len(i.Events), 40_000)
		i = read(t, whole, jepsen.Options{})
		require.Empty(t, i.Cut)
		require.Len(t, i.Events, 40_000)
	}
}
