package docker

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"ordeal/history"
	"ordeal/nemesis"
)

// soon is how long a thing may take that an engine which is gone must not hold up: twice the time
// that agents and the engine are given to answer. What waits for its context waits longer.
const soon = 2 * (agentLimit + silenceLimit)

// A journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(data []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(data)
}

func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Split(strings.TrimSpace(j.text.String()), "\n")
}

// lossyCluster starts a cluster behind a proxy, with a log.
func lossyCluster(t *testing.T, nodes int) (*proxy, *Cluster, *journal) {
	t.Helper()
	p, engine := throughProxy(t)
	log := &journal{}
	config := toyConfig(nodes)
	config.Logger = slog.New(slog.NewTextHandler(log, nil))
	c, err := engine.Start(within(t), config)
	require.NoError(t, err)
	t.Cleanup(func() { // in case that the test fails
		p.thaw()
		_ = p.restore() // unless it is there
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		_ = c.Close(ctx)
	})
	return p, c, log
}

// failuresOf collects what OnFailure is told.
func failuresOf(c *Cluster) *[]string {
	var told []string
	c.OnFailure(func(err error) { told = append(told, err.Error()) })
	return &told
}

// awaitFailure steps the cluster until the failure is told, and returns it.
func awaitFailure(t *testing.T, c *Cluster, told *[]string) string {
	t.Helper()
	for ctx := within(t); len(*told) == 0; {
		require.NoError(t, c.Step(ctx))
	}
	return (*told)[0]
}

// requireSoon requires that something ends within soon.
func requireSoon(t *testing.T, what string, do func()) {
	t.Helper()
	began := time.Now()
	do()
	took := time.Since(began)
	require.Less(t, took, soon, what)
	t.Logf("%s took %v", what, took.Round(time.Millisecond))
}

// warnings are the lines of a log that somebody should read.
func warnings(log *journal) []string {
	var found []string
	for _, line := range log.lines() {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			found = append(found, line)
		}
	}
	return found
}

// requireGivenUp requires that everything that needs the engine ends soon, with an error of one
// line.
func requireGivenUp(t *testing.T, c *Cluster, inForce ...nemesis.Fault) {
	t.Helper()
	var err error
	another := []nemesis.Fault{cut("c2", nemesis.Graph{"n2": {"n1"}}), kill("k2", "n2")}
	for _, f := range another {
		requireSoon(t, "the injection of "+f.ID, func() { _, err = inject(t, c, f) })
		require.EqualError(t, err, errEngineGone.Error())
	}
	for _, f := range append(inForce, another...) {
		requireSoon(t, "the heal of "+f.ID, func() { _, err = heal(t, c, f) })
		require.EqualError(t, err, errEngineGone.Error())
	}
	logs := t.TempDir()
	requireSoon(t, "collecting logs", func() { err = c.CollectLogs(within(t), logs) })
	require.ErrorIs(t, err, errEngineGone)
	require.NotContains(t, err.Error(), "\n")
}

// The engine is lost while a cut and a kill are in force and another kill is under way; it comes
// back only when the run has ended.
func TestEngineLostMidwayIsToldOnceAndHoldsNobodyUp(t *testing.T) {
	leaks := goleak.IgnoreCurrent()
	for name, test := range map[string]struct {
		lose  func(*proxy)
		again func(*proxy) error
		// clean removes what the run has left.
		clean func(context.Context, *Cluster) error
	}{
		"it refuses, and Close is called again": {
			(*proxy).cut, (*proxy).restore,
			func(ctx context.Context, c *Cluster) error { return c.Close(ctx) },
		},
		"it hangs, and the owner's remains are removed": {
			(*proxy).freeze, func(p *proxy) error { p.thaw(); return nil },
			func(ctx context.Context, c *Cluster) error {
				mine := ofOwner(c.config.RunID, c.config.owner.String())
				_, err := c.engine.removeRuns(ctx, mine)
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, c, log := lossyCluster(t, 3)
			told := failuresOf(c)
			partition := cut("c", nemesis.Graph{"n1": {"n2"}, "n2": {"n1"}})
			evidence, err := inject(t, c, partition)
			shown(t, evidence, err)
			evidence, err = inject(t, c, kill("k", "n3"))
			shown(t, evidence, err)

			test.lose(p)
			requireSoon(t, "a kill under way", func() { _, err = inject(t, c, kill("way", "n2")) })
			require.Error(t, err)
			failure := awaitFailure(t, c, told)
			require.Contains(t, failure,
				errEngineGone.Error()+" (run \"ordeal clean\" when it does): no ")
			require.NotContains(t, failure, "\n")
			requireGivenUp(t, c, partition, kill("k", "n3"))
			write := history.Operation{
				Node: "n1", Kind: history.Write, Value: history.NewValue("without"),
			}
			require.Equal(t, history.OK, ask(t, c, write).Outcome, "clients need no engine")

			requireSoon(t, "Close", func() { err = c.Close(within(t)) })
			require.EqualError(t, err, "removing the containers of run "+c.config.RunID+
				": the Docker engine does not answer any more")
			require.Len(t, *told, 1)
			require.Len(t, warnings(log), 1, "nothing is complained about again and again")
			require.Contains(t, warnings(log)[0], errEngineGone.Error())

			require.NoError(t, test.again(p))
			require.NoError(t, test.clean(within(t), c))
			nothingLeft(t, c.engine, c.config.RunID)
			require.NoError(t, c.Close(within(t)))
			require.NoError(t, c.engine.Close())
		})
	}
	goleak.VerifyNone(t, leaks)
}

