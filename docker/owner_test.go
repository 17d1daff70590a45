package docker

import (
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestOwnersAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[0-9a-f-]{1,36}`)
		o := owner{
			boot: word.Draw(t, "boot"), namespace: word.Draw(t, "namespace"),
			pid:     rapid.IntRange(1, 1<<22).Draw(t, "pid"),
			started: word.Draw(t, "started"),
		}
		read, err := parseOwner(o.String())
		require.NoError(t, err)
		require.Equal(t, o, read)
	})
}

func TestWhatIsNoOwner(t *testing.T) {
	for _, text := range []string{"", "a:b:c", "a:b:0:d", "a:b:x:d", "a:b:-1:d", "a:b:1:d:e"} {
		_, err := parseOwner(text)
		require.Error(t, err, text)
	}
}

func TestVitality(t *testing.T) {
	here := currentOwner()
	require.Equal(t, living, here.vitality())

	child := exec.Command(os.Args[0], "-test.run=^$")
	require.NoError(t, child.Start())
	gone := here
	gone.pid = child.Process.Pid
	started, err := processStart(child.Process.Pid)
	require.NoError(t, err)
	gone.started = started
	require.NoError(t, child.Wait())
	require.Equal(t, dead, gone.vitality())

	if runtime.GOOS == "linux" {
		reused := here
		reused.started = "1"
		require.Equal(t, dead, reused.vitality(), "the number belongs to another process now")
	}
	for _, foreign := range []owner{
		{boot: "other", namespace: here.namespace, pid: here.pid, started: here.started},
		{boot: here.boot, namespace: "other", pid: here.pid, started: here.started},
	} {
		require.Equal(t, elsewhere, foreign.vitality())
	}
}

func TestStale(t *testing.T) {
	now := time.Now()
	here := currentOwner()
	gone, foreign := here, here
	gone.started = "1"
	foreign.boot = "other"
	for name, test := range map[string]struct {
		remains remains
		stale   bool
	}{
		"the owner lives":              {remains{owner: here.String()}, false},
		"the owner is dead":            {remains{owner: gone.String(), running: true}, true},
		"foreign, running":             {remains{owner: foreign.String(), running: true}, false},
		"foreign, perhaps starting":    {remains{owner: foreign.String(), latest: now}, false},
		"foreign, ended long ago":      {remains{owner: foreign.String()}, true},
		"unreadable owner, running":    {remains{owner: "?", running: true}, false},
		"unreadable owner, ended":      {remains{owner: "?"}, true},
		"unreadable owner, made today": {remains{owner: "?", latest: now}, false},
	} {
		require.Equal(t, test.stale, test.remains.stale(now), name)
	}
}
