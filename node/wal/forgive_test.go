package wal

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// The mistake that RefuseDamage(false) makes: wherever a bit of the log is flipped, it is opened,
// and the damaged batch and all that follow it are gone, although each of them was synced. The
// header and the snapshot are still refused.
func TestDamageThatIsNotRefusedIsTakenForTheEnd(t *testing.T) {
	disk, ends, states := sample(t)
	whole := contentsOf(t, disk)
	for offset := range int64(len(whole)) {
		flipped := bytes.Clone(whole)
		flipped[offset] ^= 1
		log, recovered, err := Open(diskWith(flipped), ours, RefuseDamage(false))
		if offset < ends[0] {
			requireDamage(t, err, offset)
			continue
		}
		require.NoError(t, err, offset)
		batch := 0
		for ends[batch+1] <= offset {
			batch++
		}
		require.Equal(t, states[batch], merged(nil, recovered.Records), offset)
		require.Equal(t, batch, recovered.Batches, offset)
		require.Equal(t, int64(len(whole))-ends[batch], recovered.TornBytes, offset)
		require.NoError(t, log.Close())
	}
}

// Batches that cannot stand where they do are damage too.
func TestWrongBatchesThatAreNotRefusedAreTakenForTheEnd(t *testing.T) {
	disk, ends, states := sample(t)
	whole := contentsOf(t, disk)
	missing := append(bytes.Clone(whole[:ends[1]]), whole[ends[2]:]...)
	long := append(bytes.Clone(whole[:ends[1]]), make([]byte, 2*BatchMaxBytes)...)
	for _, data := range [][]byte{missing, long} {
		_, _, err := Open(diskWith(data), ours, RefuseDamage(true))
		require.Equal(t, ends[1], requireDamage(t, err).Offset)
		_, recovered, err := Open(diskWith(data), ours, RefuseDamage(false))
		require.NoError(t, err)
		require.Equal(t, states[1], merged(nil, recovered.Records))
		require.Equal(t, int64(len(data))-ends[1], recovered.TornBytes)
	}
}

// A log that is whole, or torn, is what it is with the mistake or without.
func TestNotRefusingDamageChangesNothingElse(t *testing.T) {
	disk, ends, _ := sample(t)
	whole := contentsOf(t, disk)
	for length := ends[0]; length <= int64(len(whole)); length++ {
		_, want, err := Open(diskWith(whole[:length]), ours)
		require.NoError(t, err)
		_, got, err := Open(diskWith(whole[:length]), ours, RefuseDamage(false))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, _, err := Open(&MemoryDisk{}, ours, RefuseDamage(false))
	require.ErrorIs(t, err, ErrUnformatted)
	_, _, err = Open(disk, Identity{Cluster: "c1", Node: "n2"}, RefuseDamage(false))
	require.ErrorAs(t, err, new(*IdentityError))

	broken := errors.New("input/output error")
	reads := 0
	disk.Decide = func(operation Operation) Decision {
		if operation.Kind == OperationRead {
			reads++
			return Decision{Err: broken}
		}
		return Decision{}
	}
	_, _, err = Open(disk, ours, RefuseDamage(false))
	require.ErrorIs(t, err, broken, "what cannot be read is not damaged")
	require.Equal(t, 1, reads)
}

// A log that was cut so goes on like any other: its next life knows nothing of what was lost.
func TestALogThatLostItsEndGoesOn(t *testing.T) {
	disk, ends, states := sample(t)
	data := contentsOf(t, disk)
	data[ends[1]+1] ^= 1
	disk.Put(logName, data)
	log, recovered, err := Open(disk, ours, RefuseDamage(false))
	require.NoError(t, err)
	require.EqualValues(t, 2, recovered.Boot)
	commit(t, log, batchOf("e", "new"))
	require.NoError(t, log.Close())
	_, recovered = mustOpen(t, disk)
	require.Equal(t, merged(states[1], batchOf("e", "new")), merged(nil, recovered.Records))
	require.Zero(t, recovered.TornBytes)
}
