//go:build !linux

package docker

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// bootID returns the name of the machine, since there is no name of its boot to be had everywhere.
func bootID() string {
	name, err := os.Hostname()
	if err != nil {
		return unknown
	}
	return name
}

// pidNamespace returns a constant: there is one.
func pidNamespace() string { return "0" }

// processStart returns "running" for a process that exists. The error is errNoProcess when there
// certainly is none. A number that was given to another process makes a dead run look alive: it is
// then spared until that ends too.
func processStart(pid int) (string, error) {
	process, err := os.FindProcess(pid)
	if runtime.GOOS == "windows" {
		if err != nil {
			return "", fmt.Errorf("looking at process %d: %w", pid, err)
		}
		return "running", nil // there, signals cannot be sent
	}
	if err == nil {
		err = process.Signal(syscall.Signal(0))
	}
	switch {
	case err == nil || errors.Is(err, syscall.EPERM):
		return "running", nil
	case errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH):
		return "", errNoProcess
	default:
		return "", fmt.Errorf("looking at process %d: %w", pid, err)
	}
}
