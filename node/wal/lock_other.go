//go:build !unix

package wal

import (
	"errors"
	"os"
)

// lock refuses: these systems cannot sync a directory either, which the log rests on. Nodes run in
// Linux containers or in the simulator.
func lock(*os.File) error { return errors.ErrUnsupported }
