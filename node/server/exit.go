package server

import (
	"errors"

	"ordeal/node/wal"
)

// The exit codes of a node's process, after those of BSD's sysexits.
const (
	ExitOptions = 64 // an option that cannot be
	ExitDamage  = 65 // the log is damaged: the node must stay out
	ExitDisk    = 74 // a write or sync failed: what is on the disk is in doubt
	ExitForeign = 78 // the disk belongs to another node or cluster
)

// ExitCode returns the exit code for what Run returned.
func ExitCode(err error) int {
	var damage *wal.DamageError
	var foreign *wal.IdentityError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrOptions):
		return ExitOptions
	case errors.As(err, &damage):
		return ExitDamage
	case errors.As(err, &foreign):
		return ExitForeign
	case errors.Is(err, ErrDisk):
		return ExitDisk
	default:
		return 1
	}
}
