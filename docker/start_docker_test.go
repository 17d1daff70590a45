package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ordeal/docker/system"
	"ordeal/history"
	"ordeal/nemesis"
)

// A whole life: nothing stays of it on the engine, nor in this process; and the logs can be had
// while a node is dead.
func TestLifeLeavesNothing(t *testing.T) {
	engine := engineOf(t)
	leaks := goleak.IgnoreCurrent()
	config := toyConfig(2)
	var steps []string
	config.Progress = func(step string) { steps = append(steps, step) }
	c, err := engine.Start(within(t), config)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) }) // in case that the test fails
	require.Contains(t, steps, "starting 2 nodes")
	require.Equal(t, []string{"n1", "n2"}, c.Nodes())
	_, err = engine.Start(within(t), config)
	require.ErrorContains(t, err, "exists already")
	require.Positive(t, c.Now())

	evidence, err := inject(t, c, kill("k", "n1"))
	shown(t, evidence, err)
	evidence, err = inject(t, c, cut("c", nemesis.Graph{"n1": {"n2"}}))
	shown(t, evidence, err)
	logs := t.TempDir()
	require.NoError(t, c.CollectLogs(t.Context(), logs))
	for _, name := range []string{"n1", "n2"} {
		log, err := os.ReadFile(filepath.Join(logs, name+".log"))
		require.NoError(t, err)
		require.Contains(t, string(log), name+" is up\n")
	}
	evidence, err = heal(t, c, kill("k", "n1"))
	shown(t, evidence, err)
	require.NoError(t, c.CollectLogs(t.Context(), logs))
	log, err := os.ReadFile(filepath.Join(logs, "n1.log"))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(log), "n1 is up\n"), "the log holds both lives")

	// Close comes while a fault is in force and operations are under way.
	for range 10 {
		c.Invoke(history.Operation{Node: "n1", Kind: history.Read}, time.Minute,
			func(history.Result) {})
	}
	require.NoError(t, c.Close(within(t)))
	require.NoError(t, c.Close(within(t)))
	nothingLeft(t, engine, config.RunID)
	require.NoError(t, engine.Close())
	goleak.VerifyNone(t, leaks)
}

func TestInterruptedStartLeavesNothing(t *testing.T) {
	engine := engineOf(t)
	for _, stage := range []string{"starting 2 agents", "starting 2 nodes"} {
		for _, delay := range []time.Duration{0, 100 * time.Millisecond} {
			config := toyConfig(2)
			ctx, cancel := context.WithCancel(t.Context())
			config.Progress = func(step string) {
				if step == stage {
					time.AfterFunc(delay, cancel)
				}
			}
			c, err := engine.Start(ctx, config)
			cancel()
			if err == nil { // it was faster
				require.NoError(t, c.Close(t.Context()))
			} else {
				require.ErrorIs(t, err, context.Canceled)
			}
			nothingLeft(t, engine, config.RunID)
		}
	}
}

func TestFailedStartsSayWhy(t *testing.T) {
	engine := engineOf(t)
	for name, test := range map[string]struct {
		change func(*system.System)
		why    string
		log    string // what stands in the log of n1 then, "" if it has none
	}{
		"a node that crashes": {
			func(s *system.System) {
				s.Files = nil
			}, "exit code 1: ", "this disk was never formatted",
		},
		"no such image": {
			func(s *system.System) { s.Image = "ordeal-no-such-image:1" },
			"docker pull ordeal-no-such-image:1", "",
		},
		"files that fail": {
			func(s *system.System) {
				s.Files = func(system.Cluster, system.Member) ([]system.File, error) {
					return nil, errors.New("no idea")
				}
			}, "no idea", "",
		},
		"files outside": {
			func(s *system.System) {
				s.Files = func(system.Cluster, system.Member) ([]system.File, error) {
					return []system.File{{Path: "../escaped"}}, nil
				}
			}, "is none in a volume", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := toyConfig(1)
			config.Logs = t.TempDir()
			test.change(&config.System)
			_, err := engine.Start(within(t), config)
			require.ErrorContains(t, err, test.why)
			nothingLeft(t, engine, config.RunID)
			log, err := os.ReadFile(filepath.Join(config.Logs, "n1.log"))
			if test.log == "" {
				require.Empty(t, log)
				return
			}
			require.NoError(t, err)
			require.Contains(t, string(log), test.log)
		})
	}
}

func TestNoEngineIsOneClearError(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
	_, err := Connect(t.Context())
	require.ErrorIs(t, err, ErrNoEngine)
	require.EqualError(t, err, "no Docker engine answers at unix:///nonexistent/docker.sock "+
		"(is the daemon running, are you in the docker group, and should DOCKER_HOST be set?)")
	t.Setenv("DOCKER_HOST", "nonsense")
	_, err = Connect(t.Context())
	require.ErrorIs(t, err, ErrNoEngine)
}
