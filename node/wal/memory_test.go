package wal

import (
	"io"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// write makes a file with text in it, synced up to the length given.
func write(t *testing.T, disk *MemoryDisk, name, text string, synced int) File {
	file, err := disk.Create(name)
	require.NoError(t, err)
	_, err = io.WriteString(file, text[:synced])
	require.NoError(t, err)
	require.NoError(t, file.Sync())
	_, err = io.WriteString(file, text[synced:])
	require.NoError(t, err)
	return file
}

// textOf is what a file of the disk holds, or "none".
func textOf(disk *MemoryDisk, name string) string {
	data, ok := disk.Contents(name)
	if !ok {
		return "none"
	}
	return string(data)
}

func TestProcessCrashKeepsAll(t *testing.T) {
	disk := &MemoryDisk{}
	file := write(t, disk, "f", "hello world", 5)
	reader, err := disk.Open("f")
	require.NoError(t, err)
	disk.CrashProcess()
	require.Equal(t, "hello world", textOf(disk, "f"))

	_, err = file.Write([]byte("!"))
	require.ErrorIs(t, err, fs.ErrClosed)
	require.ErrorIs(t, file.Sync(), fs.ErrClosed)
	require.ErrorIs(t, file.Close(), fs.ErrClosed)
	_, err = reader.Read(make([]byte, 1))
	require.ErrorIs(t, err, fs.ErrClosed)
}

func TestMachineCrashLosesWhatWasNotSynced(t *testing.T) {
	disk := &MemoryDisk{}
	write(t, disk, "f", "hello world", 5)
	disk.CrashMachine(Crash{})
	require.Equal(t, "none", textOf(disk, "f"), "its name was not synced")

	write(t, disk, "f", "hello world", 5)
	require.NoError(t, disk.SyncDirectory())
	disk.CrashMachine(Crash{})
	require.Equal(t, "hello", textOf(disk, "f"))
}

func TestMachineCrashAsDecided(t *testing.T) {
	disk := &MemoryDisk{}
	write(t, disk, "a", "hello world", 5)
	write(t, disk, "b", "synced", 6)
	write(t, disk, "c", "unsynced", 0)
	var asked []string
	disk.CrashMachine(Crash{
		Keep: func(name string) bool {
			asked = append(asked, name)
			return name != "c"
		},
		Tail: func(name string, unsynced []byte) []byte {
			asked = append(asked, name+string(unsynced))
			return []byte(" w?")
		},
	})
	require.Equal(t, []string{"a", "a world", "b", "c"}, asked)
	require.Equal(t, "hello w?", textOf(disk, "a"))
	require.Equal(t, "synced", textOf(disk, "b"))
	require.Equal(t, "none", textOf(disk, "c"))
	disk.CrashMachine(Crash{})
	require.Equal(t, "hello w?", textOf(disk, "a"), "what a crash left is durable")
}

func TestMachineCrashAndNames(t *testing.T) {
	for name, want := range map[string][2]string{
		"neither": {"old", "none"}, "to": {"new", "none"}, "from": {"old", "none"},
	} {
		disk := &MemoryDisk{}
		disk.Put("to", []byte("old"))
		write(t, disk, "from", "new", 3)
		require.NoError(t, disk.Rename("from", "to"))
		require.Equal(t, "new", textOf(disk, "to"))
		require.Equal(t, "none", textOf(disk, "from"))
		disk.CrashMachine(Crash{Keep: func(changed string) bool { return changed == name }})
		require.Equal(t, want, [2]string{textOf(disk, "to"), textOf(disk, "from")}, name)
	}
	disk := &MemoryDisk{}
	disk.Put("to", []byte("old"))
	disk.Put("from", []byte("new"))
	require.NoError(t, disk.Rename("from", "to"))
	disk.CrashMachine(Crash{Keep: func(changed string) bool { return changed == "to" }})
	require.Equal(t, "new", textOf(disk, "to"))
	require.Equal(t, "new", textOf(disk, "from"), "its removal was not synced")
}

func TestFailedSyncDropsForGood(t *testing.T) {
	disk := &MemoryDisk{}
	file := write(t, disk, "f", "hello", 5)
	require.NoError(t, disk.SyncDirectory())
	failing(disk, OperationSync, 0)
	_, err := io.WriteString(file, " world")
	require.NoError(t, err)
	require.ErrorIs(t, file.Sync(), errBroken)
	require.NoError(t, file.Sync(), "the second says that all is well")
	require.Equal(t, "hello world", textOf(disk, "f"))
	disk.CrashMachine(Crash{})
	require.Equal(t, "hello", textOf(disk, "f"))
}

func TestCapacity(t *testing.T) {
	disk := &MemoryDisk{CapacityBytes: 8}
	disk.Put("g", []byte("123"))
	file, err := disk.Create("f")
	require.NoError(t, err)
	n, err := file.Write([]byte("abcdef"))
	require.Equal(t, 5, n)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, "abcde", textOf(disk, "f"))
	n, err = file.Write([]byte("f"))
	require.Zero(t, n)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, file.Sync())
}

func TestDecideSeesEachOperation(t *testing.T) {
	disk := &MemoryDisk{}
	var seen []Operation
	disk.Decide = func(operation Operation) Decision {
		seen = append(seen, operation)
		return Decision{}
	}
	file := write(t, disk, "f", "hello", 3)
	require.NoError(t, file.Close())
	require.NoError(t, disk.Rename("f", "g"))
	require.NoError(t, disk.SyncDirectory())
	reader, err := disk.Open("g")
	require.NoError(t, err)
	_, err = io.ReadAll(reader)
	require.NoError(t, err)
	require.Equal(t, []Operation{
		{Number: 0, Kind: OperationCreate, File: "f"},
		{Number: 1, Kind: OperationWrite, File: "f", Bytes: 3},
		{Number: 2, Kind: OperationSync, File: "f"},
		{Number: 3, Kind: OperationWrite, File: "f", Bytes: 2},
		{Number: 4, Kind: OperationRename, File: "f"},
		{Number: 5, Kind: OperationSyncDirectory},
		{Number: 6, Kind: OperationOpen, File: "g"},
		{Number: 7, Kind: OperationRead, File: "g"},
		{Number: 8, Kind: OperationRead, File: "g"},
	}, seen)
	require.Equal(t, 9, disk.Operations())

	_, err = disk.Open("f")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorIs(t, disk.Rename("f", "h"), fs.ErrNotExist)
}
