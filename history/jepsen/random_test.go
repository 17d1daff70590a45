package jepsen_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/history/jepsen"
	"ordeal/linearizability"
)

// A recorder writes one random history twice: as Ordeal does, and in EDN.
type recorder struct {
	random *rand.Rand
	keyed  bool
	w      *history.Writer
	own    bytes.Buffer
	edn    []string
	holds  map[string]string
	// flying are the operations in flight by process, and took whether they took effect already.
	flying map[int]history.Operation
	took   map[int]history.Result
	now    time.Duration
	// next is the process that each client goes on as.
	next     map[int]int
	nilReads int
}

// record records so many steps of so many clients. Each operation takes effect at one moment
// between its call and its completion, but for a few that are told something wrong.
func record(random *rand.Rand, steps, clients int, initial string, keyed bool) *recorder {
	r := &recorder{
		random: random, keyed: keyed, holds: map[string]string{}, flying: map[int]history.Operation{},
		took: map[int]history.Result{}, next: map[int]int{},
	}
	r.w = history.NewWriter(&r.own, history.Header{Model: "register"})
	for i := range 3 {
		r.holds[r.key(i)] = "nil"
		if initial != "" && (keyed || i == 0) {
			r.holds[r.key(i)] = initial
			op := r.w.Invoke(history.Operation{
				Process: -1 - i, Kind: history.Write, Key: r.key(i), Value: valueOf(initial),
			}, 0)
			r.w.Complete(op, history.Result{Outcome: history.OK}, 0)
		}
	}
	for range steps {
		r.now += time.Duration(random.IntN(1000))
		client := random.IntN(clients)
		_, busy := r.flying[client]
		_, done := r.took[client]
		switch {
		case random.IntN(20) == 0:
			r.print(":nemesis", ":info", ":start", "nil")
		case !busy:
			r.call(client)
		case !done:
			r.effect(client)
		default:
			r.complete(client)
		}
	}
	return r
}

func (r *recorder) key(n int) string {
	if !r.keyed {
		return "register"
	}
	return []string{"0", ":b", `"c"`}[n]
}

// texts are values as they may be written; equal ones are in the same line.
var texts = [][]string{{"1", "1N", "+1"}, {`"1"`, `"\u0031"`}, {":a"}, {"1.5", "15e-1"}, {`\x`}}

// text returns one way to write a value.
func (r *recorder) text(value string) string {
	for _, equal := range texts {
		if equal[0] == value {
			return equal[r.random.IntN(len(equal))]
		}
	}
	return value
}

func (r *recorder) value() string {
	if r.random.IntN(10) == 0 {
		return "nil"
	}
	return texts[r.random.IntN(len(texts))][0]
}

func valueOf(text string) history.Value {
	if text == "nil" {
		return history.Value{}
	}
	return history.NewValue(text)
}

func (r *recorder) call(client int) {
	op := history.Operation{
		Process: client + 10*r.next[client], Client: client, Key: r.key(r.random.IntN(3)),
		Kind: []history.Kind{history.Read, history.Write, history.CompareAndSet}[r.random.IntN(3)],
	}
	if op.Kind != history.Read {
		op.Value = valueOf(r.value())
	}
	if op.Kind == history.CompareAndSet {
		op.Expected = valueOf(r.holds[op.Key])
	}
	r.printOperation(op, ":invoke", "nil")
	r.flying[client] = r.w.Invoke(op, r.now)
}

func ednOf(v history.Value) string {
	if !v.IsSet() {
		return "nil"
	}
	return v.Text()
}

// effect lets the operation of a client happen, or not.
func (r *recorder) effect(client int) {
	op := r.flying[client]
	result := history.Result{Outcome: history.OK}
	switch {
	case op.Kind == history.CompareAndSet && ednOf(op.Expected) != r.holds[op.Key],
		r.random.IntN(10) == 0:
		result.Outcome = history.Fail
	case op.Kind == history.Read:
		result.Returned = valueOf(r.holds[op.Key])
		if r.random.IntN(40) == 0 {
			result.Returned = valueOf(r.value())
		}
	default:
		result.Applied = op.Kind == history.CompareAndSet
		r.holds[op.Key] = ednOf(op.Value)
	}
	if r.random.IntN(10) == 0 {
		result = history.Result{Outcome: history.Info}
	}
	r.took[client] = result
}

