package simulation

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// inject and heal carry a fault out and return what was measured.
func inject(t *testing.T, w *World, f nemesis.Fault) history.Evidence {
	t.Helper()
	return carriedOut(t, w, func(done func(history.Evidence, error)) { w.Inject(f, done) })
}

func heal(t *testing.T, w *World, f nemesis.Fault) history.Evidence {
	t.Helper()
	return carriedOut(t, w, func(done func(history.Evidence, error)) { w.Heal(f, done) })
}

func carriedOut(
	t *testing.T, w *World, begin func(func(history.Evidence, error)),
) (measured history.Evidence) {
	t.Helper()
	over := false
	begin(func(e history.Evidence, err error) {
		require.NoError(t, err)
		measured, over = e, true
	})
	for !over {
		require.NoError(t, w.Step(t.Context()))
	}
	return measured
}

// request asks n1 for a write.
func request(w *World) {
	w.Invoke(history.Operation{
		Node: "n1", Key: "k0", Kind: history.Write, Value: history.NewValue("1"),
	}, time.Second, func(history.Result) {})
}

// serve lets n1 serve a few writes.
func serve(t *testing.T, w *World) {
	t.Helper()
	for range 5 {
		over := false
		op := history.Operation{
			Node: "n1", Key: "k0", Kind: history.Write, Value: history.NewValue("1"),
		}
		w.Invoke(op, time.Second, func(r history.Result) { over = r.Outcome == history.OK })
		for !over {
			require.NoError(t, w.Step(t.Context()))
		}
	}
}

func on(kind nemesis.Kind, id string) nemesis.Fault {
	f := nemesis.Fault{ID: id, Kind: kind, Nodes: []string{"n1"}}
	switch kind {
	case nemesis.SlowDisk:
		f.Delay = time.Millisecond
	case nemesis.Drift:
		f.Rate = 10
	}
	return f
}

// Rot that finds no place is not shown, and damages nothing.
func TestRotThatFindsNoPlaceIsNotShown(t *testing.T) {
	w := aWorld(t)
	rot := on(nemesis.Rot, "f1")
	require.False(t, inject(t, w, rot).Shown, "a log of one batch cannot rot")
	heal(t, w, rot)
	require.Equal(t, running, w.nodes[0].state)

	rot.ID = "f2"
	serve(t, w)
	require.True(t, inject(t, w, rot).Shown)
	heal(t, w, rot)
	require.Equal(t, refused, w.nodes[0].state)
}

// What slows down a node that takes no part has no effect.
func TestANodeThatTakesNoPartIsNotHindered(t *testing.T) {
	for _, kind := range []nemesis.Kind{nemesis.SlowDisk, nemesis.Drift} {
		w := aWorld(t)
		require.True(t, inject(t, w, on(kind, "f1")).Shown)
		require.True(t, heal(t, w, on(kind, "f1")).Shown)
		inject(t, w, on(nemesis.Wipe, "f2"))
		heal(t, w, on(nemesis.Wipe, "f2"))
		require.Equal(t, out, w.nodes[0].state)
		require.False(t, inject(t, w, on(kind, "f3")).Shown)
		require.False(t, heal(t, w, on(kind, "f3")).Shows("end"))
	}
}

// The machine of a process that was killed may crash, too: what it had not synced is lost then.
func TestTheMachineOfADeadProcessMayCrash(t *testing.T) {
	w := aWorld(t)
	n := w.nodes[0]
	inject(t, w, on(nemesis.Kill, "f1"))
	file, err := n.files.Create("spare")
	require.NoError(t, err)
	require.NoError(t, n.files.SyncDirectory())
	_, err = file.Write(make([]byte, 100))
	require.NoError(t, err)
	e := inject(t, w, on(nemesis.Crash, "f2"))
	require.True(t, e.Shown)
	require.Contains(t, e.Measurements, history.Measurement{
		Subject: "n1", What: history.MeasuredDisk, When: "during",
		Value: "100 bytes were not synced", Shows: true,
	})
	heal(t, w, on(nemesis.Crash, "f2"))
	require.Equal(t, dead, n.state, "the kill keeps it so")
	heal(t, w, on(nemesis.Kill, "f1"))
	require.Equal(t, running, n.state)
}

// What a fault does does not depend on how often the node was restarted before.
func TestWhatAFaultDoesDependsOnItAlone(t *testing.T) {
	done := func(life uint32) string {
		w := aWorld(t)
		n := w.nodes[0]
		serve(t, w)
		n.end("killed")
		n.life += life
		what, ok := n.damage(nemesis.Rot, hashOf("f7"))
		require.True(t, ok)
		return what
	}
	require.Equal(t, done(0), done(5))
}

// Disks are idle most of the time; still many crashes come while something is not synced yet.
func TestManyCrashesComeWhileSomethingIsWritten(t *testing.T) {
	lossy := 0
	for i := range 40 {
		w := aWorld(t)
		f := on(nemesis.Crash, fmt.Sprintf("f%d", i))
		w.Invoke(history.Operation{
			Node: "n1", Key: "k0", Kind: history.Write, Value: history.NewValue("1"),
		}, time.Second, func(history.Result) {})
		for _, m := range inject(t, w, f).Measurements {
			if m.What == history.MeasuredDisk && m.Value != "0 bytes were not synced" {
				lossy++
			}
		}
	}
	require.InDelta(t, 20, lossy, 12)
}
