package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// A Directory is a FileSystem in a directory of the operating system. It holds a lock on the
// directory until Close or the end of the process, so that no two processes append to one log.
type Directory struct {
	root   *os.Root
	handle *os.File
}

// OpenDirectory opens and locks an existing directory. It fails at once if another process holds
// the lock.
func OpenDirectory(path string) (*Directory, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("wal: open the directory: %w", err)
	}
	handle, err := root.Open(".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wal: open the directory: %w", err), root.Close())
	}
	if err := lock(handle); err != nil {
		err = fmt.Errorf("wal: lock %s (does another node run on it?): %w", path, err)
		return nil, errors.Join(err, handle.Close(), root.Close())
	}
	return &Directory{root: root, handle: handle}, nil
}

// Open opens a file to be read.
func (d *Directory) Open(name string) (io.ReadCloser, error) {
	file, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Create makes an empty file to be appended to, in the place of one that has the name.
func (d *Directory) Create(name string) (File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC | os.O_APPEND
	file, err := d.root.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Rename gives the file from the name to, atomically.
func (d *Directory) Rename(from, to string) error { return d.root.Rename(from, to) }

// SyncDirectory makes all changes of names durable.
func (d *Directory) SyncDirectory() error { return d.handle.Sync() }

// Close gives the lock back.
func (d *Directory) Close() error { return errors.Join(d.handle.Close(), d.root.Close()) }
