package linearizability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// Each case is one rule of decide, with the operations of its certificate by number, "d" for a
// detached one; none if the history is legal.
func TestDecisionByRule(t *testing.T) {
	for _, test := range []struct{ name, text, certificate string }{
		{"values follow one another", "c1 write 1 0..1\nc2 read 1 2..3\nc3 write 2 4..5", ""},
		{"a read of a value never written", "c1 write 1 0..1\nc2 read 7 2..3", "2"},
		{"an unknown compare-and-set of one, seen by a read",
			"c1 write 1 0..1\nc2 cas 7>2 0..?\nc3 read 2 4..5", "2, 3"},
		{"a refusal that contradicts itself", "c1 write 1 0..1\nc2 cas 1>2 2..3 saw 1", "1, 2"},
		{"two updates of one value", "c1 write 1 0..1\nc2 cas 1>2 2..9\nc3 cas 1>3 2..9", "1, 2, 3"},
		{"two updates of what was there first", "c2 cas ->2 2..9\nc3 cas ->3 2..9", "1, 2"},
		{"updates in a circle", "c1 cas 2>1 0..9\nc2 cas 1>2 0..9\nc3 read 1 0..9", "1, 2"},
		{"a read before the write", "c1 read 1 0..1\nc2 write 1 2..3", "1, 2"},
		{"a read just when the write begins", "c1 read 1 0..2\nc2 write 1 2..3", ""},
		{"a read of what was replaced by an update",
			"c1 write 1 0..1\nc2 cas 1>2 2..3\nc3 read 1 4..5", "1, 2, 3"},
		{"just when the update ends", "c1 write 1 0..1\nc2 cas 1>2 2..4\nc3 read 1 4..5", ""},
		{"of what was replaced by one of two updates at the same time",
			"c1 write 1 0..1\nc2 cas 1>2 2..9\nc3 cas 2>3 2..4\nc4 read 1 5..6", "1, 2, 3, 4"},
		{"the head of a chain is not needed",
			"c1 write 1 0..1\nc2 cas 1>2 2..3\nc3 cas 2>3 4..5\nc4 read 2 6..7", "2d, 3, 4"},
		{"two values that were there at the same time",
			`c1 write 1 0..9
			c2 write 2 0..9
			c3 read 1 1..2
			c4 read 2 1..2
			c5 read 1 3..4
			c6 read 2 3..4`, "1, 2, 3, 4, 5, 6"},
		{"one after the other, with equal times",
			`c1 write 1 0..9
			c2 write 2 0..9
			c3 read 1 1..2
			c4 read 2 2..3
			c5 read 1 2..4
			c6 read 2 3..4`, ""},
		{"a write within the time of another value",
			"c1 write 1 0..1\nc2 write 2 2..3\nc3 read 1 4..5", "1, 2, 3"},
		{"at its very end", "c1 write 1 0..1\nc2 write 2 2..4\nc3 read 1 4..5", ""},
		{"at its very beginning", "c1 write 1 0..2\nc2 write 2 2..3\nc3 read 1 4..5", ""},
		{"what was there first comes before all", "c1 write 1 0..1\nc2 read - 2..3", "1, 2"},
		{"even if nobody read it then", "c1 write 1 0..1\nc2 read 1 1..2\nc3 read - 3..4", "1, 2, 3"},
		{"an unknown write that was seen, and then not",
			"c1 write 1 0..1\nc2 write 2 2..?\nc3 read 2 3..4\nc4 read 1 5..6", "1, 2, 3, 4"},
		{"decisions agree", "c1 propose 1 0..3 told 2\nc2 propose 2 1..2 told 2", ""},
		{"decisions differ", "c1 propose 1 0..3 told 1\nc2 propose 2 1..2 told 2", "1, 2"},
		{"a decision that nobody proposed", "c1 propose 1 0..3 told 7", "1"},
		{"a decision before its proposal",
			"c1 propose 1 0..3 told 2\nc2 propose 2 4..5 told 2", "1, 2"},
		{"just when it is proposed", "c1 propose 1 0..3 told 2\nc2 propose 2 3..5 told 2", ""},
		{"a decision on nothing", "c1 propose 1 0..3 told -", "1"},
		{"an unknown proposal that was chosen",
			"c1 propose 1 0..?\nc2 propose 2 1..2 told 1\nc3 propose 3 3..4 told 3", "1, 2, 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			requireDecision(t, test.text, test.certificate)
		})
	}
}

