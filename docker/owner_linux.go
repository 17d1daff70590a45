package docker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// bootID returns the kernel's own name for this boot (proc(5), random/boot_id).
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(data))
}

// pidNamespace returns the number of the process namespace (pid_namespaces(7)).
func pidNamespace() string {
	link, err := os.Readlink("/proc/self/ns/pid") // pid:[4026531836]
	if err != nil {
		return unknown
	}
	return strings.Trim(strings.TrimPrefix(link, "pid:"), "[]")
}

// processStart returns when the process started, in clock ticks since boot: field 22 of its stat
// file (proc_pid_stat(5)). The error is errNoProcess when there certainly is none, or only its
// corpse; any other means that it could not be looked at.
func processStart(pid int) (string, error) {
	return processStartIn("/proc", pid, func() error { return unix.Kill(pid, 0) })
}

// processStartIn does it in a directory of processes. A file that is not there can be hidden from
// this user (hidepid, proc(5)), so signal, which tells whether one could be sent, has the last
// word.
func processStartIn(directory string, pid int, signal func() error) (string, error) {
	data, err := os.ReadFile(filepath.Join(directory, strconv.Itoa(pid), "stat"))
	if errors.Is(err, unix.ESRCH) || errors.Is(err, os.ErrNotExist) {
		if errors.Is(signal(), unix.ESRCH) {
			return "", errNoProcess
		}
	}
	if err != nil {
		return "", fmt.Errorf("looking at process %d: %w", pid, err)
	}
	return startInStat(string(data))
}

// startInStat reads the start from a stat file. The second field is the command's name in
// parentheses and may hold anything, so the fields are counted from the last parenthesis.
func startInStat(stat string) (string, error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "", fmt.Errorf("the stat file %q has %d fields", stat, len(fields))
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return "", errNoProcess
	}
	return fields[19], nil
}
