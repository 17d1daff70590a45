package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/node/wal"
)

var identity = wal.Identity{Cluster: "c", Node: "n1"}

func TestANodeGoesOnWithWhatItsDiskHolds(t *testing.T) {
	rules, disk := paxos.Correct(), &wal.MemoryDisk{}
	require.NoError(t, wal.Format(disk, identity))
	first, err := Open(disk, identity, &rules)
	require.NoError(t, err)
	require.EqualValues(t, 1, first.Recovered.Boot)
	require.NoError(t, first.Log.Append(new(Encoder).NextBatch([]replica.Persist{persistOf("k", 5)})))
	require.NoError(t, first.Log.Sync())
	second, err := Open(disk, identity, &rules)
	require.NoError(t, err)
	require.EqualValues(t, 2, second.Recovered.Boot)
	require.False(t, second.Forgot)
	for key, acceptor := range second.Acceptors {
		require.Equal(t, persistOf("k", 5), replica.Persist{Key: key, Acceptor: acceptor})
	}
}

func TestAnUnformattedDiskKeepsItsNodeOut(t *testing.T) {
	rules := paxos.Correct()
	_, err := Open(&wal.MemoryDisk{}, identity, &rules)
	require.ErrorIs(t, err, ErrStaysOut)
	rules, err = paxos.BugNamed("amnesia")
	require.NoError(t, err)
	o, err := Open(&wal.MemoryDisk{}, identity, &rules)
	require.NoError(t, err)
	require.True(t, o.Forgot)
}

func TestADiskThatCannotBeReadIsNoneToStartFrom(t *testing.T) {
	rules, disk := paxos.Correct(), &wal.MemoryDisk{}
	require.NoError(t, wal.Format(disk, identity))
	var other *wal.IdentityError
	_, err := Open(disk, wal.Identity{Cluster: "c", Node: "n2"}, &rules)
	require.ErrorAs(t, err, &other)
	log, _, err := wal.Open(disk, identity)
	require.NoError(t, err)
	require.NoError(t, log.Append([]wal.Record{{Key: []byte{9}, Value: []byte{1}}}))
	require.NoError(t, log.Sync())
	_, err = Open(disk, identity, &rules)
	require.ErrorIs(t, err, paxos.ErrMalformed)
}
