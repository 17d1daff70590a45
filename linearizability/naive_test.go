package linearizability

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"ordeal/history"
)

// naive decides the same question as Check, in the most direct way: it tries every order that
// respects real time. Operations of unknown outcome may take their turn at any time after their
// call, or never; a compare-and-set of unknown outcome may take it in vain. It shares no code
// with the package.
func naive(ops []history.Operation) Verdict {
	var open []history.Operation
	for _, op := range ops {
		if op.Outcome != history.Fail && op.Kind != history.Learn {
			open = append(open, op)
		}
	}
	if naiveOrder(open, history.Value{}) {
		return Legal
	}
	return Illegal
}

// naiveOrder tells whether the open operations can take effect in some order from state on.
func naiveOrder(open []history.Operation, state history.Value) bool {
	mustGo := func(op history.Operation) bool { return op.Outcome != history.Info }
	if !slices.ContainsFunc(open, mustGo) {
		return true
	}
	for i, op := range open {
		late := func(other history.Operation) bool {
			return mustGo(other) && other.Return < op.Call
		}
		if slices.ContainsFunc(open, late) {
			continue
		}
		rest := slices.Delete(slices.Clone(open), i, i+1)
		for _, next := range naiveEffects(op, state) {
			if naiveOrder(rest, next) {
				return true
			}
		}
	}
	return false
}

// naiveEffects returns the states that op may leave, none if it cannot have ended as it did.
func naiveEffects(op history.Operation, state history.Value) []history.Value {
	known := op.Outcome == history.OK
	only := func(possible bool, next history.Value) []history.Value {
		if possible {
			return []history.Value{next}
		}
		return nil
	}
	switch op.Kind {
	case history.Read:
		return only(!known || op.Returned == state, state)
	case history.Write:
		return only(true, op.Value)
	case history.Propose:
		if !state.IsSet() {
			return only(!known || op.Returned == op.Value, op.Value)
		}
		return only(!known || op.Returned == state, state)
	}
	holds := state == op.Expected
	switch {
	case !known && holds:
		return []history.Value{op.Value, state}
	case !known:
		return only(true, state)
	case op.Applied:
		return only(holds, op.Value)
	case op.Blind:
		return only(!holds, state)
	}
	return only(!holds && op.Returned == state, state)
}

// A shape says what random histories look like.
type shape struct {
	operations, processes int
	// unknown and failed are the shares of such outcomes, in percent.
	unknown, failed int
	// repeated lets values be written more than once, blind lets compare-and-sets say nothing
	// about what they saw, and ties gives some events equal times.
	repeated, blind, ties bool
	// bursts lets the unknown outcomes come all in a row, as a partition makes them. Few lets so
	// many processes call all operations, each a new one after one of unknown outcome; otherwise
	// each operation has a process of its own.
	bursts, few bool
	// mutations is how many answers are changed afterwards.
	mutations int
	decision  bool
}

// generate returns a random history of one key: a correct object serves the operations, each at
// some instant between call and return, and then some answers are changed.
func generate(random *rand.Rand, s shape) []history.Operation {
	g := generator{random: random, shape: s}
	for len(g.done) < s.operations {
		g.now += int64(1)
		if s.ties && random.IntN(4) == 0 {
			g.now--
		}
		g.event()
	}
	ops := g.done
	for range s.mutations {
		g.mutate(&ops[random.IntN(len(ops))])
	}
	for i := range ops {
		ops[i].ID, ops[i].Client = int64(i+1), ops[i].Process
	}
	return ops
}

type generator struct {
	shape
	random  *rand.Rand
	now     int64
	state   history.Value
	written int
	flying  []flight
	done    []history.Operation
	process int
	// idle are the processes that may call again.
	idle []int
}

// A flight is an operation on its way.
type flight struct {
	op     history.Operation
	served bool
}

// event lets one thing happen: a call, an effect, or a return.
func (g *generator) event() {
	room := len(g.flying) < g.processes && len(g.done)+len(g.flying) < g.operations
	if room && g.random.IntN(3) == 0 {
		g.flying = append(g.flying, flight{op: g.call()})
		return
	}
	if len(g.flying) == 0 {
		return
	}
	i := g.random.IntN(len(g.flying))
	f := &g.flying[i]
	switch {
	case !f.served && g.random.IntN(100) < g.failed:
		f.op.Outcome = history.Fail
	case !f.served && g.lost(g.unknown/2):
		f.op.Outcome = history.Info
	case !f.served:
		g.serve(&f.op)
		f.served = true
		return
	case g.lost(g.unknown):
		f.op.Result = history.Result{Outcome: history.Info}
	}
	f.op.Return = g.now
	if f.op.Outcome == history.Info {
		f.op.Return = history.NoReturn
	}
	if f.op.Outcome != history.Info && g.few {
		g.idle = append(g.idle, f.op.Process)
	}
	g.done = append(g.done, f.op)
	g.flying = slices.Delete(g.flying, i, i+1)
}

// burstEvery is how many operations there are from one burst to the next.
const burstEvery = 2_000

