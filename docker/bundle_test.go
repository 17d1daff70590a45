package docker

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker/system"
)

// unpack returns the headers of an archive by name, and the contents of its files.
func unpack(t *testing.T, packed io.Reader) (map[string]*tar.Header, map[string]string) {
	t.Helper()
	headers, contents := make(map[string]*tar.Header), make(map[string]string)
	reader := tar.NewReader(packed)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return headers, contents
		}
		require.NoError(t, err)
		headers[header.Name] = header
		content, err := io.ReadAll(reader)
		require.NoError(t, err)
		contents[header.Name] = string(content)
	}
}

func TestBundleHoldsTheProgramAndWhatItNeeds(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system's executables are no ELF files")
	}
	self, err := selfPath()
	require.NoError(t, err)
	b, err := newBundle(self)
	require.NoError(t, err)
	var packed bytes.Buffer
	require.NoError(t, b.write(&packed))
	headers, contents := unpack(t, &packed)
	program, err := os.ReadFile(self)
	require.NoError(t, err)
	require.True(t, contents["ordeal"] == string(program))
	require.Equal(t, nobody, headers["data/"].Uid)
	for _, e := range b.entries {
		if e.source != "" {
			require.NotZero(t, headers[strings.TrimPrefix(e.path, "/")].Size, e.path)
		}
	}
	needs, err := dependencies(self, libraryDirectories())
	require.NoError(t, err)
	dynamic := needs.loader != ""
	require.Equal(t, dynamic, slices.Contains(b.changes, "ENV LD_LIBRARY_PATH=/lib/ordeal"))
}

func TestTagStandsForTheContent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	tag := func(content string, e entry, changes ...string) string {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		e.source = file
		tag, err := bundle{entries: []entry{e}, changes: changes}.tag()
		require.NoError(t, err)
		return tag
	}
	first := tag("a", entry{path: "/p"})
	require.Equal(t, first, tag("a", entry{path: "/p"}))
	for _, other := range []string{
		tag("b", entry{path: "/p"}), tag("a", entry{path: "/q"}),
		tag("a", entry{path: "/p", mode: 1}), tag("a", entry{path: "/p", owner: 1}),
		tag("a", entry{path: "/p"}, "USER 1"),
	} {
		require.NotEqual(t, first, other)
	}
}

func TestArchiveOwnsWhatItHolds(t *testing.T) {
	packed, err := archive([]system.File{
		{Path: "a/b/one", Data: []byte("1")}, {Path: "a/./two", Data: []byte("2")},
	}, 7)
	require.NoError(t, err)
	headers, contents := unpack(t, packed)
	require.Len(t, headers, 4)
	for name, header := range headers {
		require.Equal(t, 7, header.Uid, name)
		require.Equal(t, 7, header.Gid, name)
	}
	require.Equal(t, "1", contents["a/b/one"])
	require.Equal(t, "2", contents["a/two"])
	for _, path := range []string{"/etc/passwd", "../up", "a/../../up", ""} {
		_, err := archive([]system.File{{Path: path}}, 7)
		require.Error(t, err, path)
	}
}

func TestDependenciesOfADynamicProgram(t *testing.T) {
	compiler, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc to build a dynamic program with")
	}
	directory := t.TempDir()
	source := func(name, content string) string {
		path := filepath.Join(directory, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	compile := func(arguments ...string) {
		output, err := exec.Command(compiler, arguments...).CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	// A program that needs a library beside it, which needs another.
	inner := filepath.Join(directory, "libinner.so")
	outer := filepath.Join(directory, "libouter.so")
	program := filepath.Join(directory, "program")
	compile("-shared", "-o", inner, source("inner.c", "int inner(void) { return 0; }"))
	compile("-shared", "-o", outer, source("outer.c", "int inner(void); int outer(void) "+
		"{ return inner(); }"), "-L"+directory, "-linner", "-Wl,-rpath,$ORIGIN")
	compile("-o", program, source("main.c", "int outer(void); int main(void) "+
		"{ return outer(); }"), "-L"+directory, "-louter", "-Wl,-rpath,$ORIGIN",
		"-Wl,-rpath-link,"+directory)
	needs, err := dependencies(program, libraryDirectories())
	require.NoError(t, err)
	require.FileExists(t, needs.loader)
	require.Equal(t, inner, needs.libraries["libinner.so"])
	require.Equal(t, outer, needs.libraries["libouter.so"])
	require.FileExists(t, needs.libraries["libc.so.6"])

	// A file of that name for another kind of machine is not it.
	require.NoError(t, os.WriteFile(inner, []byte("no library"), 0o600))
	_, err = dependencies(program, libraryDirectories())
	require.ErrorContains(t, err, "libinner.so is in none of "+directory)
}

func TestStaticProgramNeedsNothing(t *testing.T) {
	needs, err := dependencies(buildSmall(t), nil)
	require.NoError(t, err)
	require.Empty(t, needs.loader)
	require.Empty(t, needs.libraries)
}

// buildSmall builds a small static program for the engines of this machine's kind, from a source
// tree that looks like Ordeal's, by the way of build.
func buildSmall(t *testing.T) string {
	t.Helper()
	source := t.TempDir()
	main := filepath.Join(source, "cmd", "ordeal")
	require.NoError(t, os.MkdirAll(main, 0o700))
	for path, content := range map[string]string{
		filepath.Join(source, "go.mod"): "module ordeal\n\ngo 1.26\n",
		filepath.Join(main, "main.go"):  "package main\n\nfunc main() {}\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	t.Chdir(main)
	found, err := findSource()
	require.NoError(t, err)
	require.Equal(t, source, found)
	program, err := build(t.Context(), found, runtime.GOARCH)
	require.NoError(t, err)
	t.Cleanup(program.discard)
	return program.path
}

func TestProgramsOfAnotherKindDoNotRunHere(t *testing.T) {
	program := buildSmall(t)
	for architecture, machine := range machines {
		fits, err := runsOn(program, architecture)
		require.NoError(t, err)
		require.Equal(t, architecture == runtime.GOARCH, fits, "%s, %s", architecture, machine)
	}
	_, err := runsOn(program, "pdp11")
	require.Error(t, err)
	text := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(text, []byte("#!/bin/sh\n"), 0o700))
	fits, err := runsOn(text, runtime.GOARCH)
	require.NoError(t, err)
	require.False(t, fits)
}

func TestWithoutSourceTheErrorSaysWhatToDo(t *testing.T) {
	t.Chdir(t.TempDir())
	text := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(text, []byte("#!/bin/sh\n"), 0o700))
	engine := &Engine{os: "linux", architecture: "s390x"}
	_, err := engine.findProgram(t.Context(), text)
	require.ErrorContains(t, err, "or use the release for linux/s390x")
	engine.os = "windows"
	_, err = engine.findProgram(t.Context(), text)
	require.ErrorContains(t, err, "Linux")
}

func TestLoaderConfiguration(t *testing.T) {
	directory := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(directory, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	write("conf.d/one.conf", "# the first\n/one # and only\n\n")
	write("conf.d/two.conf", "/two\n")
	path := write("ld.so.conf", "include conf.d/*.conf\n/last\nhwcap 1 x\n")
	require.Equal(t, []string{"/one", "/two", "/last"}, readLoaderConfiguration(path))
	require.Empty(t, readLoaderConfiguration(filepath.Join(directory, "none")))
}
