package linearizability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// duplicates returns a history of one key with so many concurrent writes of unknown outcome, of
// three values only, so that nothing can be prepared; and then a read of a value that was
// overwritten long before, so that porcupine tries every subset of them in every state: 2 to the
// power of the width, times three.
func duplicates(key string, width int, from int64) []history.Operation {
	var ops []history.Operation
	for i := range int64(width) {
		ops = append(ops, history.Operation{
			ID: from + i, Process: int(from + i), Kind: history.Write, Key: key,
			Value: number(int(i % 3)), Call: from + i, Return: history.NoReturn,
			Result: history.Result{Outcome: history.Info},
		})
	}
	return append(ops, overwritten(key, from, from+int64(width))...)
}

// overwritten returns a write of 99, one that overwrites it, and at the end a read of 99, from a
// moment and a number on.
func overwritten(key string, from, id int64) []history.Operation {
	write := history.Operation{
		ID: id, Process: int(id), Kind: history.Write, Key: key, Value: number(99),
		Call: from, Return: from + 1, Result: history.Result{Outcome: history.OK},
	}
	over := write
	over.ID, over.Value, over.Call, over.Return = id+1, number(0), from+2, from+499
	read := over
	read.ID, read.Kind, read.Value = id+2, history.Read, history.Value{}
	read.Call, read.Return, read.Returned = from+500, from+501, number(99)
	return []history.Operation{write, over, read}
}

// long returns a history of one key with so many writes one after the other, and a tenth as many of
// unknown outcome before them, of three values, and then a read of a value that was overwritten
// before: every state that porcupine keeps is large.
func long(key string, writes int, from int64) []history.Operation {
	ops := duplicates(key, writes/10, from)
	read := &ops[len(ops)-1]
	begin := read.ID
	read.Call = begin + 2*int64(writes)
	read.Return = read.Call + 1
	for i := range int64(writes) {
		ops = append(ops, history.Operation{
			ID: begin + 1 + i, Process: int(begin), Kind: history.Write, Key: key,
			Value: number(int(i % 3)), Call: begin + 2*i, Return: begin + 2*i + 1,
			Result: history.Result{Outcome: history.OK},
		})
	}
	return ops
}

// rename moves a parsed history to another key, with numbers of its own.
func rename(ops []history.Operation, key string, from int64) []history.Operation {
	for i := range ops {
		ops[i].Key = key
		ops[i].ID += from
		ops[i].Process += int(from)
	}
	return ops
}

// explosion returns keys that no memory suffices for, among keys that are easily judged: one that
// is illegal, and some that are legal.
func explosion(t testing.TB) []history.Operation {
	ops := slices.Concat(
		duplicates("explodes-1", 24, 1000), explosive("explodes-2", 2000),
		long("explodes-3", 3000, 10_000),
		rename(parse(t, "c1 write 1 0..1\nc2 write 2 2..3\nc3 read 1 4..5"), "illegal", 100),
	)
	for i := range int64(5) {
		legal := parse(t, "c1 write 1 0..4\nc2 write 1 1..?\nc3 read 1 2..3\nc1 read 1 8..9")
		ops = append(ops, rename(legal, "legal-"+strconv.FormatInt(i, 10), 200+10*i)...)
	}
	return ops
}

// ample is more time than the memory lasts for, so that only the memory ends a search; a guard that
// did not would soon have all of the machine's.
const ample = 2 * time.Minute

// childBudget is set in the process that a test starts of itself, to the budget in bytes.
const childBudget = "ORDEAL_TEST_MEMORY"

// A childReport is what that process found out, about the history and about itself.
type childReport struct {
	Report       Report
	Before, Peak int64
}

// The peak of a whole process, in the kernel's words. What is asked for is that the budget holds;
// half of it is the slack for what is seen late, for the collector, and for stacks and the like.
func TestTheMemoryBudgetHolds(t *testing.T) {
	if budget := os.Getenv(childBudget); budget != "" {
		judgeInChild(t, budget)
		return
	}
	for _, test := range []struct {
		budget      int64
		environment string
		want        int64
	}{
		{64 << 20, "", 64 << 20},
		{32 << 20, "GOGC=off", 32 << 20},
		// The process's own limit leaves less; what the process held counts in that.
		{64 << 20, "GOMEMLIMIT=48MiB", 40 << 20},
	} {
		t.Run(sizeText(uint64(test.budget))+" "+test.environment, func(t *testing.T) {
			child := runChild(t, test.budget, test.environment)
			memory := child.Report.Memory
			t.Logf("the process held %s, and %s at the peak; the check saw a peak of %s in %v",
				sizeText(uint64(child.Before)), sizeText(uint64(child.Peak)),
				sizeText(uint64(memory.PeakBytes)), child.Report.Duration)
			requireExplosion(t, child.Report)
			budget := memory.BudgetBytes
			require.InDelta(t, test.want, budget, 8<<20)
			require.LessOrEqual(t, memory.PeakBytes, budget+budget/2)
			require.Greater(t, memory.PeakBytes, budget, "it did need more")
			if !raceDetector && child.Before > 0 {
				require.LessOrEqual(t, child.Peak, child.Before+budget+budget/2)
				require.Greater(t, child.Peak, child.Before+budget/2, "the memory was used")
			}
		})
	}
}

