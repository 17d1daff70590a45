package server

import (
	"errors"
	"fmt"

	"ordeal/node/wal"
)

// Format makes a directory the empty disk of a new node, for clusters that are set up by hand:
// once, before the node's first start. A directory that holds a log already is refused. A node
// never formats its own disk: whoever wiped it made the acceptor forget what it promised.
func Format(directory string, identity wal.Identity) (err error) {
	disk, err := wal.OpenDirectory(directory)
	if err != nil {
		return fmt.Errorf("format: %w", err)
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	return wal.Format(disk, identity)
}
