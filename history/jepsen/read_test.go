package jepsen_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/history/jepsen"
	"ordeal/linearizability"
)

func read(t testing.TB, text string, o jepsen.Options) jepsen.Import {
	t.Helper()
	i, err := jepsen.Read(strings.NewReader(text), "h", o)
	require.NoError(t, err)
	return i
}

// told returns what is known of each operation, in short.
func told(ops []history.Operation) []string {
	var lines []string
	for _, op := range ops {
		said := fmt.Sprintf("%d/c%d %s %s", op.Process, op.Client, op.Kind, op.Key)
		switch op.Kind {
		case history.Write:
			said += " " + op.Value.String()
		case history.CompareAndSet:
			said += fmt.Sprintf(" %v→%v", op.Expected, op.Value)
		}
		said += " " + string(op.Outcome)
		switch {
		case op.Outcome != history.OK:
			said += " (" + op.Error + ")"
		case op.Kind == history.Read:
			said += " " + op.Returned.String()
		case op.Applied:
			said += " applied"
		case op.Blind:
			said += " refused"
		}
		lines = append(lines, said)
	}
	return lines
}

func TestHowOperationsInEDNAreRead(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a vector", `[{:process 0, :type :invoke, :f :write, :value 3}
			{:process 0, :type :ok, :f :write, :value 3}]`,
			[]string{"0/c0 write register 3 ok"}},
		{"a list with comments and without commas", `; of a bug
			({:process 7 :type :invoke :f :read :value nil} ; nobody knows yet
			 #_ {:process 8 :type :ok} {:process 7 :type :ok :f :read :value 3})`,
			[]string{"0/c7 read register ok 3"}},
		{"maps one after the other, as records, with keys that say nothing",
			`#jepsen.history.Op{:index 0, :process 1, :type :invoke, :f :cas, :value [1 2], :x {:y #{1}}}
			#knossos.op.Op{:f :cas :value [1 2] :type :ok :process 1 :exception #error {:via [0xff]}}`,
			[]string{"0/c1 cas register 1→2 ok applied"}},
		{"what failed never happened, and says why", `{:process 1 :type :invoke :f :cas :value [1 2]}
			{:process 1 :type :fail :f :cas :value [1 2] :error :not-there}
			{:process 1 :type :invoke :f :write :value 1} {:process 1 :type :fail :f :write :error nil}`,
			[]string{"0/c1 cas register 1→2 fail (:not-there)",
				"0/c1 write register 1 fail (the history says :fail)"}},
		{"what is unknown ends the process, which goes on as another one, and so does no answer",
			`{:process 1 :type :invoke :f :write :value 1}
			{:process 1 :type :info :f :write :value :timed-out :error [:gone "n1"]}
			{:process 1 :type :invoke :f :write :value 2} {:process 1 :type :info :f :write}
			{:process 2 :type :invoke :f :write :value 3} {:process 1 :type :invoke :f :write :value 4}`,
			[]string{`0/c1 write register 1 info ([:gone "n1"])`,
				"1/c1 write register 2 info (the history says :info)",
				"2/c2 write register 3 info (no completion was recorded)",
				"3/c1 write register 4 info (no completion was recorded)"}},
		{"a read of nil is left out", `{:process 1 :type :invoke :f :read :value nil}
			{:process 2 :type :invoke :f :read} {:process 1 :type :ok :f :read :value nil}
			{:process 2 :type :ok :f :read} {:process 1 :type :invoke :f :read :value 5}
			{:process 1 :type :ok :f :read :value 6}`,
			[]string{"0/c1 read register ok 6"}},
		{"independent keys", `{:process 1 :type :invoke :f :read :value [:a nil]}
			{:process 2 :type :invoke :f :write :value #jepsen.independent/tuple ["b" 1]}
			{:process 3 :type :invoke :f :cas :value [7 [1 2]]} {:process 1 :type :ok :f :read :value [:a 3]}
			{:process 2 :type :ok :f :write :value ["b" 1]} {:process 3 :type :ok :f :cas :value [7N [1 2]]}
			{:process 1 :type :invoke :f :read :value [:a nil]}
			{:process 1 :type :ok :f :read :value [:a nil]}`,
			[]string{"0/c1 read :a ok 3", `1/c2 write "b" 1 ok`, "2/c3 cas 7 1→2 ok applied"}},
		{"who is no client leaves marks", `{:process :nemesis :type :info :f :start :value nil}
			{:process 1 :type :invoke :f :write :value 1} {:process :nemesis :type :info :f :read}
			{:process "x" :type :log :f nil-of-mine} {:process 1 :type :ok :f :write}`,
			[]string{"0/c1 write register 1 ok"}},
		{"nil is nothing", `{:process 1 :type :invoke :f :cas :value [nil 2]}
			{:process 1 :type :ok :f :cas :value [nil 2]} {:process 1 :type :invoke :f :write :value nil}
			{:process 1 :type :ok :f :write :value nil}`,
			[]string{"0/c1 cas register nothing→2 ok applied", "0/c1 write register nothing ok"}},
		{"nothing at all", `[ ]`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := read(t, c.text, jepsen.Options{})
			require.Equal(t, c.want, told(i.Operations()))
			require.Equal(t, jepsen.EDN, i.Format)
			require.Equal(t, "register", i.Header.Model)
			require.Empty(t, i.Cut)
		})
	}
}

