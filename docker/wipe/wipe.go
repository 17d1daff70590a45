// Package wipe empties a directory. It is what a wiped node's disk is wiped by: a container of its
// own that has the node's volume, a moment of life, and nothing else.
//
// It deletes, so it is made hard to call by mistake. Main refuses unless it is the first process of
// a container, where what it can reach is what was mounted for it, and the command line that leads
// here, which no help text lists, wants a flag that says what happens.
package wipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Flag is the flag without which the command line does nothing.
const Flag = "yes-delete-everything"

// ErrRefused is wrapped by the error of Main when it is not called as it is meant to be.
var ErrRefused = errors.New("nothing was deleted")

// A Result is what Main prints, as one line of JSON. Directories count like files.
type Result struct {
	Removed int `json:"removed"`
	Left    int `json:"left"`
	// Error is why something is left.
	Error string `json:"error,omitempty"`
}

// Main empties a directory and prints the result.
func Main(directory string, out io.Writer) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("%w: this is for the first process of a container", ErrRefused)
	}
	result, err := Empty(directory)
	if err != nil {
		result.Error = err.Error()
	}
	return errors.Join(err, json.NewEncoder(out).Encode(result))
}

// Empty deletes all that is below a directory, but not the directory itself, and makes that
// durable. It follows no links. What it cannot delete it leaves, and goes on; then there is an
// error.
func Empty(directory string) (Result, error) {
	root, err := os.OpenRoot(directory)
	if err != nil {
		return Result{}, fmt.Errorf("opening the directory: %w", err)
	}
	defer func() { _ = root.Close() }() // nothing is written through it
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return Result{}, fmt.Errorf("listing what to delete: %w", err)
	}
	before, uncounted := count(root)
	failures := []error{uncounted}
	for _, entry := range entries {
		if err := root.RemoveAll(entry.Name()); err != nil {
			failures = append(failures, fmt.Errorf("deleting %s: %w", entry.Name(), err))
		}
	}
	left, err := count(root)
	failures = append(failures, err, syncRoot(root))
	return Result{Removed: before - left, Left: left}, errors.Join(failures...)
}

// count tells how many files and directories are below a root.
func count(root *os.Root) (int, error) {
	found := 0
	err := fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if path == "." {
			return err
		}
		if err == nil {
			found++
		} else if entry.IsDir() {
			return nil // counted already; what is below it cannot be told
		}
		return err
	})
	if err != nil {
		return found, fmt.Errorf("counting files: %w", err)
	}
	return found, nil
}

// syncRoot makes the deletions durable, as far as a directory can be synced here.
func syncRoot(root *os.Root) error {
	directory, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("opening the directory: %w", err)
	}
	if err := errors.Join(directory.Sync(), directory.Close()); err != nil {
		return fmt.Errorf("syncing the directory: %w", err)
	}
	return nil
}
