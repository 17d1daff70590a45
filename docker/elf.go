package docker

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A dynamic is what an executable needs beside itself to be started.
type dynamic struct {
	// loader is the path of its interpreter, "" for a static executable.
	loader string
	// libraries maps the names of all shared libraries it needs, directly or not, to their files.
	libraries map[string]string
}

// errNotELF is returned for an executable of another kind: one of another operating system.
var errNotELF = errors.New("not an ELF executable")

// openELF opens an executable and checks that it is one.
func openELF(path string) (*elf.File, error) {
	file, err := elf.Open(path)
	var format *elf.FormatError
	if errors.As(err, &format) || errors.Is(err, io.EOF) { // or too short to be one
		return nil, fmt.Errorf("%s: %w: %w", path, errNotELF, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the executable: %w", err)
	}
	return file, nil
}

// dependencies finds what the executable needs: go run and go test build a dynamic one where gcc is
// present, and it cannot start in an image that holds nothing else.
//
// It does what the loader would do (ld.so(8)): names with a slash are paths, others are looked for
// in the run path of the file that needs them, then in the directories given.
func dependencies(program string, directories []string) (dynamic, error) {
	file, err := openELF(program)
	if err != nil {
		return dynamic{}, err
	}
	defer func() { _ = file.Close() }() // only read from
	needs := dynamic{libraries: make(map[string]string)}
	if needs.loader, err = interpreter(file); err != nil || needs.loader == "" {
		return needs, err
	}
	// A distribution keeps its libraries where its loader is, wherever that is.
	if real, err := filepath.EvalSymlinks(needs.loader); err == nil {
		directories = append(slices.Clone(directories), filepath.Dir(real))
	}
	finder := finder{class: file.Class, machine: file.Machine, directories: directories}
	if err := finder.collect(file, program, &needs); err != nil {
		return dynamic{}, err
	}
	return needs, nil
}

// interpreter returns the path in the PT_INTERP segment, "" where there is none.
func interpreter(file *elf.File) (string, error) {
	for _, segment := range file.Progs {
		if segment.Type != elf.PT_INTERP {
			continue
		}
		path, err := io.ReadAll(io.LimitReader(segment.Open(), 4096))
		if err != nil {
			return "", fmt.Errorf("reading the executable's interpreter: %w", err)
		}
		return strings.TrimRight(string(path), "\x00"), nil
	}
	return "", nil
}

// A finder finds the libraries for one kind of executable.
type finder struct {
	class       elf.Class
	machine     elf.Machine
	directories []string
}

// collect adds all that file needs to needs.
func (f finder) collect(file *elf.File, path string, needs *dynamic) error {
	names, err := file.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("reading the libraries that %s needs: %w", path, err)
	}
	for _, name := range names {
		key := filepath.Base(name)
		if _, known := needs.libraries[key]; known || key == filepath.Base(needs.loader) {
			continue
		}
		found, err := f.find(name, runPath(file, path))
		if err != nil {
			return fmt.Errorf("%s needs a library: %w", path, err)
		}
		needs.libraries[key] = found
		library, err := openELF(found)
		if err != nil {
			return err
		}
		err = f.collect(library, found, needs)
		_ = library.Close() // only read from
		if err != nil {
			return err
		}
	}
	return nil
}

// find returns the file of a library of the right kind.
func (f finder) find(name string, runPath []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, directory := range slices.Concat(runPath, f.directories) {
		path := filepath.Join(directory, name)
		library, err := elf.Open(path)
		if err != nil {
			continue
		}
		fits := library.Class == f.class && library.Machine == f.machine
		_ = library.Close() // only read from
		if fits {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is in none of %s",
		name, strings.Join(slices.Concat(runPath, f.directories), ", "))
}

// runPath returns the directories that the file itself names, where $ORIGIN is the file's own.
func runPath(file *elf.File, path string) []string {
	var directories []string
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		values, err := file.DynString(tag)
		if err != nil {
			continue // a file without such a section has no run path
		}
		for _, value := range values {
			for directory := range strings.SplitSeq(value, ":") {
				origin := filepath.Dir(path)
				directory = strings.ReplaceAll(directory, "${ORIGIN}", origin)
				directories = append(directories,
					strings.ReplaceAll(directory, "$ORIGIN", origin))
			}
		}
	}
	return directories
}

// libraryDirectories returns where the loader of this machine looks for libraries.
func libraryDirectories() []string {
	directories := filepath.SplitList(os.Getenv("LD_LIBRARY_PATH"))
	directories = append(directories, readLoaderConfiguration("/etc/ld.so.conf")...)
	return append(directories, "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")
}

// readLoaderConfiguration returns the directories that an ld.so.conf names (ldconfig(8)): one a
// line, # begins a comment, and include takes in the files of a pattern. What cannot be read holds
// nothing.
func readLoaderConfiguration(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var directories []string
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "include":
			pattern := fields[1]
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(filepath.Dir(path), pattern)
			}
			included, _ := filepath.Glob(pattern) // a bad pattern matches nothing
			for _, file := range included {
				if file != path {
					directories = append(directories, readLoaderConfiguration(file)...)
				}
			}
		case len(fields) == 1:
			directories = append(directories, fields[0])
		}
	}
	return directories
}
