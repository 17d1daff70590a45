package docker

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/require"

	"ordeal/docker/agent"
	"ordeal/history"
	"ordeal/nemesis"
)

// droppedMany is about two seconds' worth of what the toy node and the agent send.
const droppedMany = 200

func TestCutOutlivesTheWorker(t *testing.T) {
	c := sharedCluster(t)
	f := cut("worker", nemesis.Graph{"n1": {"n2"}})
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	n2 := c.byName["n2"]
	// So many are dropped that a new rule, with a count of its own, could not have come to as many
	// by the new worker's first report.
	var before agent.Report
	for ctx := within(t); before.Peers["n1"].Dropped < droppedMany; {
		before, err = n2.beside.ask(ctx)
		require.NoError(t, err)
	}

	killWorkerOf(t, c, n2)
	last := before
	for ctx := within(t); last.Worker == before.Worker || last.Sent < probesMin; {
		require.NoError(t, ctx.Err(), "no new worker")
		now, err := n2.beside.ask(ctx)
		require.NoError(t, err)
		require.True(t, now.Peers["n1"].Cut, "each worker has the rule")
		require.GreaterOrEqual(t, now.Peers["n1"].Dropped, last.Peers["n1"].Dropped,
			"it is the same rule all the time, with its count")
		last = now
	}
	requireCut(t, c, "n2", "n1", "n3")
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
	requireOpen(t, c, "n2", "n1")
}

// killWorkerOf kills the worker of a node's agent, as any process on the engine's machine can be
// killed: by SIGKILL and its number there. Where the engine's processes are not this machine's, a
// process beside the worker does it.
func killWorkerOf(t *testing.T, c *Cluster, n *node) {
	t.Helper()
	if worker := workerOf(t, c, n, nil); worker != nil {
		require.NoError(t, worker.Kill())
		return
	}
	killer, err := c.engine.api.ContainerExecCreate(t.Context(), n.agent, container.ExecOptions{
		Cmd: []string{programPath, "kill-worker"},
	})
	require.NoError(t, err)
	err = c.engine.api.ContainerExecStart(t.Context(), killer.ID, container.ExecStartOptions{})
	require.NoError(t, err)
}

// workerOf returns the worker's process, once there is one that is not former, or nil if the
// engine's processes cannot be killed from here.
func workerOf(t *testing.T, c *Cluster, n *node, former *os.Process) *os.Process {
	t.Helper()
	for ctx := within(t); ; {
		require.NoError(t, ctx.Err(), "no worker")
		details, err := c.engine.api.ContainerInspect(ctx, n.agent)
		require.NoError(t, err)
		holder := details.State.Pid
		if !isContainersProcess(holder, n.agent) || os.Geteuid() != 0 {
			return nil
		}
		top, err := c.engine.api.ContainerTop(ctx, n.agent, []string{"-o", "pid,ppid"})
		require.NoError(t, err)
		for _, process := range top.Processes {
			pid, err := strconv.Atoi(process[0])
			require.NoError(t, err)
			if process[1] != strconv.Itoa(holder) || former != nil && pid == former.Pid {
				continue
			}
			worker, err := os.FindProcess(pid)
			require.NoError(t, err)
			return worker
		}
	}
}

// isContainersProcess tells whether a process number that an engine gives for a container is that
// container's here too, which it is when engine and test share a machine and its process numbers.
func isContainersProcess(pid int, id string) bool {
	cgroup, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return err == nil && strings.Contains(string(cgroup), id)
}

// The worker dies as the heal of its cut begins, and the next one while that goes on: the heal is
// carried out, and proved.
func TestHealsOutliveTheWorker(t *testing.T) {
	c := sharedCluster(t)
	f := cut("dying", nemesis.Graph{"n1": {"n2"}})
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	n2 := c.byName["n2"]
	before, err := n2.beside.ask(within(t))
	require.NoError(t, err)
	worker := workerOf(t, c, n2, nil)
	if worker == nil {
		t.Skip("the engine's processes are not this machine's, or not this user's to kill")
	}

	done := false
	c.Heal(f, func(e history.Evidence, failed error) { evidence, err, done = e, failed, true })
	require.NoError(t, worker.Kill())
	require.NoError(t, workerOf(t, c, n2, worker).Kill())
	await(t, c, &done)
	shown(t, evidence, err)
	after, err := n2.beside.ask(within(t))
	require.NoError(t, err)
	require.GreaterOrEqual(t, after.Worker, before.Worker+2)
	require.False(t, after.Peers["n1"].Cut)
	requireOpen(t, c, "n2", "n1")
}

func TestContainersAreHardened(t *testing.T) {
	c := sharedCluster(t)
	for _, n := range c.nodes {
		node, err := c.engine.api.ContainerInspect(t.Context(), n.container)
		require.NoError(t, err)
		beside, err := c.engine.api.ContainerInspect(t.Context(), n.agent)
		require.NoError(t, err)

		requireHardened(t, clientOf(c, n.member.Name))
		for _, details := range []container.InspectResponse{node, beside} {
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
		require.Len(t, beside.HostConfig.CapAdd, 1)
		require.Contains(t, beside.HostConfig.CapAdd[0], "NET_ADMIN")
		require.Equal(t, "none", beside.HostConfig.LogConfig.Type)
		for _, bindings := range beside.HostConfig.PortBindings {
			require.Equal(t, "127.0.0.1", bindings[0].HostIP)
		}
	}
}

// requireHardened requires that what was asked for holds inside a node.
func requireHardened(t *testing.T, client *toyClient) {
	t.Helper()
	status, err := client.ask(t.Context(), "GET", "/status", "")
	require.NoError(t, err)
	for _, set := range []string{"CapEff", "CapPrm", "CapBnd"} {
		require.Regexp(t, `(?m)^`+set+`:\s+0+$`, status)
	}
	require.Regexp(t, `(?m)^NoNewPrivs:\s+1$`, status)
	require.Regexp(t, `(?m)^Uid:\s+65532\s+65532\s`, status)
	_, err = client.ask(t.Context(), "POST", "/write-root", "")
	require.ErrorContains(t, err, "read-only file system")
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
