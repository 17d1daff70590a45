package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/linearizability"
)

// A played run is a record of random operations on correct objects, fed to a watch as the loop does
// it: in any order that concurrent calls may have.
type played struct {
	random *rand.Rand
	model  linearizability.Model
	record *history.Writer
	log    operationLog
	watch  *watch
	held   map[string]history.Value
	now    time.Duration
	// calls are in flight; written counts the values.
	calls              []*playedCall
	processes, written int
	// spoil is one in how many answers that are wrong, 0 for none.
	spoil int
}

type playedCall struct {
	op     history.Operation
	key    *watched
	taken  bool
	result history.Result
}

func play(t testing.TB, seed uint64, model linearizability.Model, spoil int) *played {
	p := &played{
		random: rand.New(rand.NewPCG(seed, 5)), model: model, spoil: spoil,
		record: history.NewWriter(io.Discard, history.Header{
			Run: "played", Workload: "w", Model: model.Name(), Seed: 1,
		}),
		held: make(map[string]history.Value),
	}
	p.watch = newWatch(t.Context(), func(ctx context.Context, b batch) ([]string, error) {
		return b.illegal(ctx, model)
	}, p.record.Pending, quiet, true)
	t.Cleanup(p.watch.close)
	return p
}

// step lets one thing happen.
func (p *played) step() {
	p.now += time.Duration(p.random.IntN(20)) * time.Millisecond
	if len(p.calls) == 0 || len(p.calls) < 6 && p.random.IntN(3) == 0 {
		p.call()
		return
	}
	i := p.random.IntN(len(p.calls))
	c := p.calls[i]
	switch {
	case !c.taken && p.random.IntN(12) > 0:
		c.result, c.taken = p.take(c.op), true
		return
	case !c.taken:
		c.result = history.Result{Outcome: history.Fail, Error: "refused"}
	case p.random.IntN(8) == 0:
		c.result = history.Result{Outcome: history.Info, Error: "timeout"}
	case p.spoil > 0 && p.random.IntN(p.spoil) == 0:
		c.result.Returned = history.NewValue(fmt.Sprint(1 + p.random.IntN(p.written+1)))
	}
	p.calls = slices.Delete(p.calls, i, i+1)
	done := p.record.Complete(c.op, c.result, p.now)
	p.log.add(&done)
	p.watch.ended(c.key, &done, p.now)
}

func (p *played) call() {
	kinds := []history.Kind{history.Read, history.Write, history.CompareAndSet}
	if p.model.Name() == linearizability.Decision().Name() {
		kinds = []history.Kind{history.Propose, history.Learn}
	}
	op := history.Operation{
		Process: p.processes, Node: "n1", Kind: kinds[p.random.IntN(len(kinds))],
		Key: fmt.Sprintf("k%d", p.random.IntN(2)),
	}
	p.processes++
	if op.Kind != history.Read && op.Kind != history.Learn {
		p.written++
		op.Value = history.NewValue(fmt.Sprint(p.written))
	}
	if op.Kind == history.CompareAndSet && p.random.IntN(4) > 0 {
		op.Expected = p.held[op.Key]
	}
	op = p.record.Invoke(op, p.now)
	p.calls = append(p.calls, &playedCall{op: op, key: p.watch.called(op.Key, p.now)})
}

// take lets an operation take effect.
func (p *played) take(op history.Operation) history.Result {
	f := fake{values: p.held}
	return f.apply(op)
}

// cut returns everything as it stands now.
func (p *played) cut() batch {
	var b batch
	for _, name := range []string{"k0", "k1"} {
		if k := p.watch.keys[name]; k != nil {
			k.judged = -1
			p.watch.add(&b, k)
		}
	}
	p.watch.addPending(&b)
	return b
}

func models() []linearizability.Model {
	return []linearizability.Model{linearizability.Register(), linearizability.Decision()}
}

