package docker

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/stretchr/testify/require"
)

func TestOwnDoingIsToldFromWhatComesFromOutside(t *testing.T) {
	for name, test := range map[string]struct {
		exit     exit
		byItself bool
		detail   string
	}{
		"a panic":         {exit{code: 2, word: "panic: no"}, true, "exit code 2: panic: no"},
		"a damaged log":   {exit{code: 65}, true, "exit code 65"},
		"an unknown code": {exit{code: 74}, true, "exit code 74"},
		"a full disk": {exit{code: 74, machine: true, word: "no space left on device"}, false,
			"exit code 74: no space left on device"},
		"a segfault": {exit{code: 139}, true, "exit code 139"},
		"its memory": {exit{code: 137, memory: true}, true,
			"killed by the kernel for needing more than 1KiB of memory (exit code 137)"},
		"kill -9":     {exit{code: 137}, false, "exit code 137"},
		"a stop":      {exit{code: 0}, false, "exit code 0"},
		"SIGTERM":     {exit{code: 143}, false, "exit code 143"},
		"its removal": {exit{code: gone, removed: true}, false, "its container was removed"},
		"a removal, seen late": {exit{code: 2, removed: true}, false,
			"exit code 2, and its container was removed"},
	} {
		require.Equal(t, test.byItself, test.exit.byItself(), name)
		require.Equal(t, test.detail, test.exit.describe(1024), name)
	}
}

// What a code means is for the system to say.
func TestSystemsSayWhichExitsAreTheMachines(t *testing.T) {
	for _, machine := range [][]int{nil, {74}} {
		c, n := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/logs") {
				log := "a line\nthe disk failed: no space left on device\n"
				_, _ = stdcopy.NewStdWriter(w, stdcopy.Stderr).Write([]byte(log))
				return
			}
			describe(w, container.State{Status: "exited", ExitCode: 74})
		})
		c.config.System.MachineExits = machine
		for _, code := range []int64{74, 75} {
			c.reportExit(t.Context(), n, code)
			require.Equal(t, toldExit{
				"n1", fmt.Sprintf("exit code %d: the disk failed: no space left on device", code),
				machine == nil || code == 75,
			}, nextExit(t, c))
		}
	}
}

func TestRunsKnowWhetherTheirEndIsNews(t *testing.T) {
	r := newRun()
	require.True(t, r.end(killed), "nobody had asked")

	r = newRun()
	unexpect := r.expect(killed)
	require.False(t, r.end(killed))
	unexpect()
	require.True(t, r.expected(), "it is over, and was asked for")

	r = newRun()
	r.expect(killed)
	require.True(t, r.end(2), "it came before the kill")

	r = newRun()
	r.expect(killed)() // the kill failed
	require.True(t, r.end(killed))

	r = newRun()
	r.expect(0, terminated)
	r.expect(killed)() // and so did this kill, but not the stop
	require.True(t, r.expected())
	require.False(t, r.end(terminated))

	r = newRun()
	r.expect(0, terminated)
	require.True(t, r.end(killed), "nobody had asked for that")
}
