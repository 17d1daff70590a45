package linearizability

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// severalKeys returns random operations on some keys of one model, key by key.
func severalKeys(random *rand.Rand) [][]history.Operation {
	decision := random.IntN(4) == 0
	var keys [][]history.Operation
	id, process := int64(0), 0
	for key := range 1 + random.IntN(6) {
		s := randomShape(random, naiveMax)
		s.decision = decision
		ops := generate(random, s)
		most := 0
		for i := range ops {
			id++
			most = max(most, ops[i].Process)
			ops[i].Key, ops[i].ID = fmt.Sprint("r", key), id
			ops[i].Process += process
		}
		process += most + 1
		keys = append(keys, ops)
	}
	return keys
}

// untimed returns a report without what differs from one check to the next.
func untimed(r Report) Report {
	r.Duration, r.Memory = 0, Memory{}
	for i := range r.Keys {
		r.Keys[i].Duration = 0
	}
	return r
}

func TestPartsAreJudgedAsTheWhole(t *testing.T) {
	verdicts := map[Verdict]int{}
	for seed := range histories(t) / 20 {
		random := rand.New(rand.NewPCG(uint64(seed), 17))
		keys := severalKeys(random)
		var all []history.Operation
		for _, ops := range keys {
			all = append(all, ops...)
		}
		options := Options{Explanations: 1 + random.IntN(3)}
		whole := check(t, all, options)
		verdicts[whole.Verdict]++

		p := Begin(t.Context(), modelOf(all), options)
		left := len(all)
		random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for len(keys) > 0 {
			n := 1 + random.IntN(len(keys))
			for _, ops := range keys[:n] {
				left -= len(ops)
			}
			require.NoError(t, p.Add(keys[:n], left))
			keys = keys[n:]
		}
		require.Equal(t, untimed(whole), untimed(p.End()), "seed %d", seed)
		p.Close()
	}
	require.Greater(t, verdicts[Legal], 50)
	require.Greater(t, verdicts[Illegal], 50)
}

// Keys that wait for a search must not pile up while others are handed over.
func TestKeysThatWaitAreSearchedWhenThereAreMany(t *testing.T) {
	hard := func(key string, from int64) []history.Operation {
		return rename(parse(t, "c1 write 1 0..1\nc2 write 1 2..3\nc3 read 1 4..5"), key, from)
	}
	p := Begin(t.Context(), Register(), Options{})
	defer p.Close()
	require.NoError(t, p.Add([][]history.Operation{hard("one", 0)}, 1))
	require.Len(t, p.waiting, 1, "its values are not unique, and few operations wait")
	p.waitingOps = waitingMax
	require.NoError(t, p.Add([][]history.Operation{hard("two", 10)}, 1))
	require.Empty(t, p.waiting)
	require.Zero(t, p.waitingOps)
	require.Equal(t, KeyCounts{Legal: 2, Methods: map[Method]int{BySearch: 2}}, p.End().Counts)
}

func TestTimeBetweenPartsIsNotTheChecks(t *testing.T) {
	p := Begin(t.Context(), Register(), Options{Budget: time.Hour})
	defer p.Close()
	for range 3 {
		p.schedule.postpone(-2 * time.Hour) // two hours go by
		p.idle = p.idle.Add(-2 * time.Hour)
		require.False(t, p.Over())
	}
	require.NoError(t, p.Add([][]history.Operation{parse(t, "c1 write 1 0..1")}, 0))
	report := p.End()
	require.Equal(t, Legal, report.Verdict)
	require.Less(t, report.Duration, time.Hour)
}

func TestWhatIsLeftWhenTheTimeIsOverHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := Begin(ctx, Register(), Options{Budget: time.Hour})
	defer p.Close()
	require.NoError(t, p.Add([][]history.Operation{parse(t, "c1 write 1 0..1")}, 30))
	p.Leave(0)
	require.False(t, p.Over())
	require.Equal(t, Legal, p.report.Verdict)
	cancel()
	require.True(t, p.Over())
	p.Leave(7)
	report := p.End()
	require.Equal(t, Unknown, report.Verdict)
	require.Equal(t, 7, report.Counts.Unknown)
	require.Equal(t, 8, report.Counts.Total())
	all, notLegal := report.Unlisted()
	require.Equal(t, []int{7, 7}, []int{all, notLegal})

	p = Begin(t.Context(), Register(), Options{Budget: time.Hour})
	defer p.Close()
	p.idle = p.schedule.judged
	require.True(t, p.Over(), "nothing is judged in what is kept for the explanations")
}

func TestPartThatIsNoHistoryIsRefused(t *testing.T) {
	p := Begin(t.Context(), Register(), Options{})
	defer p.Close()
	ops := parse(t, "c1 write 1 0..1")
	ops[0].Return = history.NoReturn
	require.ErrorIs(t, p.Add([][]history.Operation{ops}, 0), ErrInvalid)
}

// A report is of bounded size: what is not legal is listed first, and all is counted.
func TestReportListsSoManyKeysAndCountsAll(t *testing.T) {
	p := Begin(t.Context(), Register(), Options{})
	defer p.Close()
	one := func(key, text string) []history.Operation { return rename(parse(t, text), key, 0) }
	var part [][]history.Operation
	for key := range keysListedMax {
		part = append(part, one(fmt.Sprint("a", key), "c1 write 1 0..1"))
	}
	part = append(part, one("z1", "c1 read 1 0..1"), one("z2", "c1 read 1 0..1"))
	require.NoError(t, p.Add(part, 0))
	report := p.End()
	require.Equal(t, keysListedMax+2, report.Operations)
	require.Equal(t, keysListedMax+2, report.Counts.Total())
	require.Len(t, report.Keys, keysListedMax)
	all, notLegal := report.Unlisted()
	require.Equal(t, []int{2, 0}, []int{all, notLegal})
	last := report.Keys[keysListedMax-2:]
	require.Equal(t, []string{"z1", "z2"}, []string{last[0].Key, last[1].Key})
	require.Equal(t, Illegal, last[0].Verdict)
}

func TestDecisionsOfPartsAreAddedUp(t *testing.T) {
	var sum DecisionReport
	sum.Add(DecisionReport{Verdict: Legal, Keys: 2, Told: 3, Learned: 4})
	require.Equal(t, DecisionReport{Verdict: Legal, Keys: 2, Told: 3, Learned: 4}, sum)
	bad := DecisionReport{
		Verdict: Illegal, Keys: 1, Violations: make([]Explanation, decisionsListedMax-1),
	}
	sum.Add(bad)
	require.Zero(t, sum.Unlisted)
	sum.Add(bad)
	sum.Add(DecisionReport{Verdict: Legal, Keys: 1, Unlisted: 5})
	require.Equal(t, Illegal, sum.Verdict)
	require.Equal(t, 5, sum.Keys)
	require.Len(t, sum.Violations, decisionsListedMax)
	require.Equal(t, decisionsListedMax-2+5, sum.Unlisted)
}