// requireDecision requires that a history is decided as by the naive checker, with a certificate of
// these operations, or with a witness if there are none.
func requireDecision(t *testing.T, text, certificate string) {
	t.Helper()
	ops := parse(t, text)
	p := prepare(pointers(ops))
	witness, broken := p.decide()
	report := check(t, ops, Options{})
	require.Equal(t, naive(ops), report.Verdict)
	if certificate == "" {
		require.Nil(t, broken)
		require.NoError(t, checkWitness(p.calls, witness))
		require.Equal(t, ByWitness, report.Keys[0].Method)
		return
	}
	require.NotNil(t, broken)
	shown, detached := broken.certificate(p.calls)
	require.Equal(t, certificate, showCertificate(shown, detached))
	require.Equal(t, ByCertificate, report.Keys[0].Method)
}

func showCertificate(ops []*history.Operation, detached map[int64]bool) string {
	text := ""
	for i, op := range ops {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(op.ID)
		if detached[op.ID] {
			text += "d"
		}
	}
	return text
}

// chain returns a long chain of compare-and-sets by two processes in turn, each from the value of
// the one before.
func chain(length int) []history.Operation {
	var ops []history.Operation
	for i := range length {
		op := history.Operation{
			ID: int64(i + 1), Process: i % 2, Kind: history.CompareAndSet, Key: "r0",
			Expected: number(i), Value: number(i + 1), Call: int64(2*i + 1), Return: int64(2*i + 4),
			Result: history.Result{Outcome: history.OK, Applied: true},
		}
		if i == 0 {
			op.Expected = history.Value{}
		}
		ops = append(ops, op)
	}
	return ops
}

// The certificate of a violation in a chain is not the chain.
func TestALongChainHasAShortCertificate(t *testing.T) {
	const length = 30_000
	ops := chain(length)
	require.Equal(t, Legal, check(t, ops, Options{}).Verdict)
	for name, wrong := range map[string]history.Operation{
		"a stale read in the middle": {
			Kind: history.Read, Call: length, Return: length + 1,
			Result: history.Result{Outcome: history.OK, Returned: number(length/2 - 9)}},
		"a stale read at the end": {
			Kind: history.Read, Call: 3 * length, Return: 3*length + 1,
			Result: history.Result{Outcome: history.OK, Returned: number(7)}},
		"a read before its time": {
			Kind: history.Read, Call: 1, Return: 2,
			Result: history.Result{Outcome: history.OK, Returned: number(length)}},
		"a write within": {
			Kind: history.Write, Value: number(-1), Call: length, Return: length + 1,
			Result: history.Result{Outcome: history.OK}},
	} {
		t.Run(name, func(t *testing.T) {
			wrong.ID, wrong.Process, wrong.Key = length+1, 9, "r0"
			report := check(t, append(slices.Clone(ops), wrong), Options{})
			require.Equal(t, Illegal, report.Verdict)
			require.Equal(t, ByCertificate, report.Keys[0].Method)
			e := report.Violations[0]
			require.True(t, e.Confirmed && e.Minimal)
			require.LessOrEqual(t, len(e.Operations), 6, e.Sentence)
		})
	}
}

// Unique histories are never searched, and what is said of them is what porcupine says that is
// given them as they are. There are more operations here than the naive checker can take.
func TestLargerRandomHistoriesAreDecidedAsByPorcupine(t *testing.T) {
	g := newGuard(memoryDefault)
	defer g.close()
	methods, sizes := map[Method]int{}, map[int]int{}
	var all []int
	for seed := range histories(t) {
		random := rand.New(rand.NewPCG(uint64(seed), 9))
		s := randomShape(random, 16)
		ops := generate(random, s)
		raw, _ := search(t.Context(), newCalls(pointers(ops)), time.Minute, g)
		report := check(t, ops, Options{Explanations: 1})
		require.Equal(t, raw, report.Verdict, "seed %d", seed)
		key := report.Keys[0]
		require.Equal(t, key.Unique && prepare(pointers(ops)).refusals == 0 ||
			key.Method == ByCertificate, key.Method != BySearch, "seed %d", seed)
		methods[key.Method]++
		if key.Method == ByCertificate {
			n := len(report.Violations[0].Operations)
			sizes[n]++
			all = append(all, n)
			require.True(t, report.Violations[0].Confirmed && report.Violations[0].Minimal)
		}
	}
	slices.Sort(all)
	t.Logf("%v; operations of an explanation: %v", methods, sizes)
	require.Greater(t, methods[ByWitness], histories(t)/4)
	require.Greater(t, methods[ByCertificate], histories(t)/20)
	require.Greater(t, methods[BySearch], histories(t)/20)
	require.LessOrEqual(t, all[len(all)/2], 3)
}

