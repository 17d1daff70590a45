package wal

import "io"

// A FileSystem is the little that a log asks of a disk: one directory of files that are written
// once, front to back. Names are plain, without a separator. An implementation need not be safe for
// concurrent use.
//
// Like a disk's own, its promises are weak: until File.Sync has returned nil, what was written to a
// file may be lost, or kept in part, or replaced by garbage, if the machine crashes; until
// SyncDirectory has returned nil, so may each change of a name, but a name that Rename replaced
// stands for the old file or for the new one and for nothing else.
type FileSystem interface {
	// Open opens a file to be read from its start. The error wraps io/fs.ErrNotExist if there is
	// none.
	Open(name string) (io.ReadCloser, error)
	// Create makes an empty file to be appended to, in the place of one that has the name.
	Create(name string) (File, error)
	// Rename gives the file from the name to; a file that had that name is gone.
	Rename(from, to string) error
	// SyncDirectory makes all changes of names durable.
	SyncDirectory() error
}

// A File is open to be appended to.
type File interface {
	// Write appends p. It returns an error if it wrote fewer bytes than that.
	Write(p []byte) (int, error)
	// Sync makes everything that was written to the file durable.
	Sync() error
	// Close ends the use of the file; it makes nothing durable.
	Close() error
}

// writeAll writes the whole of p, and takes a short count without an error for the failure that it
// is.
func writeAll(file File, p []byte) error {
	n, err := file.Write(p)
	if err == nil && n < len(p) {
		return io.ErrShortWrite
	}
	return err
}
