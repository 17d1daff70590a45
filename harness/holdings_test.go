package harness

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

func TestRetiredKeyIsLetGoOnceItWasJudged(t *testing.T) {
	d := newDrill(t, nil)
	d.operate("a", 50)
	d.look(dueAfter)
	require.Equal(t, [][]string{{"a 50"}}, d.names())
	d.look(dueAfter)
	require.Zero(t, d.held)
	require.Empty(t, d.judged)
	d.now = 2 * dueAfter
	d.operate("a", 1)
	d.look(4 * dueAfter)
	require.Empty(t, d.names(), "what is known of it does not begin with its first operation")
	require.Zero(t, d.held)
}

func TestLiveKeyIsLetGoWhenItHasRetired(t *testing.T) {
	d := newDrill(t, nil)
	d.operate("a", 50)
	d.now = dueAfter / 2
	late := d.called("a", d.now)
	d.look(dueAfter)
	require.Equal(t, [][]string{{"a 50"}}, d.names())
	d.look(2 * dueAfter)
	require.Equal(t, 50, d.held, "one is in flight")
	d.ended(late, &history.Operation{Key: "a"}, 2*dueAfter)
	d.look(2 * dueAfter)
	require.Equal(t, [][]string{{"a 51"}}, d.names())
	d.look(2 * dueAfter)
	require.Zero(t, d.held)

	d.now = 3 * dueAfter
	d.operate("b", 1)
	d.called("c", d.now)
	d.now += dueAfter / 2
	d.ended(d.called("b", d.now), &history.Operation{Key: "b"}, d.now)
	d.look(d.now + dueAfter/2)
	require.Equal(t, [][]string{{"b 2"}}, d.names(), "it is live, and was judged")
	d.look(d.now + dueAfter/2)
	require.Equal(t, 2, d.held)
	d.look(d.now + dueAfter)
	require.Zero(t, d.held)
}

func TestKeyThatComesBackWhileItIsJudgedIsHeld(t *testing.T) {
	d := newDrill(t, nil)
	d.operate("a", 50)
	b := d.next(dueAfter)
	require.Len(t, b.keys, 1)
	d.now = dueAfter
	d.operate("a", 1)
	d.wasJudged()
	d.look(dueAfter)
	require.Equal(t, 51, d.held)
	d.look(2 * dueAfter)
	require.Equal(t, [][]string{{"a 51"}}, d.names())
}

// What is held is bounded, also where the judge does not keep up or never ends.
func TestTheKeyThatWaitsLongestIsLeftToTheEndWhereTooMuchIsHeld(t *testing.T) {
	var log bytes.Buffer
	d := newDrill(t, nil)
	d.log = slog.New(slog.NewTextHandler(&log, nil))
	d.most = 100
	d.operate("a", 40)
	d.operate("b", 40)
	d.next(dueAfter) // and nobody judges it
	d.now = dueAfter
	d.operate("c", 15)
	d.findDue(2 * dueAfter)
	d.operate("d", 10)
	require.False(t, d.keys["d"].gone)
	require.True(t, d.keys["c"].gone, "it waited for its turn, and the others do not")
	d.operate("d", 70)
	require.True(t, d.keys["d"].gone, "the others are being judged")
	d.operate("e", 150)
	require.True(t, d.keys["e"].gone, "it alone has more")
	require.Equal(t, 80, d.held)
	d.operate("c", 1)
	d.wasJudged()
	d.look(5 * dueAfter)
	require.Zero(t, d.held)
	require.Empty(t, d.names(), "c is not judged again")
	require.Equal(t, 1, strings.Count(log.String(), "left to the end"))
	require.Contains(t, log.String(), `"at most"=100`)
}

func TestNothingIsHeldAfterTheFirstViolation(t *testing.T) {
	d := newDrill(t, nil)
	d.illegal = func(context.Context, batch) ([]string, error) { return []string{"a"}, nil }
	d.operate("a", 50)
	_, found := d.look(dueAfter)
	require.True(t, found)
	d.operate("a", 50)
	d.operate("b", 50)
	require.Zero(t, d.held)
	require.Empty(t, d.keys)
}

// Whatever is let go, a key is judged from its first operation on, or not at all; and so what is
// legal is found so.
func TestKeysAreJudgedFromTheirFirstOperationOn(t *testing.T) {
	batches, pushedOut := 0, 0
	for seed := range uint64(200) {
		p := play(t, seed, models()[seed%2], 0)
		p.watch.most = 5 + p.random.IntN(60)
		p.watch.illegal = func(ctx context.Context, b batch) ([]string, error) {
			batches++
			for _, key := range b.keys {
				var want []history.Operation
				for _, op := range p.log.all(nil) {
					if op.Key == key.name {
						want = append(want, op)
					}
				}
				require.Equal(t, want, key.ops.all(nil))
			}
			return b.illegal(ctx, p.model)
		}
		for range 300 {
			p.step()
			if p.random.IntN(60) == 0 {
				p.now += 2 * dueAfter
			}
			_, found := p.watch.look(p.now)
			require.False(t, found)
			requireHeld(t, &p.watch.holdings)
		}
		pushedOut += p.watch.pushedOut
	}
	require.Greater(t, batches, 300)
	require.Greater(t, pushedOut, 50)
}

// requireHeld counts what is held.
func requireHeld(t *testing.T, h *holdings) {
	held := 0
	for name, k := range h.keys {
		if !k.gone {
			require.Equal(t, name, k.name)
			held += k.ops.count
		}
	}
	require.Equal(t, held, h.held)
	require.LessOrEqual(t, held, h.most)
	require.Zero(t, h.gone.ops.count)
}

func TestOperationLogHoldsWhatWasAdded(t *testing.T) {
	var log operationLog
	var copies []operationLog
	const most = 5 * blockMax
	for i := range int64(most) {
		if i%1000 == 0 {
			copies = append(copies, log.copy())
		}
		log.add(&history.Operation{ID: i})
	}
	copies = append(copies, log)
	for i, c := range copies {
		all := c.all([]history.Operation{{ID: int64(c.count)}})
		require.Len(t, all, min(1000*i, most)+1)
		for at := range all {
			require.EqualValues(t, at, all[at].ID)
		}
	}
	require.LessOrEqual(t, len(log.blocks), 20, fmt.Sprint(len(log.blocks)))
}
