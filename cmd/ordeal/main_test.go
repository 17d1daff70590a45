package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"ordeal/docker"
)

// TestMain lets scripts call the command as "ordeal", and containers the test binary as their
// program: whatever calls it with a subcommand gets the command, not the tests.
func TestMain(m *testing.M) {
	inContainer := len(os.Args) > 1 && slices.Contains([]string{"node", "agent", "wipe"}, os.Args[1])
	if inContainer || os.Getenv("ORDEAL_TEST_MAIN") != "" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"ordeal": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		// Its own directory is left behind, empty.
		WorkdirRoot: t.TempDir(),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await": await, "hard": hard, "left": left, "proxy": proxy, "tmpfs": tmpfs,
			"sameline": sameLine,
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "engine":
				return hasEngine(t), nil
			case "mount":
				return canMount(t), nil
			}
			return false, os.ErrInvalid
		},
	})
}

// awaitLimit bounds how long a script waits for a file to hold something.
const awaitLimit = time.Minute

// await FILE REGEXP waits until the file is there and matches.
func await(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		script.Fatalf("usage: await FILE REGEXP")
	}
	pattern, err := regexp.Compile(args[1])
	script.Check(err)
	for deadline := time.Now().Add(awaitLimit); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(script.MkAbs(args[0]))
		if err == nil && pattern.Match(text) {
			return
		}
		if time.Now().After(deadline) {
			script.Fatalf("%s does not match %q within %v", args[0], args[1], awaitLimit)
		}
	}
}

// left DIRECTORY something|nothing: whether the engine holds anything of the run with that
// directory. Other tests and other runs may be under way.
func left(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 || args[1] != "something" && args[1] != "nothing" {
		script.Fatalf("usage: left DIRECTORY something|nothing")
	}
	path, err := filepath.EvalSymlinks(script.MkAbs(args[0]))
	script.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), awaitLimit)
	defer cancel()
	engine, err := docker.Connect(ctx)
	script.Check(err)
	defer engine.Close()
	held, err := engine.Count(ctx, filepath.Base(path))
	script.Check(err)
	if held.Any() != (args[1] == "something") {
		script.Fatalf("the engine holds %d containers, %d networks and %d volumes of the run",
			held.Containers, held.Networks, held.Volumes)
	}
}

// hasEngine tells whether a Docker engine answers. With CI set there must be one.
func hasEngine(t testing.TB) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	engine, err := docker.Connect(ctx)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Errorf("CI needs a Docker engine: %v", err)
		}
		return false
	}
	require.NoError(t, engine.Close())
	return true
}