func (r *recorder) complete(client int) {
	op, result := r.flying[client], r.took[client]
	delete(r.flying, client)
	delete(r.took, client)
	r.printOperation(op, ":"+string(result.Outcome), ednOf(result.Returned))
	if op.Kind == history.Read && result.Outcome == history.OK && !result.Returned.IsSet() {
		// What Knossos takes for a read of unknown result is one in Ordeal's words too.
		r.nilReads++
		result = history.Result{Outcome: history.Info}
	}
	if result.Outcome == history.Info {
		r.next[client]++
	}
	r.w.Complete(op, result, r.now)
}

// printOperation writes a map of EDN for the call or the completion of op.
func (r *recorder) printOperation(op history.Operation, outcome, read string) {
	value := r.text(ednOf(op.Value))
	switch op.Kind {
	case history.Read:
		value = r.text(read)
	case history.CompareAndSet:
		value = fmt.Sprintf("[%s %s]", r.text(ednOf(op.Expected)), value)
	}
	if r.keyed {
		tag := []string{"", "#jepsen.independent/tuple"}[r.random.IntN(2)]
		value = fmt.Sprintf("%s [%s %s]", tag, op.Key, value)
	}
	r.print(fmt.Sprint(op.Client), outcome, ":"+string(op.Kind), value)
}

func (r *recorder) print(process, outcome, f, value string) {
	fields := []string{
		":process " + process, ":type " + outcome, ":f " + f, ":value " + value,
		fmt.Sprintf(":time %d", r.now.Nanoseconds()), ":error nil", ":odd {:type 3}",
	}
	r.random.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	between := []string{", ", " ", "\n", ",,", " ;{\n"}[r.random.IntN(5)]
	tag := []string{"", "#jepsen.history.Op", "#knossos.op.Op "}[r.random.IntN(3)]
	r.edn = append(r.edn, tag+"{"+strings.Join(fields, between)+"}")
}

// around writes what stands around the operations.
func (r *recorder) around() string {
	text := strings.Join(r.edn, "\n")
	switch r.random.IntN(4) {
	case 0:
		return "[" + text + "]"
	case 1:
		return "; " + "a list\n(" + text + "\n)\n"
	case 2:
		return text
	}
	return strings.Join(r.edn, "")
}

// What is judged must not depend on the format: a history that is read in EDN has the operations,
// the order and the verdict of the same one in Ordeal's own format.
func TestSameHistoryInBothFormats(t *testing.T) {
	verdicts := map[linearizability.Verdict]int{}
	nilReads := 0
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 77))
		initial, options := "", jepsen.Options{}
		if seed%3 == 0 {
			initial, options.Initial = "1", history.NewValue("1")
		}
		r := record(random, 20+random.IntN(120), 1+random.IntN(5), initial, seed%2 == 0)
		require.NoError(t, r.w.Flush())
		own, err := history.ReadAll(&r.own, "own")
		require.NoError(t, err)
		text := r.around()
		i := read(t, text, options)
		require.Equal(t, r.nilReads, i.NilReads, text)
		require.Equal(t, inShort(own.Operations()), inShort(i.Operations()), text)

		want := check(t, own.Operations(), linearizability.Options{})
		got := check(t, i.Operations(), linearizability.Options{})
		require.Equal(t, want.Verdict, got.Verdict, text)
		verdicts[got.Verdict]++
		nilReads += i.NilReads
	}
	require.Greater(t, verdicts[linearizability.Legal], 50)
	require.Greater(t, verdicts[linearizability.Illegal], 50)
	require.Greater(t, nilReads, 50)
}

// inShort returns what both formats say of the operations. Left out are reads of unknown result
// and initial values; what is left is told with how it lies in time to the others.
func inShort(ops []history.Operation) []string {
	type moment struct {
		at   int64
		text string
	}
	var moments []moment
	for _, op := range ops {
		if op.Kind == history.Read && op.Outcome == history.Info || op.Client < 0 || op.Process < 0 {
			continue
		}
		op.Process, op.Error = 0, ""
		what := told([]history.Operation{op})[0]
		moments = append(moments,
			moment{op.Call, fmt.Sprintf("%d call %s", op.CallTime, what)})
		if op.Return != history.NoReturn {
			moments = append(moments,
				moment{op.Return, fmt.Sprintf("%d return %s", op.ReturnTime, what)})
		}
	}
	lines := map[int64]string{}
	last := int64(0)
	for _, m := range moments {
		lines[m.at] = m.text
		last = max(last, m.at)
	}
	var inOrder []string
	for at := range last + 1 {
		if line, there := lines[at]; there {
			inOrder = append(inOrder, line)
		}
	}
	return inOrder
}
