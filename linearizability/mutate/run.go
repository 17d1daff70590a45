//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// A fate is what became of a mutant.
type fate string

const (
	killed       fate = "killed"
	timedOut     fate = "killed by the time limit"
	doesNotBuild fate = "does not compile"
	survived     fate = "survived"
	interrupted  fate = "interrupted"
)

// A runner runs the tests on changed sources.
type runner struct {
	// folder is the package's, temporary is where everything is written, both absolute.
	folder, temporary string
	tests             string
	histories         int
	limit             time.Duration
}

// buildLimit is how long the toolchain may take.
const buildLimit = 5 * time.Minute

// memoryMax is how much address space, in bytes, each process may have that is started: a loop that
// does not end any more would take all of the machine's memory before its time is up.
const memoryMax = 4 << 30

func limitMemory() error {
	limit := syscall.Rlimit{Cur: memoryMax, Max: memoryMax}
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		return fmt.Errorf("limit the memory of the tests: %w", err)
	}
	return nil
}

// build builds the tests of the package with some of its files replaced, or added. It returns the
// path of the program; or what the compiler says, and an error.
func (r *runner) build(
	ctx context.Context, files map[string][]byte,
) (path, output string, err error) {
	work, err := os.MkdirTemp(r.temporary, "build")
	if err != nil {
		return "", "", err
	}
	overlay, err := r.overlay(work, files)
	if err != nil {
		return "", "", err
	}
	path = filepath.Join(work, "checker.test")
	limited, cancel := context.WithTimeout(ctx, buildLimit)
	defer cancel()
	// The compiler shall name everything that is wrong, and need not prepare for a debugger.
	command := exec.CommandContext(limited, "go", "test", "-c", "-o", path, "-overlay", overlay,
		"-vet=off", "-gcflags=-e", "-ldflags=-s", ".")
	text, err := r.output(command, "GOTMPDIR="+work)
	return path, text, err
}

// overlay writes what tells the toolchain to take other bytes for some files.
func (r *runner) overlay(work string, files map[string][]byte) (string, error) {
	replace := map[string]string{}
	for name, text := range files {
		changed := filepath.Join(work, name)
		replace[filepath.Join(r.folder, name)] = changed
		if err := os.WriteFile(changed, text, 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(work, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// output runs a command in the folder, with something added to its environment. It and what it
// starts are ended together when its context is.
func (r *runner) output(command *exec.Cmd, environment ...string) (string, error) {
	command.Dir = r.folder
	command.Env = append(os.Environ(), environment...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	output, err := command.CombinedOutput()
	return string(output), err
}

// run runs tests that were built, with the mutant of that number, or none if it is 0. It tells what
// became of the mutant, and by which test that was noticed.
func (r *runner) run(ctx context.Context, path string, number int) (fate, string, error) {
	limited, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	command := exec.CommandContext(limited, path,
		"-test.failfast", "-test.v", "-test.run", r.tests)
	output, err := r.output(command, fmt.Sprintf("%s=%d", variable, number),
		fmt.Sprintf("ORDEAL_HISTORIES=%d", r.histories))
	var failed *exec.ExitError
	by := begunLast(output)
	switch {
	case ctx.Err() != nil:
		return interrupted, "", nil
	case limited.Err() != nil:
		return timedOut, by, nil
	case err == nil:
		return survived, "", nil
	case !errors.As(err, &failed):
		return "", "", fmt.Errorf("run the tests: %w", err)
	}
	return killed, by, nil
}

// runAlone is run for a mutant that has to be built by itself.
func (r *runner) runAlone(ctx context.Context, m mutant, source []byte) (fate, string, error) {
	path, output, err := r.build(ctx, map[string][]byte{m.file: m.source(source)})
	switch {
	case ctx.Err() != nil:
		return interrupted, "", nil
	case err != nil && strings.Contains(output, m.file+":"):
		return doesNotBuild, "", nil
	case err != nil:
		return "", "", fmt.Errorf("build the tests: %w\n%s", err, output)
	}
	defer os.RemoveAll(filepath.Dir(path))
	return r.run(ctx, path, 0)
}

var begun = regexp.MustCompile(`(?m)^=== RUN   (\w+)$`)

// begunLast returns the test that was begun last. It is the one that failed, also where that took
// the whole process down.
func begunLast(output string) string {
	all := begun.FindAllStringSubmatch(output, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1][1]
}
