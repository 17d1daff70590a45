package wipe

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fill makes a directory with four things in it: two files, a directory, and a link to a file
// elsewhere, which it returns too.
func fill(t *testing.T) (directory, outside string) {
	t.Helper()
	directory, outside = t.TempDir(), filepath.Join(t.TempDir(), "precious")
	require.NoError(t, os.WriteFile(outside, []byte("gold"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(directory, "sub"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(directory, "a"), []byte("1"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(directory, "sub", "b"), nil, 0o400))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(directory, "link")))
	return directory, outside
}

func TestEverythingBelowIsDeleted(t *testing.T) {
	directory, outside := fill(t)
	result, err := Empty(directory)
	require.NoError(t, err)
	require.Equal(t, Result{Removed: 4}, result)
	left, err := os.ReadDir(directory)
	require.NoError(t, err)
	require.Empty(t, left)
	require.FileExists(t, outside, "links are not followed")

	result, err = Empty(directory)
	require.NoError(t, err)
	require.Equal(t, Result{}, result, "a second time changes nothing")
}

func TestWhatCannotBeDeletedIsTold(t *testing.T) {
	_, err := Empty(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	if os.Getuid() == 0 {
		t.Skip("nothing is forbidden to root")
	}
	directory, _ := fill(t)
	sub := filepath.Join(directory, "sub")
	require.NoError(t, os.Chmod(sub, 0o500))
	t.Cleanup(func() { _ = os.Chmod(sub, 0o700) })
	result, err := Empty(directory)
	require.ErrorIs(t, err, os.ErrPermission)
	require.Equal(t, Result{Removed: 2, Left: 2}, result)
}

// A user who types the command has nothing deleted.
func TestOnlyContainersAreWiped(t *testing.T) {
	directory, _ := fill(t)
	var out bytes.Buffer
	require.ErrorIs(t, Main(directory, &out), ErrRefused)
	require.Empty(t, out.String())
	left, err := os.ReadDir(directory)
	require.NoError(t, err)
	require.Len(t, left, 3)
}