// The worst that a watch could do is a false alarm: a run that is legal is so wherever it is cut.
func TestNoPrefixOfALegalRunViolates(t *testing.T) {
	pending := 0
	for seed := range uint64(300) {
		p := play(t, seed, models()[seed%2], 0)
		for range 10 + p.random.IntN(150) {
			p.step()
			b := p.cut()
			pending += len(b.pending)
			illegal, err := b.illegal(t.Context(), p.model)
			require.NoError(t, err)
			require.Empty(t, illegal, "seed %d, after %d events", seed, p.record.Next())
			_, found := p.watch.look(p.now)
			require.False(t, found)
		}
	}
	require.Greater(t, pending, 1000, "operations were in flight at the cuts")
}

// What violates at one moment violates at all later ones, and at the end.
func TestViolationOfAPrefixIsFinal(t *testing.T) {
	violations := 0
	for seed := range uint64(300) {
		p := play(t, seed, models()[seed%2], 25)
		var before []string
		for range 10 + p.random.IntN(150) {
			p.step()
			illegal, err := p.cut().illegal(t.Context(), p.model)
			require.NoError(t, err)
			require.Subset(t, illegal, before, "seed %d, after %d events", seed, p.record.Next())
			before = illegal
		}
		check, _, err := Judge(t.Context(), p.model.Name(), p.log.all(p.record.Pending()), nil,
			Budget{})
		require.NoError(t, err)
		require.Subset(t, check.Illegal(), before, "seed %d", seed)
		violations += len(before)
	}
	require.Greater(t, violations, 100)
}

// A value that was read before its write has ended is no violation, and would be one if the write
// in flight were left out.
func TestWhatIsInFlightCounts(t *testing.T) {
	p := play(t, 1, linearizability.Register(), 0)
	write := history.Operation{
		Process: 1, Node: "n1", Kind: history.Write, Key: "k0", Value: history.NewValue("1"),
	}
	p.record.Invoke(write, 0)
	p.watch.called("k0", 0)
	read := p.record.Invoke(
		history.Operation{Process: 2, Node: "n2", Kind: history.Read, Key: "k0"}, 1)
	k := p.watch.called("k0", 1)
	read = p.record.Complete(read, history.Result{
		Outcome: history.OK, Returned: history.NewValue("1"),
	}, 2)
	p.watch.ended(k, &read, 2)
	b := p.cut()
	require.Len(t, b.pending, 1)
	illegal, err := b.illegal(t.Context(), p.model)
	require.NoError(t, err)
	require.Empty(t, illegal)
	b.pending = nil
	illegal, err = b.illegal(t.Context(), p.model)
	require.NoError(t, err)
	require.Equal(t, []string{"k0"}, illegal)
}

// A learner that forgot may have been restarted: that is judged with the whole record only.
func TestForgottenDecisionIsLeftToTheEnd(t *testing.T) {
	p := play(t, 1, linearizability.Decision(), 0)
	process := 0
	does := func(kind history.Kind, told string) {
		process++
		op := history.Operation{Process: process, Node: "n1", Kind: kind, Key: "k0"}
		if kind == history.Propose {
			op.Value = history.NewValue("1")
		}
		r := history.Result{Outcome: history.OK}
		if told != "" {
			r.Returned = history.NewValue(told)
		}
		op = p.record.Complete(p.record.Invoke(op, 0), r, 0)
		p.log.add(&op)
		p.watch.ended(p.watch.called("k0", 0), &op, 0)
	}
	does(history.Propose, "1")
	does(history.Learn, "1")
	does(history.Learn, "")
	illegal, err := p.cut().illegal(t.Context(), p.model)
	require.NoError(t, err)
	require.Empty(t, illegal)
	check, _, err := Judge(t.Context(), "decision", p.log.all(nil), nil, Budget{})
	require.NoError(t, err)
	require.Equal(t, []string{"k0"}, check.Illegal())
	does(history.Learn, "2")
	illegal, err = p.cut().illegal(t.Context(), p.model)
	require.NoError(t, err)
	require.Equal(t, []string{"k0"}, illegal)
}

// A drill feeds a watch with operations that nobody looks at, and answers for its judge.
type drill struct {
	*watch
	flying  []history.Operation
	batches []batch
	now     time.Duration
}

