package history

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbersAreASetInStretches(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 3))
		var s numbers
		want := map[int64]bool{}
		for range random.IntN(80) {
			n := random.Int64N(60) - 5
			s.add(n)
			want[n] = true
			for n := int64(-7); n < 60; n++ {
				require.Equal(t, want[n], s.has(n))
			}
			for i := 1; i < len(s); i++ {
				require.Greater(t, s[i].first, s[i-1].last+1, "stretches do not touch")
			}
		}
	}
}

// Processes that ended are remembered, since none may call again, and take no memory each.
func TestProcessesThatEndedTakeNoMemory(t *testing.T) {
	s := newSequence()
	clients, next := []int{0, 1, 2, 3}, 4
	e := Event{}
	for i := range 10_000 {
		client := &clients[i*7%4]
		op := Operation{ID: int64(i + 1), Process: *client, Kind: Read, Key: "k"}
		e = Event{Index: s.next, Type: TypeInvoke, Operation: &op}
		_, err := s.add(&e)
		require.NoError(t, err)
		done := Operation{ID: op.ID, Process: *client, Kind: Read, Key: "k"}
		done.Outcome = Info
		e = Event{Index: s.next, Type: TypeInfo, Operation: &done}
		_, err = s.add(&e)
		require.NoError(t, err)
		*client = next
		next++
	}
	require.Empty(t, s.processes)
	require.LessOrEqual(t, len(s.ended), 4)
	again := Operation{ID: 20_000, Process: 17, Kind: Read, Key: "k"}
	_, err := s.add(&Event{Index: s.next, Type: TypeInvoke, Operation: &again})
	require.EqualError(t, err,
		"process 17 calls operation 20000 after one of unknown outcome (accepted: a new process)")
}