// lost draws whether an outcome becomes unknown.
func (g *generator) lost(percent int) bool {
	if g.bursts {
		return len(g.done)%burstEvery < burstEvery*g.unknown/100 && g.random.IntN(2) == 0
	}
	return g.random.IntN(100) < percent
}

func (g *generator) call() history.Operation {
	op := history.Operation{Process: g.process, Node: "n1", Key: "r0", Call: g.now}
	if last := len(g.idle) - 1; last >= 0 {
		op.Process, g.idle = g.idle[last], g.idle[:last]
	} else {
		g.process++
	}
	kinds := []history.Kind{history.Read, history.Write, history.CompareAndSet}
	op.Kind = kinds[g.random.IntN(len(kinds))]
	if g.decision {
		op.Kind = history.Propose
	}
	if op.Kind == history.Read {
		return op
	}
	g.written++
	op.Value = history.NewValue(strconv.Itoa(g.written))
	if g.repeated {
		op.Value = g.anyValue()
	}
	if op.Kind == history.CompareAndSet {
		if op.Expected = g.anyValue(); g.random.IntN(2) == 0 {
			op.Expected = g.state
		}
	}
	return op
}

// anyValue returns one that may be in the object, or never.
func (g *generator) anyValue() history.Value {
	if n := g.random.IntN(g.written + 2); n > 0 {
		return history.NewValue(strconv.Itoa(n))
	}
	return history.Value{}
}

func (g *generator) serve(op *history.Operation) {
	op.Outcome = history.OK
	switch op.Kind {
	case history.Read:
		op.Returned = g.state
	case history.Write:
		g.state = op.Value
	case history.CompareAndSet:
		if op.Applied = g.state == op.Expected; op.Applied {
			g.state = op.Value
		} else if op.Blind = g.blind && g.random.IntN(2) == 0; !op.Blind {
			op.Returned = g.state
		}
	case history.Propose:
		if !g.state.IsSet() {
			g.state = op.Value
		}
		op.Returned = g.state
	}
}

// mutate changes an answer, which often makes the history illegal, but not always.
func (g *generator) mutate(op *history.Operation) {
	if op.Outcome != history.OK {
		return
	}
	switch {
	case op.Kind == history.CompareAndSet && g.random.IntN(3) == 0:
		op.Applied, op.Blind, op.Returned = !op.Applied, false, history.Value{}
		if !op.Applied {
			op.Returned = g.anyValue()
		}
	case op.Kind == history.CompareAndSet && op.Applied:
		op.Expected = g.anyValue()
	case op.Kind == history.Write:
		op.Outcome = history.Fail
	case !op.Blind:
		op.Returned = g.anyValue()
	}
}

// The naive checker is the yardstick, so it is held to what can be seen by eye.
func TestTheNaiveChecker(t *testing.T) {
	for text, want := range map[string]Verdict{
		"c1 write 1 0..1\nc2 read 1 2..3":                    Legal,
		"c1 write 1 0..1\nc2 read - 2..3":                    Illegal,
		"c1 write 1 0..2\nc2 read - 1..3":                    Legal,
		"c1 write 1 0..?\nc2 read 1 5..6\nc3 read - 7..8":    Illegal,
		"c1 write 1 0..?\nc2 read - 5..6\nc3 read 1 7..8":    Legal,
		"c1 cas ->1 0..?\nc2 write 2 5..6\nc3 read 1 7..8":   Illegal,
		"c1 cas ->1 0..1\nc2 cas ->2 0..1":                   Illegal,
		"c1 write 1 0..1\nc2 cas 2>3 2..3 blind":             Legal,
		"c1 write 2 0..1\nc2 cas 2>3 2..3 blind":             Illegal,
		"c1 propose 1 0..3 told 2\nc2 propose 2 1..?":        Legal,
		"c1 propose 1 0..1 told 2\nc2 propose 2 2..3 told 2": Illegal,
		"c1 write 1 0..1 fail\nc2 read 1 2..3":               Illegal,
		"c1 write 1 0..1\nc2 write 2 1..2\nc3 read 1 2..3":   Legal,
		"c1 write 1 0..1\nc2 write 2 2..3\nc3 cas 1>4 4..5":  Illegal,
		"c1 cas 1>2 0..1 saw -":                              Legal,
		"c1 cas ->2 0..1 saw -":                              Illegal,
		"c1 propose 1 0..1 told 1\nc2 propose 2 2..3 told 1": Legal,
		"c1 propose 1 0..1 told 1\nc2 propose 2 2..3 told 2": Illegal,
		"c1 write 1 0..?\nc2 cas 1>2 3..?\nc3 read 2 9..10":  Legal,
		"c1 write 1 11..?\nc2 cas 1>2 3..?\nc3 read 2 9..10": Illegal,
		"c1 cas 2>1 0..?\nc2 cas 1>2 0..?\nc3 read 2 9..10":  Illegal,
	} {
		if got := naive(parse(t, text)); got != want {
			t.Errorf("%s\nis %s, want %s", text, got, want)
		}
	}
}
