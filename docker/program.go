package docker

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// machines are the processors that engines run on, in ELF's words.
var machines = map[string]elf.Machine{
	"386": elf.EM_386, "amd64": elf.EM_X86_64, "arm": elf.EM_ARM, "arm64": elf.EM_AARCH64,
	"loong64": elf.EM_LOONGARCH, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV,
	"s390x": elf.EM_S390,
}

// A program is an executable that the engine can run.
type program struct {
	path string
	// discard removes what had to be made for it.
	discard func()
}

// findProgram returns the executable at path, this very process's if path is "". Where the engine
// cannot run that, because it is for another system or processor, one is built from Ordeal's source
// if the working directory lies in it.
func (e *Engine) findProgram(ctx context.Context, path string) (program, error) {
	if e.os != "linux" {
		return program{}, fmt.Errorf("the Docker engine runs %s containers, and Ordeal's are "+
			"Linux containers: switch the engine over", e.os)
	}
	if path == "" {
		self, err := selfPath()
		if err != nil {
			return program{}, err
		}
		path = self
	}
	fits, err := runsOn(path, e.architecture)
	if err != nil {
		return program{}, err
	}
	if fits {
		return program{path: path, discard: func() {}}, nil
	}
	source, err := findSource()
	if err != nil {
		return program{}, fmt.Errorf("the Docker engine runs linux/%s and this program is for "+
			"%s/%s: %w; run Ordeal in a checkout of its source with Go installed, or use "+
			"the release for linux/%s",
			e.architecture, runtime.GOOS, runtime.GOARCH, err, e.architecture)
	}
	return build(ctx, source, e.architecture)
}

// selfPath returns a path of this process's executable, which on Linux works even when the file was
// removed or replaced since, as go run does.
func selfPath() (string, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program's executable: %w", err)
	}
	return path, nil
}

// runsOn tells whether an executable is for Linux on the processor.
func runsOn(path, architecture string) (bool, error) {
	file, err := openELF(path)
	if errors.Is(err, errNotELF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // only read from
	machine, known := machines[architecture]
	if !known {
		return false, fmt.Errorf("the Docker engine runs on a processor that Ordeal does not "+
			"know, %q", architecture)
	}
	return file.Machine == machine, nil
}

// findSource returns the root of Ordeal's source, above or at the working directory.
func findSource() (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the working directory: %w", err)
	}
	for {
		if isSource(directory) {
			return directory, nil
		}
		parent := filepath.Dir(directory)
		if parent == directory {
			return "", errors.New("the source of Ordeal is not here to build another from")
		}
		directory = parent
	}
}

// isSource tells whether directory is the root of Ordeal's source.
func isSource(directory string) bool {
	module, err := os.ReadFile(filepath.Join(directory, "go.mod"))
	if err != nil {
		return false
	}
	first, _, _ := strings.Cut(string(module), "\n")
	info, err := os.Stat(filepath.Join(directory, "cmd", "ordeal"))
	return strings.TrimSpace(first) == "module ordeal" && err == nil && info.IsDir()
}

// build builds Ordeal for the engine, static.
func build(ctx context.Context, source, architecture string) (program, error) {
	directory, err := os.MkdirTemp("", "ordeal-build-")
	if err != nil {
		return program{}, fmt.Errorf("making a directory to build in: %w", err)
	}
	discard := func() { _ = os.RemoveAll(directory) } // in the system's directory for such
	path := filepath.Join(directory, "ordeal")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "./cmd/ordeal")
	command.Dir = source
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
	if output, err := command.CombinedOutput(); err != nil {
		discard()
		return program{}, fmt.Errorf("building Ordeal for linux/%s in %s: %w: %s",
			architecture, source, err, bytes.TrimSpace(output))
	}
	return program{path: path, discard: discard}, nil
}
