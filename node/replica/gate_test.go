package replica

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/node/paxos"
)

// numbered returns a Send that waits for the disk and can be told from others.
func numbered(number uint64) Send {
	return Send{Message: paxos.Message{Kind: paxos.Report, Nonce: number}, AfterSync: true}
}

func TestASendWaitsForEveryPersistBeforeIt(t *testing.T) {
	var g Gate
	require.False(t, g.Hold(numbered(1)), "nothing was written before it")
	g.Persisted()
	g.Persisted()
	require.True(t, g.Hold(numbered(2)))
	require.False(t, g.Hold(Send{}), "it is not marked")
	g.Synced(1)
	_, ok := g.Next()
	require.False(t, ok, "one of two is synced")
	require.True(t, g.Hold(numbered(3)))
	g.Persisted()
	require.True(t, g.Hold(numbered(4)))
	require.Equal(t, 3, g.Held())
	g.Synced(2)
	g.Synced(1)
	for _, number := range []uint64{2, 3} {
		s, ok := g.Next()
		require.True(t, ok)
		require.Equal(t, numbered(number), s)
	}
	_, ok = g.Next()
	require.False(t, ok, "a later Persist is not synced")
	require.Equal(t, 1, g.Held())
	g.Synced(3)
	require.False(t, g.Hold(numbered(5)), "all is synced, though one is not taken out yet")
	s, ok := g.Next()
	require.True(t, ok)
	require.Equal(t, numbered(4), s)
	require.Zero(t, g.Held())
	require.Panics(t, func() { g.Synced(4) }, "more is synced than there is")
}

// Whatever the order of writes, messages and syncs, the gate does what a naive list does.
func TestAGateIsAListThatIsLookedThrough(t *testing.T) {
	type waiting struct{ number, after uint64 }
	rapid.Check(t, func(t *rapid.T) {
		var g Gate
		var list []waiting
		persisted, synced, number := uint64(0), uint64(0), uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"persist": func(*rapid.T) {
				persisted++
				g.Persisted()
			},
			"send": func(*rapid.T) {
				number++
				held := g.Hold(numbered(number))
				if held != (synced < persisted) {
					t.Fatalf("held %t, %d of %d synced", held, synced, persisted)
				}
				if held {
					list = append(list, waiting{number, persisted})
				}
			},
			"sync": func(t *rapid.T) {
				synced = rapid.Uint64Range(synced, persisted).Draw(t, "synced")
				g.Synced(synced)
			},
			"next": func(*rapid.T) {
				s, ok := g.Next()
				if want := len(list) > 0 && list[0].after <= synced; ok != want {
					t.Fatalf("next: %t, want %t", ok, want)
				}
				if ok {
					require.Equal(t, numbered(list[0].number), s)
					list = list[1:]
				}
			},
			"": func(t *rapid.T) { require.Equal(t, len(list), g.Held()) },
		})
	})
}

// Once a gate has grown to what waits at a time, holding allocates nothing.
func TestHoldingAllocatesNothingPerMessage(t *testing.T) {
	var g Gate
	persisted := uint64(0)
	round := func() {
		// Some are always left waiting, so that the gate is never empty.
		for range 16 {
			persisted++
			g.Persisted()
			g.Hold(numbered(persisted))
		}
		g.Synced(persisted - 5)
		for _, ok := g.Next(); ok; _, ok = g.Next() {
		}
	}
	for range 10 {
		round()
	}
	require.Zero(t, testing.AllocsPerRun(1000, round))
	require.Equal(t, 5, g.Held())
}