// An engine that is restarted while its containers run on breaks the streams, and answers.
func TestStreamsLostToAnEngineThatAnswers(t *testing.T) {
	p, c, _ := lossyCluster(t, 2)
	told := failuresOf(c)
	p.drop()
	require.Regexp(t, `^the stream to the agent of n[12] has ended, and it runs: its node's `+
		`network cannot be cut or healed any more$`, awaitFailure(t, c, told))
	require.NoError(t, c.CollectLogs(within(t), t.TempDir()))
	require.NoError(t, c.Close(within(t)))
	require.Len(t, *told, 1)
	nothingLeft(t, c.engine, c.config.RunID)
}

func TestEngineLostWhileStarting(t *testing.T) {
	for _, stage := range []string{"starting 2 agents", "starting 2 nodes"} {
		for _, delay := range []time.Duration{0, 100 * time.Millisecond} {
			p, engine := throughProxy(t)
			config := toyConfig(2)
			config.Logs = t.TempDir()
			lost := make(chan struct{})
			config.Progress = func(step string) {
				if step == stage {
					time.AfterFunc(delay, func() {
						p.cut()
						close(lost)
					})
				}
			}
			var c *Cluster
			var err error
			requireSoon(t, "Start", func() { c, err = engine.Start(within(t), config) })
			<-lost
			if err == nil { // it was faster
				require.Error(t, c.Close(within(t)))
			} else {
				require.ErrorIs(t, err, errEngineGone)
				lines := strings.Split(err.Error(), "\n")
				require.Len(t, lines, 2, "%v", err)
				require.Regexp(t, `^starting a cluster: the Docker engine does not answer any more `+
					`\(run "ordeal clean" when it does\): no connection to unix://`, lines[0])
				require.Contains(t, lines[1], "removing the containers of run "+config.RunID)
			}
			require.NoError(t, p.restore())
			mine := ofOwner(config.RunID, currentOwner().String())
			_, err = engine.removeRuns(within(t), mine)
			require.NoError(t, err)
			nothingLeft(t, engine, config.RunID)
		}
	}
}

// Somebody kills an agent's first process: the agent's container ends, and its node is alone.
func TestLostAgentsAreNamed(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(context.Context, *Cluster, string) error
		told string
	}{
		"killed": {
			func(ctx context.Context, c *Cluster, id string) error {
				return c.engine.api.ContainerKill(ctx, id, "SIGKILL")
			}, `^the agent of n3 has ended \(exit code 137\): `,
		},
		"removed": {
			func(ctx context.Context, c *Cluster, id string) error {
				return c.engine.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true})
			}, `^the agent of n3 (was removed|has ended \(exit code 137\)): `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := engineOf(t)
			c, err := engine.Start(within(t), toyConfig(3))
			require.NoError(t, err)
			t.Cleanup(func() { _ = c.Close(context.Background()) }) // in case that the test fails
			told := failuresOf(c)
			partition := cut("c", nemesis.Graph{"n1": {"n2", "n3"}})
			evidence, err := inject(t, c, partition)
			shown(t, evidence, err)

			require.NoError(t, test.end(t.Context(), c, c.byName["n3"].agent))
			failure := awaitFailure(t, c, told)
			require.Regexp(t, test.told+"its node's network cannot be cut or healed any more$", failure)
			requireSoon(t, "a heal", func() { _, err = heal(t, c, partition) })
			require.ErrorContains(t, err, "n3")
			require.NoError(t, probe(t, c, "n1"), "the others serve")
			require.NoError(t, c.Close(within(t)))
			require.Len(t, *told, 1)
			nothingLeft(t, engine, c.config.RunID)
		})
	}
}
