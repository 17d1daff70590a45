package wal

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// A MemoryDisk is a FileSystem in memory that keeps apart what was written and what was synced, and
// can do to a log what disks and machines do: fail, write short, fill up, crash. The zero value is
// an empty disk that works. What goes wrong is decided by its owner alone, so a run on it can be
// repeated exactly. It is not safe for concurrent use.
type MemoryDisk struct {
	// Decide, if not nil, is asked before each operation what comes of it.
	Decide func(Operation) Decision
	// CapacityBytes bounds the files together, if not 0: a write that exceeds it writes what fits
	// and fails with syscall.ENOSPC.
	CapacityBytes int

	// entries is the directory as processes see it, durable what a crash of the machine leaves.
	entries, durable map[string]*content
	// life counts the crashes: a file that was opened before one is of no use after it.
	life       int
	operations int
}

// An OperationKind is what is asked of a disk.
type OperationKind int

// The kinds of operations. Closing a file is none: it cannot go wrong here.
const (
	OperationOpen OperationKind = iota
	OperationRead
	OperationCreate
	OperationWrite
	OperationSync
	OperationRename
	OperationSyncDirectory
)

// An Operation is one call that a disk is about to serve.
type Operation struct {
	// Number counts the operations of this disk from 0.
	Number int
	Kind   OperationKind
	// File is the name that the operation is about: the one that the file was opened with, for a
	// Rename the old one, and "" for SyncDirectory.
	File string
	// Bytes is the length of a Write.
	Bytes int
}

// A Decision is what comes of an operation; the zero value is success.
type Decision struct {
	// Err fails the operation, if not nil. A Sync that fails makes nothing durable, and neither
	// does any later Sync of that file, whatever it says: that is what Linux does with pages that
	// it could not write.
	Err error
	// Written is how many bytes a failing Write writes all the same.
	Written int
}

// contentMin is for how many bytes a file has room at first.
const contentMin = 2 << 10

// content is a file without its name.
type content struct {
	data []byte
	// synced is how many bytes of data are durable.
	synced int
	// dropped is set by a failed sync.
	dropped bool
}

// Open opens a file to be read.
func (d *MemoryDisk) Open(name string) (io.ReadCloser, error) {
	if err := d.decide(OperationOpen, name, 0).Err; err != nil {
		return nil, pathError("open", name, err)
	}
	file, ok := d.entries[name]
	if !ok {
		return nil, pathError("open", name, fs.ErrNotExist)
	}
	return &memoryFile{disk: d, life: d.life, name: name, content: file}, nil
}

// Create makes an empty file to be appended to, in the place of one that has the name.
func (d *MemoryDisk) Create(name string) (File, error) {
	if err := d.decide(OperationCreate, name, 0).Err; err != nil {
		return nil, pathError("create", name, err)
	}
	file := &content{}
	d.set(name, file)
	return &memoryFile{disk: d, life: d.life, name: name, content: file}, nil
}

// Rename gives the file from the name to.
func (d *MemoryDisk) Rename(from, to string) error {
	if err := d.decide(OperationRename, from, 0).Err; err != nil {
		return pathError("rename", from, err)
	}
	file, ok := d.entries[from]
	if !ok {
		return pathError("rename", from, fs.ErrNotExist)
	}
	delete(d.entries, from)
	d.entries[to] = file
	return nil
}

// SyncDirectory makes all changes of names durable.
func (d *MemoryDisk) SyncDirectory() error {
	if err := d.decide(OperationSyncDirectory, "", 0).Err; err != nil {
		return pathError("sync", ".", err)
	}
	d.durable = make(map[string]*content, len(d.entries))
	for name, file := range d.entries {
		d.durable[name] = file
	}
	return nil
}

// Operations is the number of operations so far.
func (d *MemoryDisk) Operations() int { return d.operations }

// Contents returns a copy of what a file holds, whether synced or not, and whether there is one.
func (d *MemoryDisk) Contents(name string) ([]byte, bool) {
	file, ok := d.entries[name]
	if !ok {
		return nil, false
	}
	return bytes.Clone(file.data), true
}

// Put makes a file with this content exist durably, in the place of one that has the name. It is no
// operation: it is how a disk is formatted from outside, rots, or loses the end of a file.
func (d *MemoryDisk) Put(name string, data []byte) {
	file := &content{data: bytes.Clone(data), synced: len(data)}
	d.set(name, file)
	if d.durable == nil {
		d.durable = map[string]*content{}
	}
	d.durable[name] = file
}

// set gives a name to a file.
func (d *MemoryDisk) set(name string, file *content) {
	if d.entries == nil {
		d.entries = map[string]*content{}
	}
	d.entries[name] = file
}

// decide counts an operation and asks what comes of it.
func (d *MemoryDisk) decide(kind OperationKind, name string, length int) Decision {
	operation := Operation{Number: d.operations, Kind: kind, File: name, Bytes: length}
	d.operations++
	if d.Decide == nil {
		return Decision{}
	}
	return d.Decide(operation)
}

// room is how many of n more bytes fit.
func (d *MemoryDisk) room(n int) int {
	if d.CapacityBytes == 0 {
		return n
	}
	free := d.CapacityBytes
	for _, file := range d.entries {
		free -= len(file.data)
	}
	return max(0, min(n, free))
}

// A memoryFile is an open file of a MemoryDisk.
type memoryFile struct {
	disk    *MemoryDisk
	life    int
	name    string
	content *content
	// read is how much of it was read.
	read   int
	closed bool
}

// Read reads on.
func (f *memoryFile) Read(p []byte) (int, error) {
	if f.gone() {
		return 0, pathError("read", f.name, fs.ErrClosed)
	}
	if err := f.disk.decide(OperationRead, f.name, 0).Err; err != nil {
		return 0, pathError("read", f.name, err)
	}
	if f.read == len(f.content.data) {
		return 0, io.EOF
	}
	n := copy(p, f.content.data[f.read:])
	f.read += n
	return n, nil
}

// Write appends p.
func (f *memoryFile) Write(p []byte) (int, error) {
	if f.gone() {
		return 0, pathError("write", f.name, fs.ErrClosed)
	}
	decision := f.disk.decide(OperationWrite, f.name, len(p))
	n, err := len(p), decision.Err
	if err != nil {
		n = min(n, decision.Written)
	}
	if room := f.disk.room(n); room < n {
		n, err = room, errors.Join(syscall.ENOSPC, err)
	}
	if f.content.data == nil {
		f.content.data = make([]byte, 0, max(n, contentMin))
	}
	f.content.data = append(f.content.data, p[:n]...)
	if err != nil {
		return n, pathError("write", f.name, err)
	}
	return n, nil
}

// Sync makes what was written durable, unless an earlier Sync failed.
func (f *memoryFile) Sync() error {
	if f.gone() {
		return pathError("sync", f.name, fs.ErrClosed)
	}
	if err := f.disk.decide(OperationSync, f.name, 0).Err; err != nil {
		f.content.dropped = true
		return pathError("sync", f.name, err)
	}
	if !f.content.dropped {
		f.content.synced = len(f.content.data)
	}
	return nil
}

// Close ends the use of the file.
func (f *memoryFile) Close() error {
	if f.gone() {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

// gone tells whether the file was closed, or its process died.
func (f *memoryFile) gone() bool { return f.closed || f.life != f.disk.life }

// pathError is the error that the operating system's files return.
func pathError(operation, name string, err error) error {
	return &fs.PathError{Op: operation, Path: name, Err: err}
}
