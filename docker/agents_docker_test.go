package docker

import (
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

func TestCutOutlivesTheWorker(t *testing.T) {
	c := sharedCluster(t)
	f := cut("worker", nemesis.Graph{"n1": {"n2"}})
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	n2 := c.byName["n2"]
	before, err := n2.beside.ask(t.Context())
	require.NoError(t, err)

	killer, err := c.engine.api.ContainerExecCreate(t.Context(), n2.agent, container.ExecOptions{
		Cmd: []string{programPath, "kill-worker"},
	})
	require.NoError(t, err)
	err = c.engine.api.ContainerExecStart(t.Context(), killer.ID, container.ExecStartOptions{})
	require.NoError(t, err)
	after := before
	for ctx := within(t); after.Worker == before.Worker || after.Sent < probesMin; {
		require.NoError(t, ctx.Err(), "no new worker")
		after, err = n2.beside.ask(ctx)
		require.NoError(t, err)
	}

	require.True(t, after.Peers["n1"].Cut, "the new worker has adopted the rule")
	require.GreaterOrEqual(t, after.Peers["n1"].Dropped, before.Peers["n1"].Dropped,
		"the rule is the old one, with its count")
	requireCut(t, c, "n2", "n1", "n3")
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
	requireOpen(t, c, "n2", "n1")
}

func TestContainersAreHardened(t *testing.T) {
	c := sharedCluster(t)
	for _, n := range c.nodes {
		node, err := c.engine.api.ContainerInspect(t.Context(), n.container)
		require.NoError(t, err)
		agent, err := c.engine.api.ContainerInspect(t.Context(), n.agent)
		require.NoError(t, err)

		for _, details := range []container.InspectResponse{node, agent} {
			require.EqualValues(t, []string{"ALL"}, details.HostConfig.CapDrop)
			require.True(t, details.HostConfig.ReadonlyRootfs)
			require.False(t, details.HostConfig.Privileged)
			require.Contains(t, details.HostConfig.SecurityOpt, "no-new-privileges")
			require.NotZero(t, details.HostConfig.Memory)
			require.NotZero(t, *details.HostConfig.PidsLimit)
			require.Equal(t, c.config.RunID, details.Config.Labels[labelRun])
			require.Equal(t, n.member.Name, details.Config.Labels[labelNode])
			require.Equal(t, currentOwner().String(), details.Config.Labels[labelOwner])
		}
		require.Empty(t, node.HostConfig.CapAdd)
		require.Equal(t, "65532:65532", node.Config.User)
		require.Empty(t, node.HostConfig.PortBindings)
		require.Equal(t, "container:"+n.agent, string(node.HostConfig.NetworkMode))
		require.Len(t, agent.HostConfig.CapAdd, 1)
		require.Contains(t, agent.HostConfig.CapAdd[0], "NET_ADMIN")
		require.Equal(t, "none", agent.HostConfig.LogConfig.Type)
		for _, bindings := range agent.HostConfig.PortBindings {
			require.Equal(t, "127.0.0.1", bindings[0].HostIP)
		}
	}
}

// Where the bridge is not on this machine, clients go through the published port.
func TestPublishedPortLeadsToTheNode(t *testing.T) {
	c := sharedCluster(t)
	away := &Cluster{engine: c.engine, config: c.config}
	n := &node{member: c.byName["n2"].member, agent: c.byName["n2"].agent}
	require.NoError(t, away.locate(t.Context(), n))
	require.True(t, n.endpoint.Forwarded)
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, n.endpoint.Address)
	require.NoError(t, newToyClient(n.endpoint.Address).Ready(t.Context()))
}

func TestForeignBridgesAreNotDialled(t *testing.T) {
	require.False(t, isBridgeHere("", "172.17.0.1"))
	require.False(t, isBridgeHere("0123456789abcdef", "127.0.0.1"), "the address alone is not it")
}
