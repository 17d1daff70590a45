package docker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// requireSilent watches, from the nodes' side, what a receiver hears of a sender while it hears ten
// datagrams of another, and requires that it is nothing. Bytes over TCP that were on their way when
// the sender was paused may be read late, so a first look comes before.
func requireSilent(t *testing.T, c *Cluster, receiver, silent, audible string) {
	t.Helper()
	ctx := within(t)
	hearTen := func() heard {
		before := hear(t, clientOf(c, receiver))
		now := before
		for now.UDP[audible] < before.UDP[audible]+10 {
			require.NoError(t, ctx.Err())
			now = hear(t, clientOf(c, receiver))
		}
		return now
	}
	before := hearTen()
	now := hearTen()
	require.Equal(t, before.UDP[silent], now.UDP[silent], "datagrams of %s at %s", silent, receiver)
	require.Equal(t, before.TCP[silent], now.TCP[silent], "bytes of %s at %s", silent, receiver)
}

func TestPausedNodesStandStillAndGoOn(t *testing.T) {
	c := sharedCluster(t)
	exits := listen(t, c)
	for _, victims := range [][]string{{"n1"}, {"n1", "n2"}, {"n1", "n2", "n3"}} {
		for _, node := range victims { // what only this life of it knows
			_, err := clientOf(c, node).ask(t.Context(), "POST", "/manners", "paused once")
			require.NoError(t, err)
		}
		f := faultOf(nemesis.Pause, "p", victims...)
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		for _, node := range victims {
			of := measured(evidence, node)
			require.Equal(t, "running", of["state before"])
			require.Equal(t, "paused", of["state during"])
			require.Regexp(t, `^-?0\.0 ms in \d+\.\d\d s$`, of["CPU time during"])
			require.Error(t, probe(t, c, node))
		}
		if len(victims) == 1 {
			requireSilent(t, c, "n3", "n1", "n2")
		}
		evidence, err = heal(t, c, f)
		shown(t, evidence, err)
		for _, node := range victims {
			of := measured(evidence, node)
			require.Equal(t, "paused", of["state end"])
			require.Regexp(t, `^0\.0 ms in \d+\.\d\d s$`, of["CPU time end"])
			require.Equal(t, "running", of["state after"])
			require.Regexp(t, `^after \d+ ms$`, of["ready after"])
			require.NotContains(t, of, "packets arrived end", "toy nodes keep TCP connections")
			manners, err := clientOf(c, node).ask(t.Context(), "GET", "/manners", "")
			require.NoError(t, err)
			require.Equal(t, "paused once", manners, "it is the same life")
		}
	}
	require.Empty(t, *exits)
	requireOpen(t, c, "n3", "n1")
}

func TestOverlappingPausesEndWithTheLast(t *testing.T) {
	c := sharedCluster(t)
	one, two := faultOf(nemesis.Pause, "one", "n1"), faultOf(nemesis.Pause, "two", "n1", "n2")
	evidence, err := inject(t, c, one)
	shown(t, evidence, err)
	evidence, err = inject(t, c, two)
	shown(t, evidence, err)
	require.Equal(t, "paused", measured(evidence, "n1")["state before"])
	three := faultOf(nemesis.Pause, "three", "n1", "n2")
	_, err = inject(t, c, three)
	require.ErrorIs(t, err, nemesis.ErrPrecondition, "nobody is left to pause")
	evidence, err = heal(t, c, three)
	shown(t, evidence, err)
	require.Empty(t, evidence.Measurements)

	evidence, err = heal(t, c, one)
	shown(t, evidence, err)
	require.Equal(t, "still paused for two", measured(evidence, "n1")["state after"])
	require.Error(t, probe(t, c, "n1"))
	evidence, err = heal(t, c, two)
	shown(t, evidence, err)
	require.NoError(t, probe(t, c, "n1"))
	require.NoError(t, probe(t, c, "n2"))
}

