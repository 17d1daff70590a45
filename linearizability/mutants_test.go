package linearizability

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// mutantCases are such that a wrong decision got past the other tests with (go run
// ./linearizability/mutate). They are written as those of TestDecisionByRule.
var mutantCases = []struct{ name, text, certificate string }{
	{"the value whose turn is second was called first, and the turns touch",
		`c1 write 2 0..9
		c2 write 1 1..2
		c3 read 2 4..5
		c4 read 1 5..6
		c5 read 2 8..9`, ""},
	{"an update that runs at the same time is no place that was missed",
		`c1 write 1 0..9
		c2 cas 1>2 0..9
		c3 cas 2>3 5..9
		c4 read 3 0..5
		c5 read 1 6..9`, "1, 2, 4, 3, 5"},
	{"the writer is the first call of all, and an update",
		"c1 cas 9>2 0..5\nc2 write 9 1..2\nc3 cas 2>3 6..7\nc4 read 2 8..9", "1d, 3, 4"},

	// Two values at the same time, one of them changed meanwhile by updates. What counts is
	// when the other value's calls end and start, and not the other way round.
	{"an update started after the other value was there, its write before",
		"c1 write 1 0..4\nc2 write 2 3..6\nc3 cas 2>3 7..12\nc4 read 1 10..11", "1, 2, 3, 4"},
	{"an update ended while the other value was read, its write before",
		"c1 write 1 0..4\nc2 write 2 3..6\nc3 cas 2>3 8..11\nc4 read 1 10..12", "1, 2, 3, 4"},
	{"an update of an update ended while the other value was read",
		`c1 write 1 0..4
		c2 write 2 3..6
		c3 cas 2>3 3..11
		c4 cas 3>4 8..11
		c5 read 1 10..12`, "1, 2, 3, 4, 5"},
	{"an update ended before the write that it followed",
		`c1 write 1 0..20
		c2 cas 1>2 1..10
		c3 read 1 9..20
		c4 read 2 11..20
		c5 write 3 0..5
		c6 read 3 12..13`, "1, 5, 2, 4, 6"},
	{"an update of an update ended before its writer's reader started to be late",
		`c1 write 1 0..100
		c2 read 1 20..100
		c3 cas 1>2 5..100
		c4 cas 2>3 5..85
		c5 write 9 0..10
		c6 read 9 90..91`, "1, 5, 3, 4, 2, 6"},
	{"the same, and a later update is nearer than that reader",
		`c1 write 1 0..100
		c2 read 1 20..100
		c3 cas 1>2 5..100
		c4 cas 2>3 5..100
		c5 cas 3>4 5..85
		c6 cas 4>5 30..100
		c7 write 9 0..10
		c8 read 9 90..91`, "7, 4d, 5, 6, 8"},
	{"an update is nearer to one that started late than the write is",
		`c1 write 1 0..30
		c2 cas 1>2 5..100
		c3 cas 2>3 5..100
		c4 cas 3>4 20..100
		c5 cas 4>5 5..85
		c6 write 9 0..10
		c7 read 9 90..91`, "6, 3d, 5, 4, 7"},
	{"the value that was there first needs no reader to show that",
		"c1 read - 0..1\nc2 write 1 2..3\nc3 read - 4..5", "2, 3"},
	{"an update in between, of no use by itself",
		`c1 write 1 0..4
		c2 write 2 3..6
		c3 cas 2>3 3..12
		c4 cas 3>4 8..12
		c5 read 1 10..12`, "1, 2, 3, 4, 5"},
	{"the same of the value that was there first",
		`c1 write 1 0..3
		c2 cas 1>2 0..12
		c3 cas 2>3 9..12
		c4 write 4 4..5
		c5 read 4 7..12`, "1, 2, 4, 5, 3"},

	// Of several violations of one rule the one is shown that was evident first.
	{"the first read from nowhere", "c1 read 7 0..9\nc2 read 8 1..2", "2"},
	{"the first read from nowhere was called first", "c1 read 7 0..1\nc2 read 8 2..9", "1"},
	{"the first contradiction",
		"c1 write 1 0..1\nc2 cas 1>2 2..9 saw 1\nc3 cas 1>3 3..4 saw 1", "1, 3"},
	{"the first two updates of one value, when the second ended",
		`c1 write 1 0..1
		c2 write 4 0..1
		c3 cas 1>2 2..20
		c4 cas 1>3 3..5
		c5 cas 4>5 4..6
		c6 cas 4>6 4..7`, "2, 5, 6"},
	{"whichever of them that was",
		`c1 write 1 0..1
		c2 write 4 0..1
		c3 cas 1>2 2..5
		c4 cas 1>3 3..20
		c5 cas 4>5 4..6
		c6 cas 4>6 4..7`, "2, 5, 6"},
	{"the first value before its write, when the write ended",
		"c1 read 1 0..1\nc2 read 2 0..1\nc3 write 1 2..9\nc4 write 2 3..4", "2, 4"},
	{"the first read of what was replaced",
		`c1 write 1 0..1
		c2 read 1 0..1
		c3 cas 1>2 2..3
		c4 read 1 5..20
		c5 write 4 0..1
		c6 cas 4>5 2..3
		c7 read 4 5..9`, "5, 6, 7"},
	{"the first decision on what nobody proposed",
		"c1 propose 1 0..9 told 7\nc2 propose 2 1..2 told 8", "2"},
	{"the first decision that differs",
		"c1 propose 1 0..1 told 1\nc2 propose 2 0..9 told 2\nc3 propose 3 2..3 told 3", "1, 3"},

	{"the first to be told was not the first to propose",
		"c1 propose 1 0..9 told 3\nc2 propose 2 1..2 told 3\nc3 propose 3 4..5 told 3", "2, 3"},
	{"the last to propose was not the first to be told",
		"c1 propose 1 0..2 told 3\nc2 propose 2 1..9 told 3\nc3 propose 3 4..5 told 3", "1, 3"},
}

