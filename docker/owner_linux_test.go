package docker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The command's name may hold what looks like other fields.
func TestStartInStat(t *testing.T) {
	fields := " S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 424242 1000 10 18446744073709551615"
	for _, stat := range []string{"7 (sh)" + fields, "7 (a) S 1 (b))" + fields} {
		started, err := startInStat(stat)
		require.NoError(t, err)
		require.Equal(t, "424242", started)
	}
	_, err := startInStat("7 (sh) Z" + fields[2:])
	require.ErrorIs(t, err, errNoProcess, "a corpse")
	for _, stat := range []string{"7 (sh) S 1 7", ""} {
		_, err := startInStat(stat)
		require.Error(t, err)
		require.NotErrorIs(t, err, errNoProcess)
	}
}

// A process of another user can be hidden; only one that cannot be signalled for want of existing
// is dead.
func TestHiddenProcessesAreNotDead(t *testing.T) {
	signal := func(err error) func() error { return func() error { return err } }
	empty := t.TempDir()
	_, err := processStartIn(empty, 7, signal(unix.ESRCH))
	require.ErrorIs(t, err, errNoProcess)
	for _, answer := range []error{nil, unix.EPERM} {
		_, err := processStartIn(empty, 7, signal(answer))
		require.Error(t, err)
		require.NotErrorIs(t, err, errNoProcess)
	}
	// What is there and cannot be read, here because it is no file, is not dead either.
	require.NoError(t, os.MkdirAll(filepath.Join(empty, "8", "stat"), 0o700))
	_, err = processStartIn(empty, 8, signal(unix.ESRCH))
	require.Error(t, err)
	require.NotErrorIs(t, err, errNoProcess)
}
