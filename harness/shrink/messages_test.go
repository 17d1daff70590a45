package shrink

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/harness/plan"
	"ordeal/nemesis"
)

// datagram returns the number of one that a fake run knows.
func datagram(number int) nemesis.Datagram {
	return nemesis.Datagram{From: "n1", To: "n2", Kind: "prepare", Occurrence: number,
		Operation: nemesis.OperationName{Number: 1}}
}

// A conversation is a fake run: some of its datagrams are needed, each lost one of some others is
// sent again, under another number, and the rest are heard by nobody.
type conversation struct {
	count          int
	needed, resent []int
	timers         int
}

func (c conversation) judge(_ context.Context, p plan.Plan) (Judgement, error) {
	lost := func(number int) bool {
		return slices.Contains(p.Simulation.Lose, datagram(number))
	}
	j := Judgement{Violates: true, Events: 1}
	for number := 1; number <= c.count; number++ {
		arrives := number
		if lost(number) {
			j.Tally.Lost = append(j.Tally.Lost, datagram(number))
			if slices.Contains(c.needed, number) {
				j.Violates = false
			}
			if again := number + c.count; slices.Contains(c.resent, number) && !lost(again) {
				arrives = again
			} else {
				continue
			}
		}
		j.Tally.Deliveries++
		j.Tally.Datagrams = append(j.Tally.Datagrams, datagram(arrives))
	}
	for number := 1; number <= c.timers; number++ {
		timer := nemesis.Timer{Node: "n1", Occurrence: number}
		if !slices.Contains(p.Simulation.Mute, timer) {
			j.Tally.Timeouts++
			j.Tally.Timers = append(j.Tally.Timers, timer)
		}
	}
	return j, nil
}

// Whatever is needed stays, and nothing else; the list names nothing that it need not, and what
// proves its recovery keeps its timers.
func TestOmitLeavesWhatIsNeeded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 25).Draw(t, "count")
		some := rapid.SliceOfNDistinct(rapid.IntRange(1, count), 0, min(count, 6), rapid.ID[int])
		c := conversation{
			count: count, needed: some.Draw(t, "needed"), timers: rapid.IntRange(0, 3).Draw(t, "timers"),
		}
		for _, number := range some.Draw(t, "resent") {
			if !slices.Contains(c.needed, number) {
				c.resent = append(c.resent, number)
			}
		}
		p := planOf(1, 0)
		if rapid.Bool().Draw(t, "recovery") {
			p.Recovery = plan.Default().Recovery
		}
		p.Simulation.Lose = []nemesis.Datagram{datagram(3 * count)} // is never sent
		first, err := c.judge(context.Background(), p)
		require.NoError(t, err)
		s := &search{oracle: c.judge, workers: 2, best: p, judged: first}
		require.NoError(t, s.omit(context.Background()))
		require.True(t, s.judged.Violates)
		size := s.judged.Tally.Size()
		for _, d := range s.judged.Tally.Datagrams {
			q := s.best
			q.Simulation.Lose = append(slices.Clone(q.Simulation.Lose), d)
			j, _ := c.judge(context.Background(), q)
			require.False(t, j.Violates && j.Tally.Size() < size, "%s can be lost", d)
		}
		for i, d := range s.best.Simulation.Lose {
			q := s.best
			q.Simulation.Lose = slices.Delete(slices.Clone(q.Simulation.Lose), i, i+1)
			j, _ := c.judge(context.Background(), q)
			require.Greater(t, j.Tally.Size(), size, "%s need not be listed", d)
		}
		require.GreaterOrEqual(t, s.judged.Tally.Deliveries, len(c.needed))
		require.LessOrEqual(t, s.judged.Tally.Deliveries, len(c.needed)+len(c.resent))
		if p.Recovery > 0 {
			require.Empty(t, s.best.Simulation.Mute)
		} else {
			require.Len(t, s.best.Simulation.Mute, c.timers)
		}
		require.NoError(t, s.best.Validate())
	})
}

// What was lost by chance is listed in place of the chance, once.
func TestPinListsWhatWasLost(t *testing.T) {
	p := planOf(1, 0)
	p.Simulation.Loss, p.Simulation.Lose = lossy, []nemesis.Datagram{datagram(1)}
	s := &search{oracle: conversation{}.judge, workers: 1, best: p}
	s.judged.Tally.Lost = []nemesis.Datagram{datagram(1), datagram(2)}
	require.NoError(t, s.pin(context.Background()))
	require.Zero(t, s.best.Simulation.Loss)
	require.Equal(t, []nemesis.Datagram{datagram(1), datagram(2)}, s.best.Simulation.Lose)
	require.Len(t, p.Simulation.Lose, 1)
}

// Other timings are valid plans of the same operations and faults, and the same every time.
func TestOtherTimingsKeepWhatIsThere(t *testing.T) {
	p := planOf(6, 2)
	require.Equal(t, p, jumbled(p, 0))
	different := 0
	for number := range 60 {
		q := jumbled(p, number)
		require.NoError(t, q.Validate())
		require.Equal(t, q, jumbled(p, number))
		require.ElementsMatch(t, numbers(p), numbers(q))
		require.Len(t, q.Faults, 2)
		if q.Simulation.Loss > 0 {
			different++
		}
	}
	require.Equal(t, 29, different)
}

// Where a node is taken away what is listed of it goes, and the rest moves up with the others.
func TestOmissionsAreRenamed(t *testing.T) {
	p := planOf(1, 0)
	p.Simulation.Lose = []nemesis.Datagram{{From: "n1", To: "n2"}, {From: "n3", To: "n5"}}
	p.Simulation.Mute = []nemesis.Timer{{Node: "n2"}, {Node: "n4"}}
	q := withoutNode(p, "n2")
	require.Equal(t, []nemesis.Datagram{{From: "n2", To: "n4"}}, q.Simulation.Lose)
	require.Equal(t, []nemesis.Timer{{Node: "n3"}}, q.Simulation.Mute)
}