func newDrill(t *testing.T, failure error) *drill {
	d := &drill{}
	d.watch = newWatch(t.Context(), func(_ context.Context, b batch) ([]string, error) {
		d.batches = append(d.batches, b)
		return nil, failure
	}, func() []history.Operation { return d.flying }, quiet, true)
	t.Cleanup(d.close)
	return d
}

func (d *drill) operate(key string, count int) {
	for range count {
		d.ended(d.called(key, d.now), &history.Operation{Key: key}, d.now)
	}
}

// names returns the keys that were judged since the last time, batch by batch.
func (d *drill) names() [][]string {
	var all [][]string
	for _, b := range d.batches {
		var names []string
		for _, k := range b.keys {
			names = append(names, fmt.Sprintf("%s %d", k.name, k.ops.count))
		}
		all = append(all, names)
	}
	d.batches = nil
	return all
}

func TestSmallKeysAreJudgedOnceASecond(t *testing.T) {
	d := newDrill(t, nil)
	d.operate("a", 50)
	d.look(0)
	require.Empty(t, d.names())
	d.called("b", 0)
	d.look(dueAfter)
	require.Equal(t, [][]string{{"a 50"}}, d.names(), "nothing has ended on b")
	d.look(2 * dueAfter)
	require.Empty(t, d.names(), "nothing new")

	d.now = 3 * dueAfter
	for range 20 {
		d.now += dueAfter / 10
		d.operate("c", 1)
		d.look(d.now)
	}
	require.Equal(t, [][]string{{"c 11"}}, d.names(), "it is always in use")
}

func TestLargeKeysAreJudgedWhenTheyHaveDoubledAndWhenTheyHaveRetired(t *testing.T) {
	d := newDrill(t, nil)
	d.operate("a", recheckFrom-1)
	d.operate("a", 1)
	busy := d.called("a", 0)
	for range 60 {
		d.now += dueAfter / 10
		d.operate("a", 100)
		d.look(d.now)
	}
	require.Equal(t, [][]string{{"a 1100"}, {"a 2000"}, {"a 4000"}}, d.names())
	d.look(d.now + dueAfter)
	require.Empty(t, d.names(), "one is in flight")
	d.ended(busy, &history.Operation{Key: "a"}, d.now)
	d.look(d.now + dueAfter)
	require.Equal(t, [][]string{{"a 7001"}}, d.names())
}

func TestInFlightOperationsOfALiveKeyAreHandedOver(t *testing.T) {
	d := newDrill(t, nil)
	d.operate("live", recheckFrom)
	d.called("live", 0)
	d.flying = []history.Operation{{Key: "live"}, {Key: "another"}}
	d.look(0)
	require.Len(t, d.batches, 1)
	require.Equal(t, d.flying[:1], d.batches[0].pending)
}

// What is due waits for its turn in batches of bounded size; large live keys are judged when
// nothing waits.
func TestWhatIsDueComesBeforeWhatIsLive(t *testing.T) {
	d := newDrill(t, nil)
	d.operate("a", batchMax/2)
	d.operate("b", batchMax/2)
	d.operate("c", batchMax+1)
	d.operate("d", 1)
	d.now = dueAfter
	d.operate("live", recheckFrom)
	for range 5 {
		d.look(d.now)
	}
	require.Equal(t, [][]string{
		{fmt.Sprint("a ", batchMax/2), fmt.Sprint("b ", batchMax/2)}, {fmt.Sprint("c ", batchMax+1)},
		{"d 1", fmt.Sprint("live ", recheckFrom)},
	}, d.names())
}

// A batch that cannot be judged says nothing, and none is tried any more.
func TestWatchThatFailsIsSilent(t *testing.T) {
	d := newDrill(t, errors.New("no history"))
	d.operate("a", 1)
	for range 3 {
		d.now += dueAfter
		_, found := d.look(d.now)
		require.False(t, found)
		d.operate("b", 1)
	}
	require.Len(t, d.batches, 1)
}

func TestPanicOfTheJudgeIsAnError(t *testing.T) {
	d := newDrill(t, nil)
	d.illegal = func(context.Context, batch) ([]string, error) { panic("a bug") }
	require.EqualError(t, d.judge(batch{}).err, "panic: a bug")
}