// requireExplosion checks that what can be decided was, and nothing else.
func requireExplosion(t *testing.T, report Report) {
	t.Helper()
	require.Equal(t, Illegal, report.Verdict)
	require.Len(t, report.Keys, 9)
	for _, k := range report.Keys {
		switch {
		case strings.HasPrefix(k.Key, "explodes"):
			require.Equal(t, Unknown, k.Verdict, k.Key)
			require.Equal(t, "out of memory: it needed more than "+
				sizeText(uint64(report.Memory.BudgetBytes)), k.Reason)
		case k.Key == "illegal":
			require.Equal(t, Illegal, k.Verdict)
		default:
			require.Equal(t, Legal, k.Verdict, k.Key)
			require.Empty(t, k.Reason)
		}
	}
	require.Len(t, report.Violations, 1)
	require.Equal(t, StaleRead, report.Violations[0].Class)
	require.True(t, report.Violations[0].Confirmed)
}

// runChild judges the explosion in another process.
func runChild(t testing.TB, budget int64, environment string) childReport {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestTheMemoryBudgetHolds$")
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", childBudget, budget),
		environment)
	output, err := command.Output()
	require.NoError(t, err, "%s", output)
	_, text, found := bytes.Cut(output, []byte(childBudget))
	require.True(t, found, "%s", output)
	var child childReport
	require.NoError(t, json.NewDecoder(bytes.NewReader(text)).Decode(&child))
	return child
}

func judgeInChild(t *testing.T, budget string) {
	memory, err := strconv.ParseInt(budget, 10, 64)
	require.NoError(t, err)
	ops := explosion(t)
	child := childReport{Before: statusBytes("VmRSS:")}
	child.Report = check(t, ops, Options{Budget: ample, Memory: memory})
	child.Peak = statusBytes("VmHWM:")
	text, err := json.Marshal(child)
	require.NoError(t, err)
	fmt.Printf("%s%s\n", childBudget, text)
}

