package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func mountTmpfs(path string, bytes int64) error {
	return unix.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("size=%d", bytes))
}

func unmount(path string) error { return unix.Unmount(path, 0) }
