package wal

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFormatIsStable: the bytes on the disk are a contract. If this fails, the version has to
// change, or volumes written before become unreadable. The checksums here were computed by another
// implementation, from FORMAT.md.
func TestFormatIsStable(t *testing.T) {
	disk := &MemoryDisk{}
	require.NoError(t, Format(disk, ours))
	requireDump(t, contentsOf(t, disk), `
		6f726465616c6f67 01000000 0200 0200
		0000000000000000 0000000000000000 0000000000000000
		6331 6e31 6f9a148a`)
	log, _ := mustOpen(t, disk)
	commit(t, log, batchOf("k", "v1"))
	require.NoError(t, log.Snapshot())
	commit(t, log, batchOf("k", "v2", "", "x"))
	requireDump(t, contentsOf(t, disk), `
		6f726465616c6f67 01000000 0200 0200
		0100000000000000 0200000000000000 2b00000000000000
		6331 6e31 26e525a9
		42544348 01000000 0f000000 26e525a9 3000000000000000 386cbadc
		01000000 02000000 59ca91a4 6b 7631
		42544348 02000000 1c000000 59ca91a4 5b00000000000000 e35589fc
		01000000 02000000 ea4beffb 6b 7632
		00000000 01000000 c0ae91d1 78`)
}

// requireDump compares data with hexadecimal digits, in which white space does not count.
func requireDump(t *testing.T, data []byte, want string) {
	require.Equal(t, strings.Join(strings.Fields(want), ""), hex.EncodeToString(data))
}

func TestFormatFilesAreWhatFormatWrites(t *testing.T) {
	disk := &MemoryDisk{}
	require.NoError(t, Format(disk, ours))
	files, err := FormatFiles(ours)
	require.NoError(t, err)
	require.Len(t, files, 1)
	for name, data := range files {
		written, ok := disk.Contents(name)
		require.True(t, ok)
		require.Equal(t, data, written)
	}
}

func TestIdentities(t *testing.T) {
	longest := strings.Repeat("n", IdentityMaxBytes)
	for _, id := range []Identity{
		{}, {Cluster: "c"}, {Node: "n"}, {Cluster: "c", Node: longest + "n"},
	} {
		_, err := FormatFiles(id)
		require.ErrorContains(t, err, "1 to 255 bytes")
		disk := &MemoryDisk{}
		require.Error(t, Format(disk, id))
		require.Zero(t, disk.Operations())
	}
	id := Identity{Cluster: longest, Node: "\x00"}
	disk := &MemoryDisk{}
	require.NoError(t, Format(disk, id))
	_, recovered, err := Open(disk, id)
	require.NoError(t, err)
	require.Equal(t, uint64(1), recovered.Boot)
}

func TestErrorsForPeople(t *testing.T) {
	require.EqualError(t, &DamageError{File: "log", Offset: 44, Reason: "no batch begins here"},
		"wal: log is damaged at offset 44: no batch begins here")
	require.EqualError(t, &IdentityError{Want: ours, Found: Identity{Cluster: "c2", Node: "n3"}},
		`wal: the disk belongs to node "n3" of cluster "c2", not to node "n1" of cluster "c1"`)
}