// statusBytes returns what the kernel says of this process's memory, and 0 where there is no
// /proc.
func statusBytes(name string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == name {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}

// Keys that fit one after the other, and not together, all have their answer: each needs some 24
// MiB.
func TestKeysThatFitAloneAreJudged(t *testing.T) {
	ops := slices.Concat(duplicates("a", 15, 1000), duplicates("b", 15, 2000),
		duplicates("c", 15, 3000), duplicates("explodes", 28, 4000))
	report := check(t, ops, Options{
		Budget: ample, Memory: 40 << 20, Workers: 4, Explanations: -1})
	for _, k := range report.Keys[:3] {
		require.Equal(t, Illegal, k.Verdict, "%s: %s", k.Key, k.Reason)
	}
	require.Equal(t, "out of memory: it needed more than 40 MiB", report.Keys[3].Reason)
}

// Time that runs out before a key that was given up next to others can be searched alone.
func TestWhatIsShortIsSaid(t *testing.T) {
	g := newGuard(1 << 20)
	defer g.close()
	s := newSchedule(t.Context(), time.Hour, 1, g)
	j := &job{ops: pointers(parse(t, "c1 write 1 0..1"))}
	j.prepared = prepare(j.ops)
	s.judge(j, time.Hour)
	require.Equal(t, Legal, j.verdict)
	require.Empty(t, j.reason)

	for short, want := range map[shortage]string{
		ofTime:   "out of time: no answer within its share of the time budget",
		ofMemory: "out of memory: it needed more than 1 MiB",
		ofMemoryTogether: "out of memory: it and the keys next to it needed more than 1 MiB, " +
			"and the time budget ended before it was searched alone",
	} {
		s.settle(j, Unknown, short)
		require.Equal(t, want, j.reason)
	}
	require.EqualValues(t, 1, s.setAside.Load())
}

// A search that was given up next to another one says so, and the guard lets nobody in before
// both have left.
func TestSearchesThatAreGivenUpAreWaitedFor(t *testing.T) {
	g := newGuard(math.MaxInt64)
	defer g.close()
	one, other := g.enter(1), g.enter(1)
	g.allowance = 0
	g.base = 0
	g.look()
	require.True(t, one.over.Load() && other.over.Load())
	require.False(t, one.alone || other.alone)
	g.allowance = math.MaxInt64

	entered := make(chan *ticket)
	go func() { entered <- g.enter(1) }()
	g.leave(one)
	require.True(t, g.draining)
	g.leave(other)
	require.False(t, g.draining)
	third := <-entered
	require.False(t, third.over.Load())
	g.allowance = 0
	g.look()
	require.True(t, third.over.Load() && third.alone)
	g.leave(third)
}

// What is known beforehand not to fit is not tried.
func TestAKeyWhoseTablesAloneAreTooLargeIsNotTried(t *testing.T) {
	var ops []history.Operation
	for i := range int64(20_000) {
		ops = append(ops, history.Operation{
			ID: i + 1, Kind: history.Read, Key: "large", Call: 2 * i, Return: 2*i + 1,
			Result: history.Result{Outcome: history.OK, Returned: number(1)},
		})
	}
	ops[len(ops)-1].Returned = number(2)
	for i := range 3 { // of what is not unique little is decided without a search
		ops[i].Kind, ops[i].Value = history.Write, number([]int{1, 2, 1}[i])
	}
	require.Equal(t, Illegal, check(t, ops, Options{}).Verdict)
	report := check(t, ops, Options{Memory: 20_000*callSize - 1})
	require.Equal(t, Unknown, report.Verdict)
	require.Equal(t, "out of memory: it needed more than 12.2 MiB", report.Keys[0].Reason)
	require.Equal(t, 4096, report.Keys[0].LegalPrefix, "the parts that fitted were judged")
	g := &guard{allowance: 20_000 * callSize}
	require.True(t, g.fits(20_000, 1))
	require.False(t, g.fits(20_001, 1))
	require.False(t, g.fits(20_000, 2), "two of them do not")
}

// Explanations search as well, and so do pages.
func TestExplanationsAndPagesAreWithinTheMemoryToo(t *testing.T) {
	const budget = 8 << 20
	ops := pointers(explosive("hard", 0))
	for name, use := range map[string]func(g *guard){
		"explanation": func(g *guard) {
			judge := newSchedule(t.Context(), probeShare*ample, 1, g).explainer(1)
			require.Equal(t, Unknown, judge(ops, true))
			require.Equal(t, Unknown, judge(ops, false))
		},
		"page": func(g *guard) {
			var out bytes.Buffer
			require.NoError(t, draw(&out, newCalls(ops), 0, g))
			require.Contains(t, out.String(), "<!doctype html>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			// What earlier tests left would be room that is not counted.
			debug.FreeOSMemory()
			g := newGuard(budget)
			defer g.close()
			use(g)
			require.Greater(t, g.usage().PeakBytes, int64(budget), "it did need more")
			require.LessOrEqual(t, g.usage().PeakBytes, int64(budget+budget/2))
			require.Less(t, heldBytes(), g.base+budget/2, "it was given back")
		})
	}
}

// The process's own memory limit is never raised, and comes back.
func TestTheProcessesOwnMemoryLimitIsKept(t *testing.T) {
	own := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(own)
	for name, test := range map[string]struct{ beyond, budget, want int64 }{
		"far away":        {math.MaxInt64 / 2, 64 << 20, 64 << 20},
		"nearer":          {48 << 20, 64 << 20, 48 << 20},
		"used up already": {-1, 64 << 20, 4 << 20},
		"no budget":       {48 << 20, math.MaxInt64 / 4, math.MaxInt64 / 64},
	} {
		t.Run(name, func(t *testing.T) {
			g := &guard{base: 100 << 20}
			set := 100<<20 + test.beyond
			debug.SetMemoryLimit(set)
			require.EqualValues(t, test.want, limitCollector(g, uint64(test.budget)))
			now := debug.SetMemoryLimit(-1)
			require.LessOrEqual(t, now, set)
			require.LessOrEqual(t, now, 100<<20+test.want-test.want/collectShare)

			// A second check at the same time, with less room, and then without the first.
			second := &guard{base: 100 << 20}
			limitCollector(second, 8<<20)
			require.LessOrEqual(t, debug.SetMemoryLimit(-1), int64(107<<20))
			releaseCollector(g)
			require.LessOrEqual(t, debug.SetMemoryLimit(-1), int64(107<<20))
			releaseCollector(second)
			require.Equal(t, set, debug.SetMemoryLimit(-1))
		})
	}
}

func TestSizesInWords(t *testing.T) {
	for size, want := range map[uint64]string{
		0: "0 bytes", 1023: "1023 bytes", 1024: "1 KiB", 64 << 20: "64 MiB", 2 << 30: "2 GiB",
		3 << 29: "1.5 GiB", 1<<30 - 1: "1024 MiB",
	} {
		require.Equal(t, want, sizeText(size))
	}
}

// BenchmarkMemory shows the peak of a process that judges the explosion, with and without a
// budget; without one only the time ends the searches:
//
//	go test -run '^$' -bench Memory -benchtime 1x ./linearizability
func BenchmarkMemory(b *testing.B) {
	for _, budget := range []int64{64 << 20, 256 << 20, math.MaxInt64} {
		name := "none"
		if budget != math.MaxInt64 {
			name = strings.ReplaceAll(sizeText(uint64(budget)), " ", "_")
		}
		b.Run(name, func(b *testing.B) {
			ops := explosion(b)
			for b.Loop() {
				debug.FreeOSMemory()
				report := check(b, ops, Options{Budget: 20 * time.Second, Memory: budget})
				b.ReportMetric(float64(report.Memory.PeakBytes>>20), "peak-MiB")
				b.ReportMetric(float64(len(report.Unknown())), "unknown-keys")
			}
		})
	}
}
