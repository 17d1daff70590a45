package docker

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker/system"
	"ordeal/history"
	"ordeal/nemesis"
)

// startCluster starts a cluster for one test.
func startCluster(t *testing.T, config Config) *Cluster {
	t.Helper()
	c, err := engineOf(t).Start(within(t), config)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Close(context.Background()))
		left, err := c.engine.Count(context.Background(), config.RunID)
		require.NoError(t, err)
		require.False(t, left.Any(), "%+v", left)
	})
	return c
}

// forgetfulConfig is a cluster of toy nodes that do not mind an empty disk.
func forgetfulConfig(nodes int) Config {
	config := toyConfig(nodes)
	config.System.Command = func(c system.Cluster, n system.Member) []string {
		return append(toySystem().Command(c, n), forgetful)
	}
	return config
}

// requireWiped requires that a node has lost its value; it has another one after that.
func requireWiped(t *testing.T, c *Cluster, node string) {
	t.Helper()
	read := ask(t, c, history.Operation{Node: node, Kind: history.Read})
	require.Equal(t, history.Info, read.Outcome)
	require.Contains(t, read.Error, "no such file")
	storeSomething(t, c, node)
}

func storeSomething(t *testing.T, c *Cluster, node string) {
	t.Helper()
	write := history.Operation{
		Node: node, Kind: history.Write, Value: history.NewValue("something"),
	}
	require.Equal(t, history.OK, ask(t, c, write).Outcome)
}

func TestWipedNodesHaveForgotten(t *testing.T) {
	c := startCluster(t, forgetfulConfig(3))
	exits := listen(t, c)
	for _, victims := range [][]string{{"n1"}, {"n2", "n3"}, {"n1", "n2", "n3"}} {
		for _, node := range c.Nodes() {
			storeSomething(t, c, node)
		}
		f := faultOf(nemesis.Wipe, "w", victims...)
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		for _, node := range victims {
			of := measured(evidence, node)
			require.Equal(t, "running", of["state before"])
			require.Equal(t, "dead (exit code 137)", of["state during"])
			require.Regexp(t, `^[13] removed, 0 left$`, of["files during"])
			require.Error(t, probe(t, c, node))
		}
		evidence, err = heal(t, c, f)
		shown(t, evidence, err)
		for _, node := range victims {
			require.Regexp(t, `^serves again after \d+ ms$`, measured(evidence, node)["ready after"])
			requireWiped(t, c, node)
		}
	}
	require.Empty(t, *exits)

	// Of the containers that did it nothing is left.
	left, err := c.engine.Count(t.Context(), c.config.RunID)
	require.NoError(t, err)
	require.Equal(t, Removed{Containers: 6, Networks: 1, Volumes: 3}, left)
}

func TestWipesOverlapWithWhatElseEndsNodes(t *testing.T) {
	c := startCluster(t, forgetfulConfig(2))
	storeSomething(t, c, "n1")
	killing, paused := kill("k", "n1"), faultOf(nemesis.Pause, "p", "n1")
	one, two := faultOf(nemesis.Wipe, "one", "n1"), faultOf(nemesis.Wipe, "two", "n1", "n2")
	removed := func(f nemesis.Fault, node string) string {
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		return measured(evidence, node)["files during"]
	}
	over := func(f nemesis.Fault) string {
		evidence, err := heal(t, c, f)
		shown(t, evidence, err)
		return measured(evidence, "n1")["state after"]
	}
	removed(paused, "n1")
	require.Equal(t, "3 removed, 0 left", removed(one, "n1"), "a paused node can be wiped")
	require.Equal(t, "0 removed, 0 left", removed(two, "n1"), "it was empty")
	_, err := inject(t, c, killing)
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	require.Equal(t, "still dead for two", over(one))
	require.Empty(t, over(paused))
	require.Equal(t, "running", over(two))

	// A node that is dead already is wiped all the same.
	storeSomething(t, c, "n1")
	removed(killing, "n1")
	require.Equal(t, "1 removed, 0 left", removed(one, "n1"))
	require.Equal(t, "still dead for one", over(killing))
	require.Equal(t, "running", over(one))
	requireWiped(t, c, "n1")
}

// A node that does not start without its files is not said to be back.
func TestWipedNodeThatCrashesIsNotHealed(t *testing.T) {
	c := startCluster(t, toyConfig(2))
	f := faultOf(nemesis.Wipe, "w", "n1")
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	exits := listen(t, c)
	_, err = heal(t, c, f)
	require.ErrorContains(t, err, "this disk was never formatted")
	for ctx := within(t); len(*exits) == 0; {
		require.NoError(t, c.Step(ctx))
	}
	require.True(t, (*exits)[0].byItself)
}