// What porcupine does not confirm is disputed, and no verdict.
func TestWhatPorcupineDoesNotConfirmIsDisputed(t *testing.T) {
	g := newGuard(memoryDefault)
	defer g.close()
	s := newSchedule(t.Context(), time.Minute, 1, g)
	c := newCalls(pointers(parse(t, "c1 write 1 0..9\nc2 write 2 0..9\nc3 read 1 5..9")))
	good := []instant{{1, 1}, {0, 2}, {2, 5}}
	require.Equal(t, Legal, confirmWitness(t.Context(), c, good, s.judged, 2))
	for name, bad := range map[string][]instant{
		"an order that is not legal":          {{0, 1}, {1, 2}, {2, 5}},
		"an instant before the call":          {{1, 1}, {0, 2}, {2, 4}},
		"an instant after the return":         {{1, 1}, {0, 2}, {2, 10}},
		"instants that go back":               {{1, 6}, {0, 2}, {2, 6}},
		"a call that is missing":              {{1, 1}, {0, 2}},
		"a call that is there twice":          {{1, 1}, {0, 2}, {0, 3}},
		"a call that is there once too often": {{1, 1}, {0, 2}, {0, 3}, {2, 5}},
	} {
		require.Equal(t, Illegal, confirmWitness(t.Context(), c, bad, s.judged, 2), name)
	}
	j := &job{method: ByWitness}
	s.confirmed(j, Illegal, Legal)
	require.Equal(t, Disputed, j.verdict)
	require.Equal(t, "it was found legal by its witness, and porcupine finds that illegal: "+
		"Ordeal or porcupine is wrong", j.reason)
	j = &job{method: ByCertificate}
	s.confirmed(j, Unknown, Illegal)
	require.Equal(t, Unknown, j.verdict)
	require.Equal(t, "out of time: it was found illegal, but not confirmed", j.reason)
	require.Empty(t, j.method)
}

// A witness is longer than one piece, and wrong in one of the later ones only. All calls run at the
// same time, so that their order is all that can be wrong.
func TestEveryPieceOfAWitnessIsConfirmed(t *testing.T) {
	const length = 3*pieceSize + 1
	all := chain(length)
	for i := range all {
		all[i].Call, all[i].Return, all[i].Process = 0, 9, i
	}
	c := newCalls(pointers(all))
	witness, broken := decide(c)
	require.Nil(t, broken)
	deadline := time.Now().Add(time.Minute)
	for _, workers := range []int{1, 2, 9} {
		require.Equal(t, Legal, confirmWitness(t.Context(), c, witness, deadline, workers))
		for _, at := range []int{0, pieceSize - 1, pieceSize, 2*pieceSize + 5, length - 2} {
			wrong := slices.Clone(witness)
			wrong[at].call, wrong[at+1].call = wrong[at+1].call, wrong[at].call
			require.NoError(t, checkWitness(c, wrong))
			require.Equal(t, Illegal, confirmWitness(t.Context(), c, wrong, deadline, workers), at)
		}
	}
	require.Equal(t, Unknown, confirmWitness(t.Context(), c, witness, time.Now(), 2))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, Unknown, confirmWitness(ctx, c, witness, deadline, 2))

	// The very last call stands alone in its piece.
	all[length-1].Expected = number(-1)
	c = newCalls(pointers(all))
	require.NoError(t, checkWitness(c, witness))
	require.Equal(t, Illegal, confirmWitness(t.Context(), c, witness, deadline, 2))
}
