package wal

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDirectoryIsForOne(t *testing.T) {
	path := t.TempDir()
	first, err := OpenDirectory(path)
	require.NoError(t, err)
	_, err = OpenDirectory(path)
	require.ErrorContains(t, err, "does another node run on it?")
	require.NoError(t, first.Close())
	second, err := OpenDirectory(path)
	require.NoError(t, err)
	require.NoError(t, second.Close())
}

// TestDirectoryLockEndsWithItsProcess: a node that was killed does not keep its successor out.
func TestDirectoryLockEndsWithItsProcess(t *testing.T) {
	if path := os.Getenv("WAL_TEST_LOCK"); path != "" {
		_, err := OpenDirectory(path)
		require.NoError(t, err)
		_, err = os.Stdout.WriteString("locked\n")
		require.NoError(t, err)
		select {}
	}
	path := t.TempDir()
	holder := exec.Command(os.Args[0], "-test.run=^TestDirectoryLockEndsWithItsProcess$")
	holder.Env = append(os.Environ(), "WAL_TEST_LOCK="+path)
	output, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	_, readErr := output.Read(make([]byte, 7))
	_, lockedErr := OpenDirectory(path)
	require.NoError(t, holder.Process.Kill())
	require.Error(t, holder.Wait())
	require.NoError(t, readErr)
	require.Error(t, lockedErr, "while it runs")
	disk, err := OpenDirectory(path)
	require.NoError(t, err)
	require.NoError(t, disk.Close())
}

func TestDirectoryErrors(t *testing.T) {
	path := t.TempDir()
	_, err := OpenDirectory(filepath.Join(path, "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)
	disk, err := OpenDirectory(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, disk.Close()) }()
	file, err := disk.Open("missing")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Nil(t, file)
	created, err := disk.Create(filepath.Join("..", "outside"))
	require.Error(t, err, "names do not lead out of the directory")
	require.Nil(t, created)
	require.ErrorIs(t, disk.Rename("missing", "other"), os.ErrNotExist)
}

func TestFormatFilesOnDirectory(t *testing.T) {
	path := t.TempDir()
	files, err := FormatFiles(ours)
	require.NoError(t, err)
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), data, 0o600))
	}
	disk, err := OpenDirectory(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, disk.Close()) }()
	_, recovered := mustOpen(t, disk)
	require.Equal(t, uint64(1), recovered.Boot)
}
