package docker

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

func TestCPUTimeIsThatOfTheContainersGroup(t *testing.T) {
	for name, test := range map[string]struct {
		groups string
		files  map[string]string
		want   time.Duration
		err    string
	}{
		"version 1": {
			groups: "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc\n",
			files:  map[string]string{"cpuacct/docker/abc/cpuacct.usage": "123456789\n"},
			want:   123456789,
		},
		"version 2": {
			groups: "0::/system.slice/docker-abc.scope\n",
			files: map[string]string{
				"system.slice/docker-abc.scope/cpu.stat": "user_usec 1\nusage_usec 1500\n",
			},
			want: 1500 * time.Microsecond,
		},
		"another process of that number": {
			groups: "4:cpuacct:/user.slice\n0::/user.slice\n",
			err:    "process 7 is not in a control group of the container's",
		},
		"no number": {
			groups: "0::/abc\n",
			files:  map[string]string{"abc/cpu.stat": "usage_usec\n"},
			err:    `lacks "usage_usec"`,
		},
		"no files": {groups: "4:cpuacct:/abc\n", err: "no such file"},
	} {
		root := t.TempDir()
		write := func(path, text string) {
			path = filepath.Join(root, path)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		write("proc/7/cgroup", test.groups)
		for path, text := range test.files {
			write(filepath.Join("sys/fs/cgroup", path), text)
		}
		used, err := groupCPU(root, 7, "abc")
		if test.err != "" {
			require.ErrorContains(t, err, test.err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, test.want, used, name)
	}
}

// What the kernel's files say and what the engine says is the same time. A paused node's stands
// still, so that the two can be compared.
func TestKernelAndEngineAgreeOnTheCPUTime(t *testing.T) {
	c := sharedCluster(t)
	n := c.byName["n1"]
	f := faultOf(nemesis.Pause, "p", "n1")
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	details, err := c.engine.api.ContainerInspect(t.Context(), n.container)
	require.NoError(t, err)
	stated, err := c.engine.statedCPU(within(t), n.container)
	require.NoError(t, err)
	require.Positive(t, stated)
	used, err := groupCPU("/", details.State.Pid, n.container)
	if err != nil {
		t.Logf("the engine's processes are not of this machine: %v", err)
	} else {
		require.Equal(t, stated.Truncate(time.Microsecond), used.Truncate(time.Microsecond))
	}
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
}
