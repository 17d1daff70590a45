package docker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// kill is a kill of the given nodes.
func kill(id string, nodes ...string) nemesis.Fault {
	return nemesis.Fault{ID: id, Kind: nemesis.Kill, Nodes: nodes}
}

// ask runs one operation over the environment.
func ask(t *testing.T, c *Cluster, op history.Operation) history.Result {
	t.Helper()
	var result history.Result
	done := false
	c.Invoke(op, 2*time.Second, func(r history.Result) { result, done = r, true })
	await(t, c, &done)
	return result
}

// probe asks a node whether it serves.
func probe(t *testing.T, c *Cluster, node string) (err error) {
	t.Helper()
	done := false
	c.Probe(node, func(failed error) { err, done = failed, true })
	await(t, c, &done)
	return err
}

func TestKilledNodeKeepsItsDisk(t *testing.T) {
	c := sharedCluster(t)
	value := history.NewValue("kept")
	write := history.Operation{Node: "n1", Kind: history.Write, Value: value}
	require.Equal(t, history.OK, ask(t, c, write).Outcome)

	evidence, err := inject(t, c, kill("k", "n1"))
	shown(t, evidence, err)
	require.Error(t, probe(t, c, "n1"))
	require.NoError(t, probe(t, c, "n2"))
	evidence, err = heal(t, c, kill("k", "n1"))
	shown(t, evidence, err)

	require.NoError(t, probe(t, c, "n1"))
	read := ask(t, c, history.Operation{Node: "n1", Kind: history.Read})
	require.Equal(t, value, read.Returned)
}

func TestOverlappingKillsEndWithTheLast(t *testing.T) {
	c := sharedCluster(t)
	evidence, err := inject(t, c, kill("one", "n1"))
	shown(t, evidence, err)
	evidence, err = inject(t, c, kill("two", "n1", "n2"))
	shown(t, evidence, err)
	_, err = inject(t, c, kill("three", "n1", "n2"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition, "nobody is left to kill")

	evidence, err = heal(t, c, kill("one", "n1"))
	shown(t, evidence, err)
	require.Error(t, probe(t, c, "n1"), "the second fault keeps it dead")

	evidence, err = heal(t, c, kill("two", "n1", "n2"))
	shown(t, evidence, err)
	require.NoError(t, probe(t, c, "n1"))
	require.NoError(t, probe(t, c, "n2"))
}

func TestCutsBiteAfterRestarts(t *testing.T) {
	c := sharedCluster(t)
	for range 3 {
		evidence, err := inject(t, c, kill("again", "n2"))
		shown(t, evidence, err)
		evidence, err = heal(t, c, kill("again", "n2"))
		shown(t, evidence, err)
	}
	requireCutBothWaysBites(t, c, "after")
}

// A node that is killed and started while it is cut off must not get out of the cut by that.
func TestCutHoldsThroughARestart(t *testing.T) {
	c := sharedCluster(t)
	f := cut("through", nemesis.Graph{"n1": {"n2"}})
	evidence, err := inject(t, c, f)
	shown(t, evidence, err)
	evidence, err = inject(t, c, kill("k", "n2"))
	shown(t, evidence, err)
	evidence, err = heal(t, c, kill("k", "n2"))
	shown(t, evidence, err)
	requireCut(t, c, "n2", "n1", "n3")
	require.Zero(t, hear(t, clientOf(c, "n2")).UDP["n1"], "it has heard nothing since its start")
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
	requireOpen(t, c, "n2", "n1")
}

func TestUnaskedExitsAreReported(t *testing.T) {
	c := sharedCluster(t)
	var exits []string
	c.OnExit(func(node, detail string, byItself bool) {
		exits = append(exits, fmt.Sprintf("%s: %s: %v", node, detail, byItself))
	})
	defer c.OnExit(nil)
	// restart starts the dead node by hand: no fault is to blame, so none can be healed.
	restart := func() {
		require.NoError(t, c.startAndWait(within(t), c.byName["n3"]))
	}
	awaitExit := func() {
		for ctx := within(t); len(exits) == 0; {
			require.NoError(t, c.Step(ctx))
		}
	}

	evidence, err := inject(t, c, kill("asked", "n3"))
	shown(t, evidence, err)
	evidence, err = heal(t, c, kill("asked", "n3"))
	shown(t, evidence, err)
	require.Empty(t, exits, "a kill is no news")

	_, err = clientOf(c, "n3").ask(t.Context(), "POST", "/crash", "")
	require.Error(t, err)
	awaitExit()
	require.Equal(t, []string{"n3: exit code 3: the toy node was told to crash: true"}, exits)
	_, err = inject(t, c, kill("late", "n3"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	restart()

	exits = nil
	_, err = clientOf(c, "n3").ask(t.Context(), "POST", "/gorge", "")
	require.Error(t, err)
	awaitExit()
	require.Contains(t, exits[0], "killed by the kernel for needing more than 192MiB of memory")
	require.Contains(t, exits[0], ": true")
	restart()

	exits = nil
	n3 := c.byName["n3"]
	require.NoError(t, c.engine.api.ContainerKill(t.Context(), n3.container, "SIGKILL"))
	awaitExit()
	require.Contains(t, exits[0], "n3: exit code 137")
	require.Contains(t, exits[0], ": false", "somebody else killed it")
	restart()
}

func TestOperationOfUnknownNodeFails(t *testing.T) {
	c := sharedCluster(t)
	result := ask(t, c, history.Operation{Node: "n9", Kind: history.Read})
	require.Equal(t, history.Fail, result.Outcome)
	require.Error(t, probe(t, c, "n9"))
}

// Faults that begin and end at the very same time do not spoil each other's evidence.
func TestFaultsAtTheSameTime(t *testing.T) {
	c := sharedCluster(t)
	faults := []nemesis.Fault{
		cut("wide", nemesis.Graph{"n1": {"n2", "n3"}, "n2": {"n1"}}),
		cut("narrow", nemesis.Graph{"n1": {"n2"}}),
		kill("first", "n1", "n2"),
		kill("second", "n2", "n3"),
	}
	for _, change := range []func(nemesis.Fault, func(history.Evidence, error)){
		c.Inject, c.Heal,
	} {
		left := len(faults)
		for _, f := range faults {
			change(f, func(evidence history.Evidence, err error) {
				shown(t, evidence, err)
				left--
			})
		}
		for ctx := within(t); left > 0; {
			require.NoError(t, c.Step(ctx))
		}
	}
	for _, node := range c.Nodes() {
		require.NoError(t, probe(t, c, node))
	}
	requireOpen(t, c, "n2", "n1")
	requireOpen(t, c, "n3", "n1")
	requireOpen(t, c, "n1", "n2")
}