func TestDecisionByRuleWhereMutantsWereWrong(t *testing.T) {
	for _, test := range mutantCases {
		t.Run(test.name, func(t *testing.T) { requireDecision(t, test.text, test.certificate) })
	}
}

// In a history of many values there are many turns, some of which touch.
func TestLongRandomHistoriesAreDecidedAsByPorcupine(t *testing.T) {
	g := newGuard(memoryDefault)
	defer g.close()
	methods := map[Method]int{}
	for seed := range histories(t) / 10 {
		random := rand.New(rand.NewPCG(uint64(seed), 10))
		ops := generate(random, shape{
			operations: 30 + random.IntN(70), processes: 2 + random.IntN(4), unknown: random.IntN(9),
			ties: true, mutations: random.IntN(2),
		})
		raw, _ := search(t.Context(), newCalls(pointers(ops)), time.Minute, g)
		report := check(t, ops, Options{Explanations: -1})
		require.Equal(t, raw, report.Verdict, "seed %d", seed)
		methods[report.Keys[0].Method]++
	}
	require.Zero(t, methods[BySearch])
	require.Greater(t, methods[ByWitness], histories(t)/40)
	require.Greater(t, methods[ByCertificate], histories(t)/100)
}

// Two chains that cannot be told apart by their ends: what shows it is in the middle of one.
func TestACertificateIsTakenFromWhereAChainIsShort(t *testing.T) {
	const length = 20_000
	ops := chain(length)
	for i := range ops {
		ops[i].Call, ops[i].Return = ops[i].Call+1, ops[i].Return+1
	}
	for _, headed := range []bool{false, true} {
		for _, middle := range []int{2, length / 2, length - 2} {
			t.Run(fmt.Sprint(headed, middle), func(t *testing.T) {
				all := append([]history.Operation{}, ops...)
				if headed {
					all[0].Kind, all[0].Applied = history.Write, false
				}
				at := all[middle].Call
				for i, op := range []history.Operation{
					{Kind: history.Write, Value: number(-1), Call: at, Return: at + 1},
					{Kind: history.Read, Call: at + 2, Return: at + 9},
				} {
					op.ID, op.Process, op.Key = int64(length+1+i), 8+i, "r0"
					op.Outcome = history.OK
					if op.Kind == history.Read {
						op.Returned = number(-1)
					}
					all = append(all, op)
				}
				p := prepare(pointers(all))
				_, broken := p.decide()
				require.NotNil(t, broken)
				shown, _ := broken.certificate(p.calls)
				require.LessOrEqual(t, len(shown), 8)
				report := check(t, all, Options{})
				require.Equal(t, ByCertificate, report.Keys[0].Method)
				require.Equal(t, Illegal, report.Verdict)
			})
		}
	}
}

// A witness that cannot be one says why, in the words of the record.
func TestAWitnessThatCannotBeOneSaysWhy(t *testing.T) {
	c := newCalls(pointers(parse(t, "c1 write 1 5..9")))
	require.EqualError(t, checkWitness(c, []instant{{0, 4}}),
		"operation 1 takes effect at 4, but ran from 5 to 9")
}

// A write saw nothing of what was there: two reads of an old value would make the newer one a lost
// write, but this is one.
func TestAWriteIsNoReadOfWhatWasThereFirst(t *testing.T) {
	report := check(t, parse(t, "c1 write 1 0..1\nc2 read - 2..3\nc3 write 2 4..5"), Options{})
	require.Len(t, report.Violations, 1)
	require.Equal(t, StaleRead, report.Violations[0].Class)
}