// The events are those of the file, so that "event 4" can be found in it.
func TestEventsAreThoseOfTheFile(t *testing.T) {
	i := read(t, `[{:process :nemesis :type :info :f :start :time 5}
		{:process 1 :type :invoke :f :read :time 20}
		{:process 2 :type :invoke :f :write :value 1 :time 19}
		{:process 1 :type :ok :f :read :value nil :time 30} {:process 2 :type :ok :f :write :time 1e3}
		{:process 2 :type :invoke :f :write :value 2 :time 99999999999999999999}]`, jepsen.Options{})
	require.Equal(t, 1, i.NilReads)
	require.Equal(t, 1, i.Others)
	var got []string
	for at, e := range i.Events {
		require.EqualValues(t, at, e.Index)
		name := ""
		if e.Mark != nil {
			name = " " + e.Mark.Name + ": " + e.Mark.Detail
		}
		got = append(got, fmt.Sprintf("%d %s%s", e.Time, e.Type, name))
	}
	require.Equal(t, []string{
		"5 mark other-process: :nemesis :start", "20 mark read-of-nil: process 1", "20 invoke",
		"30 mark read-of-nil: process 1", "30 ok", "30 invoke",
	}, got, "times never go back")
	write := i.Events[4].Operation
	require.EqualValues(t, []int64{2, 4}, []int64{write.Call, write.Return})
}

func TestHowLogsAreRead(t *testing.T) {
	i := read(t, "INFO  jepsen.core - Everything up\n"+
		"INFO  jepsen.util - 0\t:invoke\t:read\tnil\n"+
		"INFO  jepsen.util - :nemesis :info :start \"cut\"\n"+
		"INFO  jepsen.util - 0\t:ok\t:read\tnil\r\n"+
		"INFO  jepsen.util - 1   :invoke :cas    [1 2]\n"+
		"INFO  jepsen.util - 2   :invoke :cas    [3 4]\n"+
		"INFO  jepsen.util - 1   :fail   :cas    [1 2]\n"+
		"INFO  jepsen.util - 2   :ok     :cas    [3 4]\n"+
		"INFO  jepsen.util - 0   :invoke :read   nil\n"+
		"INFO  jepsen.util - 0   :fail   :read   :timed-out\n"+
		"INFO  jepsen.util - 0   :invoke :write  3\n"+
		"INFO  jepsen.util - 0   :info   :write  :timed-out\n"+
		"INFO  jepsen.util - 1   :invoke :read   nil\n"+
		"INFO  jepsen.util - 1   :ok     :read   3\n"+
		"INFO  jepsen.util - 1   :invoke :write  5\n"+
		"INFO  jepsen.util - 1   :fail   :write  5\n", jepsen.Options{})
	require.Equal(t, []string{
		"0/c0 read register ok nothing", "1/c1 cas register 1→2 ok refused",
		"2/c2 cas register 3→4 ok applied", "0/c0 read register info (:timed-out)",
		"3/c0 write register 3 info (:timed-out)", "1/c1 read register ok 3",
		"1/c1 write register 5 info (5)",
	}, told(i.Operations()))
	require.Equal(t, jepsen.Log, i.Format)
	require.Equal(t, 2, i.Others)
	require.Zero(t, i.NilReads)
}

