package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const header = `{"format":"ordeal-history","version":1,"run":"r","workload":"register",` +
	`"model":"register","seed":1}` + "\n"

const written = `{"index":0,"time":1000000,"type":"invoke","op":1,"process":0,"client":0,` +
	`"node":"n1","f":"write","key":"k","value":"1"}
{"index":1,"time":2000000,"type":"ok","op":1,"process":0,"node":"n1","f":"write","key":"k"}
{"index":2,"time":3000000,"type":"invoke","op":2,"process":1,"client":1,"node":"n2",` +
	`"f":"read","key":"k"}
`

// historyFile writes a history of one write and one read, and what comes after.
func historyFile(t *testing.T, name, rest string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(header+written+rest), 0o644))
	return path
}

func readOf(returned string) string {
	return `{"index":3,"time":4000000,"type":"ok","op":2,"process":1,"node":"n2","f":"read",` +
		`"key":"k","returned":` + returned + "}\n"
}

// Every exit code is part of the interface. Scripts can tell only success from failure, so the
// codes are tested here.
func TestExitCodes(t *testing.T) {
	legal := historyFile(t, "legal.jsonl", readOf(`"1"`))
	illegal := historyFile(t, "illegal.jsonl", readOf(`"2"`))
	exit := historyFile(t, "exit.jsonl", `{"index":3,"time":4000000,"type":"mark",`+
		`"mark":{"name":"node-exit","node":"n1","detail":"exit code 2: panic"}}`+"\n")
	killed := historyFile(t, "killed.jsonl", `{"index":3,"time":4000000,"type":"mark",`+
		`"mark":{"name":"node-killed","node":"n1","detail":"exit code 137"}}`+"\n")
	empty := filepath.Join(t.TempDir(), "empty.jsonl")
	require.NoError(t, os.WriteFile(empty, []byte(header), 0o644))
	t.Setenv("DOCKER_HOST", "unix:///nonexistent/engine.sock")
	runs := t.TempDir()
	cases := []struct {
		args []string
		want int
	}{
		{[]string{"--help"}, 0},
		{[]string{"list"}, 0},
		{[]string{"check", legal}, 0},
		{[]string{"check", illegal}, 1},
		{[]string{"check", exit}, 1},
		{[]string{"check", killed}, 2},
		{[]string{"run", "--env", "docker", "--results", t.TempDir()}, 2},
		{[]string{"run", "--time", "2s", "--interval", "1s", "--seed", "1", "--env", "sim",
			"--results", runs}, 0},
		{[]string{"sequence", "--results", runs, "--rows", "1", "latest"}, 0},
		{[]string{"sequence", "--results", runs, "--key", "nokey", "latest"}, 64},
		{[]string{"run", "--env", "cloud"}, 64},
		{[]string{"run", "--env", "sim", "--keep"}, 64},
		{[]string{"clean"}, 2},
		{[]string{"doctor"}, 2},
		{[]string{"check", empty}, 4},
		{[]string{"check", legal, "missing.jsonl"}, 64},
		{[]string{"check", illegal, "missing.jsonl", legal}, 1},
		{[]string{"check", "--budget", "-5s", legal}, 64},
		{[]string{"check"}, 64},
		{[]string{"frobnicate"}, 64},
		{[]string{"run", "--nodes", "2"}, 64},
		{[]string{"run", "--seed", "0"}, 64},
		{[]string{"run", "--no-such-flag"}, 64},
		{[]string{"node", "format", "extra"}, 64},
		{[]string{"completion", "bash", "extra"}, 64},
		{[]string{"node", "--peers", "x"}, 64},
	}
	for _, c := range cases {
		var out, errs bytes.Buffer
		code := execute(t.Context(), c.args, strings.NewReader(""), &out, &errs)
		require.Equal(t, c.want, code, "%q: %s", c.args, errs.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var errs bytes.Buffer
	code := execute(ctx, []string{"check", legal}, strings.NewReader(""), &errs, &errs)
	require.Equal(t, 130, code, errs.String())
}

// A violation is printed as such whatever else could not be read.
func TestUnreadableFileMasksNoViolation(t *testing.T) {
	illegal := historyFile(t, "illegal.jsonl", readOf(`"2"`))
	var out, errs bytes.Buffer
	code := execute(t.Context(), []string{"check", "--json", "missing.jsonl", illegal, "none"},
		strings.NewReader(""), &out, &errs)
	require.Equal(t, 1, code)
	require.Contains(t, out.String(), `"verdict": "violation"`)
	require.Contains(t, errs.String(), `no file and no run "missing.jsonl"`)
	require.Contains(t, errs.String(), `no file and no run "none"`)
}

// Ctrl-C ends a whole pipeline: whoever reads what is printed may be gone before the clean-up is
// done, and that must not be the end of it.
func TestReaderThatIsGoneDoesNotEndTheProgram(t *testing.T) {
	illegal := historyFile(t, "illegal.jsonl", readOf(`"2"`))
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, reader.Close())
	program, err := os.Executable()
	require.NoError(t, err)
	command := exec.Command(program, "check", illegal)
	command.Env = append(os.Environ(), "ORDEAL_TEST_MAIN=1")
	command.Stderr = writer
	err = command.Run()
	require.NoError(t, writer.Close())
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 1, exit.ExitCode(), "the verdict, and not the signal")
}
