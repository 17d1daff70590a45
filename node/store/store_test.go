package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/node/wal"
)

func persistOf(name string, round uint64) replica.Persist {
	return replica.Persist{
		Key:      paxos.Key{Name: name},
		Acceptor: paxos.Acceptor{Promised: paxos.Ballot{Round: round, Node: 1, Boot: 1}},
	}
}

func TestBatchesHaveABound(t *testing.T) {
	queue := make([]replica.Persist, 3000)
	for i := range queue {
		queue[i] = persistOf("k", uint64(i))
		queue[i].Acceptor.Accepted.State.Content = make([]byte, paxos.ContentMax)
	}
	var e Encoder
	var total int
	for len(queue) > 0 {
		batch := e.NextBatch(queue)
		size := 0
		for _, record := range batch {
			size += record.Size()
		}
		require.LessOrEqual(t, size, wal.BatchMaxBytes)
		require.NotEmpty(t, batch)
		total += len(batch)
		queue = queue[len(batch):]
	}
	require.Equal(t, 3000, total)
	require.Empty(t, e.NextBatch(nil))
}

// What was encoded is decoded as it was, in its order.
func TestWhatIsStoredComesBack(t *testing.T) {
	decree := persistOf("d", 7)
	decree.Key.Space = paxos.Decrees
	decree.Acceptor.Accepted = paxos.Proposal{
		Ballot: paxos.Ballot{Round: 6, Node: 2, Boot: 3},
		State:  paxos.State{Present: true, Content: []byte("v")},
	}
	queue := []replica.Persist{persistOf("a", 1), decree, persistOf("a", 2)}
	stored, err := Acceptors(new(Encoder).NextBatch(queue))
	require.NoError(t, err)
	var back []replica.Persist
	for key, acceptor := range stored {
		back = append(back, replica.Persist{Key: key, Acceptor: acceptor})
	}
	require.Equal(t, queue, back)
	for key := range stored {
		require.Equal(t, "a", key.Name)
		break // and whoever has seen enough may stop
	}
}

func TestRecordsThatNoNodeWrote(t *testing.T) {
	key := paxos.AppendKey(nil, paxos.Key{Name: "k"})
	_, err := Acceptors([]wal.Record{{Key: []byte{9}}})
	require.ErrorIs(t, err, paxos.ErrMalformed)
	_, err = Acceptors([]wal.Record{{Key: key, Value: []byte{1, 2, 3}}})
	require.ErrorIs(t, err, paxos.ErrMalformed)
	require.ErrorContains(t, err, "acceptor of key k")
}

// A batch is synced unless nothing in it asks for that.
func TestABatchIsSyncedIfAnyOfItMustBe(t *testing.T) {
	synced, written := persistOf("a", 1), persistOf("b", 1)
	written.Unsynced = true
	require.True(t, MustSync([]replica.Persist{synced}))
	require.True(t, MustSync([]replica.Persist{written, synced, written}))
	require.False(t, MustSync([]replica.Persist{written, written}))
}
