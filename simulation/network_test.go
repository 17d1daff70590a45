package simulation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
	"ordeal/node/paxos"
)

// aWorld returns a world of three nodes that is closed at the end of the test.
func aWorld(t *testing.T) *World {
	t.Helper()
	w, err := Start(Config{Seed: 1, Nodes: 3, Conditions: nemesis.DefaultConditions()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close(t.Context())) })
	return w
}

// disturb lets faults of the kind packets be in force on the link from n1 to n2.
func disturb(w *World, faults ...nemesis.Fault) (all []*weather) {
	l := w.network.link(1, 2)
	for _, f := range faults {
		all = append(all, newWeather(f))
	}
	l.weather = all
	return all
}

// Each of two faults on one link throws its own dice: the second one has an effect, too.
func TestFaultsOnOneLinkThrowTheirOwnDice(t *testing.T) {
	const datagrams = 2000
	arrive := func(faults ...nemesis.Fault) int {
		w := aWorld(t)
		disturb(w, faults...)
		before := len(w.queue.heap)
		for i := range datagrams {
			m := paxos.Message{Kind: paxos.Query, From: 1, To: 2, Nonce: uint64(i)}
			w.network.send(w.nodes[0], &m, uint64(i))
		}
		return len(w.queue.heap) - before
	}
	losing := func(id string) nemesis.Fault { return nemesis.Fault{ID: id, Loss: 50} }
	require.InDelta(t, datagrams/2, arrive(losing("f1")), 100)
	require.InDelta(t, datagrams/4, arrive(losing("f1"), losing("f2")), 100)
	require.InDelta(t, datagrams/8, arrive(losing("f1"), losing("f2"), losing("f3")), 100)
	repeating := func(id string) nemesis.Fault { return nemesis.Fault{ID: id, Duplicate: 50} }
	require.InDelta(t, datagrams*7/4, arrive(repeating("f1"), repeating("f2")), 100)
}

// How long a datagram takes that a fault had kept does not depend on what else it had kept.
func TestWhatWasHeldTravelsByItself(t *testing.T) {
	arrives := func(origins ...uint64) map[uint64]int64 {
		w := aWorld(t)
		fault := disturb(w, nemesis.Fault{ID: "f1", Hold: true})[0]
		for _, origin := range origins {
			m := paxos.Message{Kind: paxos.Query, From: 1, To: 2}
			w.network.send(w.nodes[0], &m, origin)
		}
		w.network.release(fault)
		at := make(map[uint64]int64)
		for len(w.queue.heap) > 0 {
			e, when := w.queue.pop()
			if e.kind == happensDelivery {
				at[e.origin] = when
			}
		}
		return at
	}
	all, some := arrives(7, 8, 9), arrives(9)
	require.Equal(t, all[9], some[9])
	require.Less(t, time.Duration(0), time.Duration(some[9]))
}

// What a world calls back may close it.
func TestAWorldMayBeClosedByWhatItCalls(t *testing.T) {
	w := aWorld(t)
	w.After(0, func() { require.NoError(t, w.Close(t.Context())) })
	for range 1000 {
		if err := w.Step(t.Context()); err != nil {
			require.ErrorContains(t, err, "closed")
			return
		}
	}
	t.Fatal("it goes on")
}
