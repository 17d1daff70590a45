//go:build !linux

package docker

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// bootID returns the name of the machine, since there is no name of its boot to be had everywhere.
func bootID() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}

// pidNamespace returns a constant: there is one.
func pidNamespace() string { return "0" }

// processStart returns "running" for a process that exists, else "". A number that was given to
// another process makes a dead run look alive: it is then spared until that ends too.
func processStart(pid int) string {
	process, err := os.FindProcess(pid)
	if err != nil {
		return ""
	}
	if runtime.GOOS == "windows" {
		return "running" // there, only what exists is found, and signals are not
	}
	err = process.Signal(syscall.Signal(0))
	if err == nil || errors.Is(err, syscall.EPERM) {
		return "running"
	}
	return ""
}
