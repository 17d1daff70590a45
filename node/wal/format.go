package wal

import (
	"errors"
	"fmt"
	"io/fs"
)

const (
	// logName is the file that holds everything.
	logName = "log"
	// temporaryName is the file that is about to become the log. It means nothing under this name:
	// whatever a crash leaves in it is overwritten.
	temporaryName = "log.new"
)

// IdentityMaxBytes bounds each of the two names of an Identity.
const IdentityMaxBytes = 255

// An Identity says whose disk it is. Both names are given: 1 to IdentityMaxBytes bytes.
type Identity struct {
	Cluster, Node string
}

// validate returns an error if a name is missing or too long.
func (id Identity) validate() error {
	for _, name := range []string{id.Cluster, id.Node} {
		if len(name) == 0 || len(name) > IdentityMaxBytes {
			return fmt.Errorf("wal: the names of a cluster and of a node have 1 to %d bytes, "+
				"not %d", IdentityMaxBytes, len(name))
		}
	}
	return nil
}

// FormatFiles returns what a formatted, empty disk holds, by the name of the file, for those who
// fill a volume before anything runs on it.
func FormatFiles(id Identity) (map[string][]byte, error) {
	if err := id.validate(); err != nil {
		return nil, err
	}
	return map[string][]byte{logName: header{identity: id}.encode()}, nil
}

// Format makes an empty disk a formatted one, durably. It returns ErrFormatted if there is a log,
// whatever its state. A Format that a crash interrupted leaves the disk formatted or unformatted,
// and nothing in between.
func Format(disk FileSystem, id Identity) error {
	files, err := FormatFiles(id)
	if err != nil {
		return err
	}
	existing, err := disk.Open(logName)
	if err == nil {
		_ = existing.Close()
		return ErrFormatted
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("wal: format: %w", err)
	}
	file, err := replaceLog(disk, func(file File) error { return writeAll(file, files[logName]) })
	if err != nil {
		return fmt.Errorf("wal: format: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("wal: format: %w", err)
	}
	return nil
}

// replaceLog puts a new file with what write writes in the place of the log, and returns it, open
// to be appended to. The order matters: the content is durable before the file takes the name, so
// that at every moment the name stands for a whole log, and when replaceLog returns it stands for
// the new one for good (Pillai et al., All File Systems Are Not Created Equal, OSDI 2014).
func replaceLog(disk FileSystem, write func(File) error) (File, error) {
	file, err := disk.Create(temporaryName)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", temporaryName, err)
	}
	err = write(file)
	if err != nil {
		err = fmt.Errorf("write %s: %w", temporaryName, err)
	} else if err = file.Sync(); err != nil {
		err = fmt.Errorf("sync %s: %w", temporaryName, err)
	} else if err = disk.Rename(temporaryName, logName); err != nil {
		err = fmt.Errorf("rename %s to %s: %w", temporaryName, logName, err)
	} else if err = disk.SyncDirectory(); err != nil {
		err = fmt.Errorf("sync the directory: %w", err)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
