//go:build unix

package wal

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock takes the lock on an open directory, without waiting. The kernel releases it with the
// process, however that ends.
func lock(directory *os.File) error {
	return unix.Flock(int(directory.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}
