package docker

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// runVictim is the main function of a harness that is killed: it starts a cluster, cuts it in two,
// and says on its standard output where the nodes are. With "shelter" its run belongs to its
// parent: then nobody else's start or clean takes it for a dead one. With "keep" it is to be kept.
// With "paused" its first node is paused too.
func runVictim(run, how string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	engine, err := Connect(ctx)
	fail(err)
	config := toyConfig(2)
	config.RunID = run
	config.Keep = how == "keep"
	if how == "shelter" {
		config.owner = currentOwner()
		config.owner.pid = os.Getppid()
		config.owner.started, err = processStart(os.Getppid())
		fail(err)
	}
	c, err := engine.Start(ctx, config)
	fail(err)
	c.Inject(cut("c", nemesis.Graph{"n1": {"n2"}, "n2": {"n1"}}),
		func(evidence history.Evidence, err error) {
			fail(err)
			if !evidence.Shown {
				fail(fmt.Errorf("the cut is not shown: %+v", evidence.Measurements))
			}
			if how != "paused" {
				c.sayAddresses()
				return
			}
			c.Inject(faultOf(nemesis.Pause, "p", "n1"), func(_ history.Evidence, err error) {
				fail(err)
				c.sayAddresses()
			})
		})
	for {
		fail(c.Step(ctx))
	}
}

// sayAddresses writes where the nodes are, for the parent.
func (c *Cluster) sayAddresses() {
	for _, n := range c.nodes {
		fmt.Println(n.endpoint.Address)
	}
}

// startVictim starts one, and returns it with clients of its nodes, once they are cut.
func startVictim(t *testing.T, arguments ...string) (*exec.Cmd, []*toyClient) {
	t.Helper()
	victim := exec.Command(os.Args[0], append([]string{"victim"}, arguments...)...)
	victim.Stderr = os.Stderr
	output, err := victim.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, victim.Start())
	var clients []*toyClient
	lines := bufio.NewScanner(output)
	for len(clients) < 2 && lines.Scan() {
		clients = append(clients, newToyClient(lines.Text()))
	}
	require.Len(t, clients, 2)
	return victim, clients
}

func TestCutsEndWithTheHarness(t *testing.T) {
	engine := engineOf(t)
	run := toyConfig(1).RunID
	victim, clients := startVictim(t, run, "shelter")
	before := hear(t, clients[0])
	require.NoError(t, victim.Process.Kill())
	_ = victim.Wait() // it was killed

	for ctx := within(t); hear(t, clients[0]).UDP["n2"] == before.UDP["n2"] ||
		hear(t, clients[0]).TCP["n2"] == before.TCP["n2"]; {
		require.NoError(t, ctx.Err(), "the cut outlives the harness")
	}
	_, err := engine.removeRuns(within(t), withLabel(labelRun, run))
	require.NoError(t, err)
	nothingLeft(t, engine, run)
}

func TestCleanRemovesTheDeadAndSparesTheLiving(t *testing.T) {
	survivor := sharedCluster(t)
	engine := engineOf(t)
	run := toyConfig(1).RunID
	victim, _ := startVictim(t, run, "")
	removed, err := engine.Clean(within(t), false)
	require.NoError(t, err)
	require.Contains(t, removed.Spared, run, "it lives")

	require.NoError(t, victim.Process.Kill())
	_ = victim.Wait() // it was killed
	removed, err = engine.Clean(within(t), false)
	require.NoError(t, err)
	require.NotContains(t, removed.Spared, run)
	require.Contains(t, removed.Spared, survivor.config.RunID)
	nothingLeft(t, engine, run)
	require.NoError(t, probe(t, survivor, "n1"))
}

// What was to be kept survives the start of others after its owner's death, until it is cleaned.
func TestKeptRunsSurviveStartsUntilTheyAreCleaned(t *testing.T) {
	engine := engineOf(t)
	run := toyConfig(1).RunID
	victim, _ := startVictim(t, run, "keep")
	require.NoError(t, victim.Process.Kill())
	_ = victim.Wait() // it was killed

	other := &Cluster{engine: engine, config: toyConfig(1)}
	other.config.Logger = slog.New(slog.DiscardHandler)
	require.NoError(t, other.cleanUp(within(t)))
	left, err := engine.Count(within(t), run)
	require.NoError(t, err)
	require.Equal(t, Removed{Containers: 4, Networks: 1, Volumes: 2}, left)

	_, err = engine.Clean(within(t), false)
	require.NoError(t, err)
	nothingLeft(t, engine, run)
}

// Cuts heal by themselves when the harness is killed, but nobody thaws a paused node: it stays as
// it is until it is removed.
func TestPausedNodesOfTheDeadAreRemoved(t *testing.T) {
	engine := engineOf(t)
	run := toyConfig(1).RunID
	victim, _ := startVictim(t, run, "paused")
	require.NoError(t, victim.Process.Kill())
	_ = victim.Wait() // it was killed
	paused, err := engine.api.ContainerList(t.Context(), container.ListOptions{
		Filters: filters.NewArgs(filters.Arg("label", labelRun+"="+run),
			filters.Arg("status", "paused")),
	})
	require.NoError(t, err)
	require.Len(t, paused, 1)
	_, err = engine.Clean(within(t), false)
	require.NoError(t, err)
	nothingLeft(t, engine, run)
}

// A cluster is closed whatever its nodes are in.
func TestCloseWhileNodesArePaused(t *testing.T) {
	engine := engineOf(t)
	config := toyConfig(2)
	c, err := engine.Start(within(t), config)
	require.NoError(t, err)
	exits := listen(t, c)
	evidence, err := inject(t, c, faultOf(nemesis.Pause, "p", "n1", "n2"))
	shown(t, evidence, err)
	require.NoError(t, c.Close(within(t)))
	nothingLeft(t, engine, config.RunID)
	require.Empty(t, *exits)
}
