package wal

import (
	"errors"
	"fmt"
)

var (
	// ErrUnformatted says that the disk holds no log. It may have held one: whoever wiped it made
	// the acceptor forget its promises, so the log never formats a disk on its own.
	ErrUnformatted = errors.New("wal: the disk is not formatted")
	// ErrFormatted says that the disk that was to be formatted holds a log already.
	ErrFormatted = errors.New("wal: the disk is formatted already")
	// ErrTooLarge says that a record or a batch exceeds RecordMaxBytes or BatchMaxBytes. Nothing
	// was written.
	ErrTooLarge = errors.New("wal: too large")
	// ErrUnsynced says that Append was called while the batch before was not synced. Nothing was
	// written. Recovery takes any batch that another follows for a synced one.
	ErrUnsynced = errors.New("wal: the batch before is not synced")
	// ErrPoisoned says that an earlier call failed, so that nobody knows what is on the disk. It
	// wraps that first failure.
	ErrPoisoned = errors.New("wal: unusable since an earlier failure")
	// ErrClosed says that the log was closed.
	ErrClosed = errors.New("wal: closed")
)

// A DamageError says that a disk is damaged where no crash can have damaged it: something that was
// synced is gone or changed. The node must stay out, since what it promised may be lost.
type DamageError struct {
	// File is the name of the damaged file, and Offset where in it, in bytes, the damage begins.
	File   string
	Offset int64
	// Reason says what is wrong there.
	Reason string
}

// Error tells the file, the place and the reason.
func (e *DamageError) Error() string {
	return fmt.Sprintf("wal: %s is damaged at offset %d: %s", e.File, e.Offset, e.Reason)
}

// An IdentityError says that the disk belongs to another node or another cluster.
type IdentityError struct {
	Want, Found Identity
}

// Error tells both identities.
func (e *IdentityError) Error() string {
	return fmt.Sprintf("wal: the disk belongs to node %q of cluster %q, not to node %q of cluster %q",
		e.Found.Node, e.Found.Cluster, e.Want.Node, e.Want.Cluster)
}