// Histories of our own making with known verdicts, one for each thing that makes a difference.
func TestVerdicts(t *testing.T) {
	write := func(process, value string) string {
		return fmt.Sprintf("{:process %[1]s :type :invoke :f :write :value %[2]s}\n"+
			"{:process %[1]s :type :ok :f :write :value %[2]s}\n", process, value)
	}
	read1 := func(value string) string {
		return "{:process 1 :type :invoke :f :read}\n" +
			"{:process 1 :type :ok :f :read :value " + value + "}\n"
	}
	cas := func(outcome, pair string) string {
		return fmt.Sprintf("{:process 2 :type :invoke :f :cas :value %[2]s}\n"+
			"{:process 2 :type %[1]s :f :cas :value %[2]s}\n", outcome, pair)
	}
	zero := history.NewValue("0")
	for _, c := range []struct {
		name, text string
		initial    history.Value
		legal      bool
	}{
		{"a read of what was written", write("0", "1") + read1("1"), history.Value{}, true},
		{"a read of what was not", write("0", "1") + read1("2"), history.Value{}, false},
		{"a stale read", write("0", "1") + write("0", "2") + read1("1"), history.Value{}, false},
		{"a string is no number", write("0", `"1"`) + read1("1"), history.Value{}, false},
		{"equal texts of a string", write("0", `"\u0041"`) + read1(`"A"`), history.Value{}, true},
		{"equal texts of a form", write("0", "{:a 1, :b (1 2)}") + read1("{:b [1 2N] :a +1}"),
			history.Value{}, true},
		{"nil was read after a write", write("0", "1") + read1("nil"), history.Value{}, true},
		{"a failed write was seen", cas(":fail", "[1 2]") + read1("2"), history.Value{}, false},
		{"an unknown one was", write("0", "1") + cas(":info", "[1 2]") + read1("2"),
			history.Value{}, true},
		{"an unknown one was not", write("0", "1") + cas(":info", "[1 2]") + read1("1"),
			history.Value{}, true},
		{"an unknown one was, and was then undone", write("0", "1") + cas(":info", "[1 2]") +
			read1("2") + read1("1"), history.Value{}, false},
		{"a failed compare-and-set that could have applied says nothing",
			write("0", "1") + cas(":fail", "[1 2]") + read1("1"), history.Value{}, true},
		{"a compare-and-set from nothing", cas(":ok", "[nil 2]") + read1("2"), history.Value{}, true},
		{"after a write of nil", write("0", "1") + write("0", "nil") + cas(":ok", "[nil 2]"),
			history.Value{}, true},
		{"zero was never written", read1("0"), history.Value{}, false},
		{"zero was there at first", read1("0"), zero, true},
		{"and not later", write("0", "1") + read1("0"), zero, false},
		{"a compare-and-set from zero", cas(":ok", "[0 1]") + read1("1"), zero, true},
		{"from nothing, where zero was", cas(":ok", "[nil 1]"), zero, false},
		{"zero of every key", `{:process 1 :type :invoke :f :write :value [:a 1]}
			{:process 2 :type :invoke :f :read :value [:b nil]} {:process 1 :type :ok :f :write}
			{:process 2 :type :ok :f :read :value [:b 0]}`, zero, true},
		{"keys are judged apart", `{:process 1 :type :invoke :f :write :value [:a 1]}
			{:process 1 :type :ok :f :write} {:process 2 :type :invoke :f :read :value [:b nil]}
			{:process 2 :type :ok :f :read :value [:b 1]}`, history.Value{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := linearizability.Illegal
			if c.legal {
				want = linearizability.Legal
			}
			for _, text := range []string{c.text, "[" + c.text + "]", "(" + c.text + "\n)"} {
				i := read(t, text, jepsen.Options{Initial: c.initial})
				require.Equal(t, want, check(t, i.Operations(), linearizability.Options{}).Verdict)
			}
		})
	}
}

func zipped(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

func TestCompressedFiles(t *testing.T) {
	edn := `[{:process 0 :type :invoke :f :write :value 1} {:process 0 :type :ok :f :write}]`
	log := "INFO  jepsen.util - 0 :invoke :write 1\nINFO  jepsen.util - 0 :ok :write 1\n"
	for _, text := range []string{edn, log} {
		require.Equal(t, read(t, text, jepsen.Options{}), read(t, zipped(t, text), jepsen.Options{}))
	}
	path := filepath.Join(t.TempDir(), "h.edn.gz")
	require.NoError(t, os.WriteFile(path, []byte(zipped(t, edn)), 0o644))
	i, err := jepsen.ReadFile(path, jepsen.Options{})
	require.NoError(t, err)
	require.Len(t, i.Operations(), 1)
	_, err = jepsen.ReadFile(filepath.Join(t.TempDir(), "missing"), jepsen.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = jepsen.ReadFile(t.TempDir(), jepsen.Options{})
	require.ErrorContains(t, err, "is a directory")
}

func TestDetect(t *testing.T) {
	log := "INFO  jepsen.util - 0\t:invoke\t:read\tnil\n"
	for text, want := range map[string]jepsen.Format{
		"":                                       "",
		" \n":                                    "",
		`{"format":"ordeal-history"`:             "",
		"{ \n \"format\"":                        "",
		"workload: register":                     "",
		"{:process 1":                            jepsen.EDN,
		"\n; a comment\n[":                       jepsen.EDN,
		"\uFEFF({":                               jepsen.EDN,
		"#jepsen.history.Op{":                    jepsen.EDN,
		"{":                                      jepsen.EDN,
		log:                                      jepsen.Log,
		"WARN  something else before it\n" + log: jepsen.Log,
	} {
		require.Equal(t, want, jepsen.Detect([]byte(text)), "%q", text)
		require.Equal(t, want, jepsen.Detect([]byte(zipped(t, text))), "%q, compressed", text)
	}
	whole := zipped(t, strings.Repeat(log, 10_000))
	require.Equal(t, jepsen.Log, jepsen.Detect([]byte(whole[:len(whole)/2])), "the rest is missing")
	require.Empty(t, jepsen.Detect([]byte("\x1f\x8b\x00")))
}

func TestParseValue(t *testing.T) {
	for text, want := range map[string]history.Value{
		"0": history.NewValue("0"), " +00N": history.NewValue("0"), `"a"`: history.NewValue(`"a"`),
		"nil":   {},
		"(1 2)": history.NewValue("[1 2]"),
	} {
		got, err := jepsen.ParseValue(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "  ", "1 2", "[", "]", "\"a", "#{1 1}", "^"} {
		_, err := jepsen.ParseValue(text)
		require.ErrorContains(t, err, "(accepted: one form of EDN, such as 0)", text)
		require.NotContains(t, err.Error(), "\n")
	}
}
