package docker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker/system"
	"ordeal/history"
	"ordeal/nemesis"
)

// registerConfig is a cluster of the built-in register's nodes, which only Ordeal's own program
// holds.
func registerConfig(t testing.TB, nodes int) Config {
	t.Helper()
	source, err := findSource()
	require.NoError(t, err)
	program, err := build(t.Context(), source, engineOf(t).architecture)
	require.NoError(t, err)
	t.Cleanup(program.discard)
	config := toyConfig(nodes)
	config.System, config.Program = system.PaxosRegister(""), program.path
	config.Kinds = []nemesis.Kind{nemesis.Pause, nemesis.Partition}
	return config
}

// requireServing requires that writes and reads succeed at each of the nodes.
func requireServing(t *testing.T, c *Cluster, nodes ...string) {
	t.Helper()
	for _, node := range nodes {
		value := history.NewValue("of " + node)
		for _, op := range []history.Operation{
			{Node: node, Kind: history.Write, Key: "k", Value: value},
			{Node: node, Kind: history.Read, Key: "k"},
		} {
			result := ask(t, c, op)
			require.Equal(t, history.OK, result.Outcome, "%s at %s: %s", op.Kind, node, result.Error)
		}
	}
}

// The faults of processes on the register: each on one, on a minority, on a majority and on all.
func TestRegisterSurvivesFaultsOfProcesses(t *testing.T) {
	c := startCluster(t, registerConfig(t, 5))
	exits := listen(t, c)
	require.NoError(t, c.Unable(nemesis.Pause))
	require.NoError(t, c.Unable(nemesis.Partition))
	requireServing(t, c, c.Nodes()...)
	for _, kind := range []nemesis.Kind{nemesis.Kill, nemesis.Stop, nemesis.Pause} {
		for _, count := range []int{1, 2, 3, 5} {
			f := faultOf(kind, "f", c.Nodes()[:count]...)
			evidence, err := inject(t, c, f)
			shown(t, evidence, err)
			if count <= 2 {
				requireServing(t, c, c.Nodes()[count:]...)
			}
			evidence, err = heal(t, c, f)
			shown(t, evidence, err)
			for _, node := range f.Nodes {
				of := measured(evidence, node)
				require.Equal(t, "running", of["state after"])
				if kind == nemesis.Pause {
					require.Equal(t, "0 at 4 other nodes", of["packets arrived end"])
				}
			}
			requireServing(t, c, c.Nodes()...)
		}
	}
	require.Empty(t, *exits)
}

// A wiped node of the register stays out and says so, whatever else happens to it, and the others
// serve.
func TestWipedRegisterNodeStaysOut(t *testing.T) {
	const reason = "stays out: disk is not formatted: what this node promised is lost, " +
		"so it takes no part"
	c := startCluster(t, registerConfig(t, 5))
	exits := listen(t, c)
	requireServing(t, c, c.Nodes()...)
	for _, f := range []nemesis.Fault{
		faultOf(nemesis.Wipe, "w", "n1", "n2"), kill("k", "n1", "n2"),
		faultOf(nemesis.Stop, "s", "n1", "n2"), faultOf(nemesis.Pause, "p", "n1", "n2"),
	} {
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		evidence, err = heal(t, c, f)
		shown(t, evidence, err)
		for _, node := range f.Nodes {
			require.Equal(t, reason, measured(evidence, node)["ready after"])
			err := probe(t, c, node)
			require.ErrorIs(t, err, system.ErrLost)
			require.EqualError(t, err, node+" "+reason)
		}
	}
	requireServing(t, c, "n3", "n4", "n5")
	require.Empty(t, *exits)

	all := faultOf(nemesis.Wipe, "all", c.Nodes()...)
	evidence, err := inject(t, c, all)
	shown(t, evidence, err)
	evidence, err = heal(t, c, all)
	shown(t, evidence, err)
	require.ErrorIs(t, probe(t, c, "n5"), system.ErrLost)
}