// Dead nodes are not paused, also when they come back during the pause.
func TestDeadNodesAreNotPaused(t *testing.T) {
	c := sharedCluster(t)
	evidence, err := inject(t, c, kill("k", "n1"))
	shown(t, evidence, err)
	_, err = inject(t, c, faultOf(nemesis.Pause, "none", "n1"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	f := faultOf(nemesis.Pause, "p", "n1", "n2")
	evidence, err = inject(t, c, f)
	shown(t, evidence, err)
	require.Equal(t, map[string]string{"state before": "dead (exit code 137)"},
		measured(evidence, "n1"))
	evidence, err = heal(t, c, kill("k", "n1"))
	shown(t, evidence, err)
	require.NoError(t, probe(t, c, "n1"))
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
	require.Empty(t, measured(evidence, "n1"))
	require.NoError(t, probe(t, c, "n2"))
}

// A paused node can be killed and wiped. Its next life runs, and there is nothing left to heal.
func TestPausedNodesCanBeKilled(t *testing.T) {
	c := sharedCluster(t)
	exits := listen(t, c)
	paused, killing := faultOf(nemesis.Pause, "p", "n1"), kill("k", "n1")
	for _, order := range [][]nemesis.Fault{{paused, killing}, {killing, paused}} {
		evidence, err := inject(t, c, paused)
		shown(t, evidence, err)
		evidence, err = inject(t, c, killing)
		shown(t, evidence, err)
		require.Equal(t, "paused", measured(evidence, "n1")["state before"])
		require.Equal(t, "dead (exit code 137)", measured(evidence, "n1")["state during"])
		for _, f := range order {
			evidence, err = heal(t, c, f)
			shown(t, evidence, err)
			if f.Kind == nemesis.Pause {
				require.Equal(t, map[string]string{"state end": "ended by another fault"},
					measured(evidence, "n1"))
			}
		}
		require.NoError(t, probe(t, c, "n1"))
	}
	require.Empty(t, *exits)
}

// A stop leaves paused nodes alone.
func TestPausedNodesAreNotStopped(t *testing.T) {
	c := sharedCluster(t)
	paused := faultOf(nemesis.Pause, "p", "n1")
	evidence, err := inject(t, c, paused)
	shown(t, evidence, err)
	_, err = inject(t, c, faultOf(nemesis.Stop, "none", "n1"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	stopped := faultOf(nemesis.Stop, "s", "n1", "n2")
	evidence, err = inject(t, c, stopped)
	shown(t, evidence, err)
	require.Equal(t, map[string]string{"state before": "paused"}, measured(evidence, "n1"))
	evidence, err = heal(t, c, stopped)
	shown(t, evidence, err)
	require.Empty(t, measured(evidence, "n1"))
	require.NoError(t, probe(t, c, "n2"))
	require.Error(t, probe(t, c, "n1"))
	evidence, err = heal(t, c, paused)
	shown(t, evidence, err)
	require.NoError(t, probe(t, c, "n1"))
}

// A cut is proved by the agents, which go on beside a paused node.
func TestPauseAndPartition(t *testing.T) {
	c := sharedCluster(t)
	paused := faultOf(nemesis.Pause, "p", "n1")
	parted := cut("c", nemesis.Graph{"n1": {"n2"}, "n2": {"n1"}})
	evidence, err := inject(t, c, paused)
	shown(t, evidence, err)
	evidence, err = inject(t, c, parted)
	shown(t, evidence, err)
	evidence, err = heal(t, c, paused)
	shown(t, evidence, err)
	requireCut(t, c, "n2", "n1", "n3")
	evidence, err = heal(t, c, parted)
	shown(t, evidence, err)
	requireOpen(t, c, "n2", "n1")
}

// A fault that somebody else has undone meanwhile is not shown, and its heal succeeds all the same.
func TestFaultsThatWereUndoneAreNotShown(t *testing.T) {
	c := sharedCluster(t)
	api, n1 := c.engine.api, c.byName["n1"]
	paused := faultOf(nemesis.Pause, "p", "n1")
	// spoiled injects a fault, spoils it, and returns what its heal does not show.
	spoiled := func(f nemesis.Fault, spoil func()) []string {
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		spoil()
		evidence, err = heal(t, c, f)
		require.NoError(t, err)
		require.False(t, evidence.Shown)
		require.NoError(t, probe(t, c, "n1"))
		return unshown(evidence)
	}
	thawed := func() {
		require.NoError(t, api.ContainerUnpause(t.Context(), n1.container))
		before := hear(t, clientOf(c, "n1"))
		for ctx := within(t); hear(t, clientOf(c, "n1")).UDP["n2"] < before.UDP["n2"]+10; {
			require.NoError(t, ctx.Err())
		}
	}
	require.Equal(t, []string{"state end", "CPU time end"}, spoiled(paused, thawed))
	require.Equal(t, []string{"CPU time end"}, spoiled(paused, func() {
		thawed()
		require.NoError(t, api.ContainerPause(t.Context(), n1.container))
	}))
	require.Equal(t, []string{"state end"}, spoiled(kill("k", "n1"), func() {
		require.NoError(t, c.startContainer(t.Context(), n1.container))
	}))

	// A kill from outside is news, and no fault's.
	exits := listen(t, c)
	evidence, err := inject(t, c, paused)
	shown(t, evidence, err)
	require.NoError(t, api.ContainerKill(t.Context(), n1.container, "SIGKILL"))
	for ctx := within(t); len(*exits) == 0; {
		require.NoError(t, c.Step(ctx))
	}
	evidence, err = heal(t, c, paused)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"state end": "ended by no fault (exit code 137)"},
		measured(evidence, "n1"))
	require.False(t, evidence.Shown)
	require.NoError(t, c.startAndWait(within(t), n1))
}

// All that overlaps begins and ends at the very same time.
func TestFaultsOfAllKindsAtTheSameTime(t *testing.T) {
	c := sharedCluster(t)
	for range 3 {
		faults := []nemesis.Fault{
			cut("c", nemesis.Graph{"n1": {"n2", "n3"}, "n2": {"n1"}}),
			kill("k", "n1", "n2"), faultOf(nemesis.Stop, "s", "n2", "n3"),
			faultOf(nemesis.Pause, "p", "n1", "n3"), faultOf(nemesis.Pause, "q", "n3"),
		}
		happened := make(map[string]bool)
		left := len(faults)
		for _, f := range faults {
			c.Inject(f, func(evidence history.Evidence, err error) {
				left--
				if happened[f.ID] = err == nil; err == nil {
					shown(t, evidence, err)
					return
				}
				require.ErrorIs(t, err, nemesis.ErrPrecondition, f.ID)
			})
		}
		for ctx := within(t); left > 0; {
			require.NoError(t, c.Step(ctx))
		}
		require.True(t, happened["c"] && happened["k"])
		left = len(faults)
		for _, f := range faults {
			c.Heal(f, func(evidence history.Evidence, err error) {
				left--
				shown(t, evidence, err)
			})
		}
		for ctx := within(t); left > 0; {
			require.NoError(t, c.Step(ctx))
		}
		for _, node := range c.Nodes() {
			require.NoError(t, probe(t, c, node))
		}
	}
}
