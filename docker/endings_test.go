package docker

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// overtaking is the time for something to happen in the midst of a fault that must not. Where it
// cannot, the time passes in vain.
const overtaking = 100 * time.Millisecond

// amidst has something done while a fault is injected that has looked at n1, and is about to look
// at n2. It returns a function that waits for that to be done, and says how it ended.
func amidst(
	f *fakeContainers, do func() (history.Evidence, error),
) (wait func() (history.Evidence, error)) {
	var first, second sync.Once
	atFirst, done := make(chan struct{}), make(chan struct{})
	var evidence history.Evidence
	var err error
	f.stepIn = func(what string, _ http.ResponseWriter, r *http.Request) bool {
		switch what {
		case "json c1":
			first.Do(func() { close(atFirst) })
		case "json c2":
			second.Do(func() {
				select {
				case <-atFirst:
				case <-r.Context().Done():
				}
				go func() {
					defer close(done)
					evidence, err = do()
				}()
				select {
				case <-done:
				case <-time.After(overtaking):
				}
			})
		}
		return false
	}
	return func() (history.Evidence, error) {
		<-done
		return evidence, err
	}
}

// A fault that comes to nothing must not take over the nodes of one that is healed meanwhile.
func TestFaultWithoutEffectKeepsNobodyDead(t *testing.T) {
	c, f := newFakeNodes(t, 2)
	killing := kill("k", "n1")
	evidence, err := c.kill(t.Context(), killing)
	shown(t, evidence, err)
	evidence, err = c.pause(t.Context(), faultOf(nemesis.Pause, "p", "n2"))
	shown(t, evidence, err)

	healed := amidst(f, func() (history.Evidence, error) { return c.revive(t.Context(), killing) })
	_, err = c.stop(t.Context(), faultOf(nemesis.Stop, "s", "n1", "n2"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	evidence, err = healed()
	shown(t, evidence, err)
	require.Equal(t, "running", measured(evidence, "n1")["state after"])
	n1, _ := f.stateOf("c1")
	require.True(t, n1.Running)
	require.Empty(t, c.byName["n1"].down)
}

func TestPauseWithoutEffectHoldsNobody(t *testing.T) {
	c, f := newFakeNodes(t, 2)
	paused := faultOf(nemesis.Pause, "p", "n1")
	evidence, err := c.pause(t.Context(), paused)
	shown(t, evidence, err)
	evidence, err = c.kill(t.Context(), kill("k", "n2"))
	shown(t, evidence, err)

	healed := amidst(f, func() (history.Evidence, error) { return c.resume(t.Context(), paused) })
	_, err = c.pause(t.Context(), faultOf(nemesis.Pause, "s", "n1", "n2"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	evidence, err = healed()
	shown(t, evidence, err)
	require.Equal(t, "running", measured(evidence, "n1")["state after"])
	n1, _ := f.stateOf("c1")
	require.False(t, n1.Paused)
	require.Empty(t, c.byName["n1"].pauses)
}

// A fault may name a node twice, which is not to be waited for by itself.
func TestNodesAreVictimsOnce(t *testing.T) {
	c, _ := newFakeNodes(t, 2)
	f := kill("k", "n2", "n1", "n2")
	evidence, err := c.kill(t.Context(), f)
	shown(t, evidence, err)
	require.Len(t, evidence.Measurements, 4)
	evidence, err = c.revive(t.Context(), f)
	shown(t, evidence, err)
}

// Faults that name the same nodes in different orders do not wait for each other for ever.
func TestFaultsOfTheSameNodesTakeTurns(t *testing.T) {
	c, _ := newFakeNodes(t, 3)
	var group sync.WaitGroup
	for _, nodes := range [][]string{{"n1", "n2", "n3"}, {"n3", "n2", "n1"}, {"n2", "n3", "n1"}} {
		group.Go(func() {
			for range 5 {
				f := kill(strings.Join(nodes, "-"), nodes...)
				_, _ = c.kill(t.Context(), f)
				_, _ = c.revive(t.Context(), f)
				f.Kind = nemesis.Pause
				_, _ = c.pause(t.Context(), f)
				_, _ = c.resume(t.Context(), f)
			}
		})
	}
	group.Wait()
	for _, n := range c.nodes {
		require.Empty(t, n.down)
		require.Empty(t, n.pauses)
		now, err := c.stateOf(t.Context(), n)
		require.NoError(t, err)
		require.Equal(t, "running", now.String())
	}
}

// A SIGKILL that may have been sent makes an end by one no news, whenever it comes.
func TestSentKillExpectsItsEnd(t *testing.T) {
	for name, stepIn := range map[string]func(w http.ResponseWriter, r *http.Request){
		"its end is not told": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		},
		"it is not answered": func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []nemesis.Kind{nemesis.Kill, nemesis.Stop} {
				c, f := newFakeNodes(t, 1)
				inject, code := c.kill, int64(killed)
				if kind == nemesis.Stop {
					inject, code = c.stop, terminated
				}
				f.stepIn = func(what string, w http.ResponseWriter, r *http.Request) bool {
					if what == "kill c1" {
						stepIn(w, r)
					}
					return what == "kill c1"
				}
				ctx, cancel := context.WithTimeout(t.Context(), overtaking)
				defer cancel()
				_, err := inject(ctx, faultOf(kind, "f", "n1"))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.False(t, c.byName["n1"].run.end(code), "it is no news")
			}
		})
	}
}

// A signal that may be on its way has its effect before the heal, not after it.
func TestHealOfAKillThatIsOnItsWay(t *testing.T) {
	for name, refuses := range map[string]bool{"on its way": false, "refused": true} {
		t.Run(name, func(t *testing.T) {
			c, f := newFakeNodes(t, 1)
			exits := listen(t, c)
			first := c.byName["n1"].run
			f.stepIn = func(what string, w http.ResponseWriter, _ *http.Request) bool {
				if what == "kill c1" && refuses {
					refuse(w, http.StatusInternalServerError, "no idea")
				} else if what == "kill c1" {
					w.WriteHeader(http.StatusNoContent)
				}
				return what == "kill c1"
			}
			ctx, cancel := context.WithTimeout(t.Context(), overtaking)
			defer cancel()
			killing := kill("k", "n1")
			_, err := c.kill(ctx, killing)
			require.Error(t, err)
			f.stepIn = nil
			evidence, err := c.revive(t.Context(), killing)
			require.NoError(t, err)
			require.Equal(t, []string{"state end"}, unshown(evidence))
			require.Equal(t, "running", measured(evidence, "n1")["state after"])
			require.Equal(t, !refuses, first.over())
			require.False(t, c.byName["n1"].run.expected(), "its next end is news")
			require.Empty(t, *exits)
		})
	}
}
