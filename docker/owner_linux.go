package docker

import (
	"os"
	"strconv"
	"strings"
)

// bootID returns the kernel's own name for this boot (proc(5), random/boot_id).
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(data))
}

// pidNamespace returns the number of the process namespace (pid_namespaces(7)).
func pidNamespace() string {
	link, err := os.Readlink("/proc/self/ns/pid") // pid:[4026531836]
	if err != nil {
		return "unknown"
	}
	return strings.Trim(strings.TrimPrefix(link, "pid:"), "[]")
}

// processStart returns when the process started, in clock ticks since boot: field 22 of its stat
// file (proc_pid_stat(5)). It is "" when there is no such process, or only its corpse.
func processStart(pid int) string {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	return startInStat(string(data))
}

// startInStat reads the start from a stat file. The second field is the command's name in
// parentheses and may hold anything, so the fields are counted from the last parenthesis.
func startInStat(stat string) string {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}
