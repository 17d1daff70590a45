package docker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

// cut is a partition with the given graph.
func cut(id string, graph nemesis.Graph) nemesis.Fault {
	return nemesis.Fault{ID: id, Kind: nemesis.Partition, Cut: graph}
}

// requireCut watches, from the nodes' side, what a receiver hears of two senders until it has
// heard ten datagrams of the audible one, and requires that it heard nothing of the silent one.
func requireCut(t *testing.T, c *Cluster, receiver, silent, audible string) {
	t.Helper()
	ctx := within(t)
	before := hear(t, clientOf(c, receiver))
	now := before
	for now.UDP[audible] < before.UDP[audible]+10 {
		require.NoError(t, ctx.Err())
		now = hear(t, clientOf(c, receiver))
	}
	require.Equal(t, before.UDP[silent], now.UDP[silent], "datagrams of %s at %s", silent, receiver)
	require.Equal(t, before.TCP[silent], now.TCP[silent], "bytes of %s at %s", silent, receiver)
}

// requireOpen waits until a receiver has heard a sender again, in datagrams and over TCP.
func requireOpen(t *testing.T, c *Cluster, receiver, sender string) {
	t.Helper()
	ctx := within(t)
	before := hear(t, clientOf(c, receiver))
	now := before
	for now.UDP[sender] == before.UDP[sender] || now.TCP[sender] == before.TCP[sender] {
		require.NoError(t, ctx.Err(), "%s hears nothing of %s", receiver, sender)
		now = hear(t, clientOf(c, receiver))
	}
}

func TestCutBothWays(t *testing.T) {
	requireCutBothWaysBites(t, sharedCluster(t), "both")
}

// requireCutBothWaysBites cuts n1 and n2 from each other and asks the nodes before, during and
// after.
func requireCutBothWaysBites(t *testing.T, c *Cluster, id string) {
	t.Helper()
	requireOpen(t, c, "n1", "n2") // so the TCP flow that is cut is established
	requireOpen(t, c, "n2", "n1")
	f := cut(id, nemesis.Graph{"n1": {"n2"}, "n2": {"n1"}})
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	requireCut(t, c, "n1", "n2", "n3")
	requireCut(t, c, "n2", "n1", "n3")
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
	requireOpen(t, c, "n1", "n2")
	requireOpen(t, c, "n2", "n1")
}

func TestCutOneWay(t *testing.T) {
	c := sharedCluster(t)
	f := cut("one-way", nemesis.Graph{"n1": {"n2"}})
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	requireCut(t, c, "n2", "n1", "n3")
	for _, m := range evidence.Measurements {
		if m.Subject == "n2→n1" {
			require.Equal(t, "probes arrived", m.What, "the way back is shown to carry probes")
		}
	}
	before := hear(t, clientOf(c, "n1")).UDP["n2"]
	for ctx := within(t); hear(t, clientOf(c, "n1")).UDP["n2"] == before; {
		require.NoError(t, ctx.Err(), "the way back is open")
	}
	require.Zero(t, hear(t, clientOf(c, "n1")).SendErrors, "a sender must not see that it is cut")
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
	requireOpen(t, c, "n2", "n1")
}

func TestOverlappingCutsEndOneByOne(t *testing.T) {
	c := sharedCluster(t)
	narrow := cut("narrow", nemesis.Graph{"n1": {"n2"}})
	wide := cut("wide", nemesis.Graph{"n1": {"n2", "n3"}})
	evidence, err := inject(t, c, narrow)
	shown(t, evidence, err)
	evidence, err = inject(t, c, wide)
	shown(t, evidence, err)
	requireCut(t, c, "n3", "n1", "n2")

	evidence, err = heal(t, c, wide)
	shown(t, evidence, err)
	requireOpen(t, c, "n3", "n1")
	requireCut(t, c, "n2", "n1", "n3")

	evidence, err = heal(t, c, narrow)
	shown(t, evidence, err)
	requireOpen(t, c, "n2", "n1")
}

func TestHealingTwiceOrNothingIsNoError(t *testing.T) {
	c := sharedCluster(t)
	f := cut("never", nemesis.Graph{"n1": {"n2"}})
	evidence, err := heal(t, c, f)
	shown(t, evidence, err)
	evidence, err = heal(t, c, nemesis.Fault{ID: "k", Kind: nemesis.Kill, Nodes: []string{"n1"}})
	shown(t, evidence, err)
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	c := sharedCluster(t)
	for _, f := range []nemesis.Fault{
		cut("empty", nil),
		cut("stranger", nemesis.Graph{"n1": {"n9"}}),
		{ID: "nobody", Kind: nemesis.Kill},
		{ID: "stranger", Kind: nemesis.Kill, Nodes: []string{"n9"}},
		{ID: "unknown", Kind: "earthquake"},
	} {
		_, err := inject(t, c, f)
		require.ErrorIs(t, err, nemesis.ErrPrecondition, "%+v", f)
	}
}
