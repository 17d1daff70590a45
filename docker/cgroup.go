package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
)

// A cpuReading is the CPU time that a node's processes had used, and when it was read.
type cpuReading struct {
	used time.Duration
	at   time.Time
}

// readCPU reads the CPU time of a node's control group. Where the engine's containers are processes
// of this very machine it comes from the kernel's own files, in a fraction of a millisecond; else
// from the engine, which before version 25 samples but once a second and has the reader wait
// (github.com/moby/moby/pull/46448).
func (c *Cluster) readCPU(ctx context.Context, n *node) (cpuReading, error) {
	details, err := c.engine.api.ContainerInspect(ctx, n.container)
	if err != nil {
		return cpuReading{}, fmt.Errorf("inspecting %s: %w", n.member.Name, err)
	}
	if details.State.Pid > 0 {
		used, err := groupCPU("/", details.State.Pid, n.container)
		if err == nil {
			return cpuReading{used, time.Now()}, nil
		}
	}
	used, err := c.engine.statedCPU(ctx, n.container)
	if err != nil {
		return cpuReading{}, fmt.Errorf("reading the CPU time of %s: %w", n.member.Name, err)
	}
	return cpuReading{used, time.Now()}, nil
}

// statedCPU is what the engine says of a container's CPU time.
func (e *Engine) statedCPU(ctx context.Context, id string) (time.Duration, error) {
	answer, err := e.api.ContainerStatsOneShot(ctx, id)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }() // only read from
	var stats container.StatsResponse
	if err := json.NewDecoder(answer.Body).Decode(&stats); err != nil {
		return 0, fmt.Errorf("reading the engine's answer: %w", err)
	}
	if stats.CPUStats.CPUUsage.TotalUsage == 0 {
		return 0, errors.New("the engine does not know it")
	}
	return time.Duration(stats.CPUStats.CPUUsage.TotalUsage), nil
}

// groupCPU is what the kernel says, in the file systems below root, of the control group that a
// process is in. The group must bear the container's ID: a process of that number on another
// machine, or in another namespace, is another process.
func groupCPU(root string, pid int, id string) (time.Duration, error) {
	groups, err := os.ReadFile(filepath.Join(root, "proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return 0, err
	}
	directory := filepath.Join(root, "sys/fs/cgroup")
	unified := ""
	for line := range strings.Lines(string(groups)) {
		// hierarchy:controllers:path, where version 2 has no controllers; see cgroups(7).
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, _ := strings.Cut(rest, ":")
		if id == "" || !strings.Contains(path, id) {
			continue
		}
		for controller := range strings.SplitSeq(controllers, ",") {
			if controller == "cpuacct" {
				return numberIn(filepath.Join(directory, "cpuacct", path, "cpuacct.usage"), "",
					time.Nanosecond)
			}
		}
		if controllers == "" {
			unified = path
		}
	}
	if unified == "" {
		return 0, fmt.Errorf("process %d is not in a control group of the container's", pid)
	}
	return numberIn(filepath.Join(directory, unified, "cpu.stat"), "usage_usec", time.Microsecond)
}

// numberIn reads a time from a file: the number after a word, or the only one.
func numberIn(path, word string, unit time.Duration) (time.Duration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || word != "" && (fields[0] != word || len(fields) < 2) {
			continue
		}
		number, err := strconv.ParseInt(fields[len(fields)-1], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading %s: %w", path, err)
		}
		return time.Duration(number) * unit, nil
	}
	return 0, fmt.Errorf("%s lacks %q", path, word)
}
