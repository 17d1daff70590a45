package docker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// faultOf is a fault of a kind that has victims.
func faultOf(kind nemesis.Kind, id string, nodes ...string) nemesis.Fault {
	return nemesis.Fault{ID: id, Kind: kind, Nodes: nodes}
}

// measured returns what was measured of a node, the value of each thing by its name and time, such
// as "state during".
func measured(evidence history.Evidence, node string) map[string]string {
	values := make(map[string]string)
	for _, m := range evidence.Measurements {
		if m.Subject == node {
			values[m.What+" "+m.When] = m.Value
		}
	}
	return values
}

// unshown returns the names of the things that were measured and do not show what was meant.
func unshown(evidence history.Evidence) []string {
	var names []string
	for _, m := range evidence.Measurements {
		if !m.Shows {
			names = append(names, m.What+" "+m.When)
		}
	}
	return names
}

// mind tells a toy node what to do when it is told to end; its next life knows nothing of it.
func mind(t *testing.T, c *Cluster, node, manners string) {
	t.Helper()
	_, err := clientOf(c, node).ask(t.Context(), "POST", "/manners", manners)
	require.NoError(t, err)
}

// listen has the exits told that nobody asked for, for the rest of the test.
func listen(t *testing.T, c *Cluster) *[]toldExit {
	t.Helper()
	told := new([]toldExit)
	c.OnExit(func(node, detail string, byItself bool) {
		*told = append(*told, toldExit{node, detail, byItself})
	})
	t.Cleanup(func() { c.OnExit(nil) })
	return told
}

func TestStoppedNodesEndInOrderAndComeBack(t *testing.T) {
	c := sharedCluster(t)
	exits := listen(t, c)
	value := history.NewValue("kept through a stop")
	write := history.Operation{Node: "n1", Kind: history.Write, Value: value}
	require.Equal(t, history.OK, ask(t, c, write).Outcome)
	for _, victims := range [][]string{{"n1"}, {"n2", "n3"}, {"n1", "n2", "n3"}} {
		f := faultOf(nemesis.Stop, "s", victims...)
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		for _, node := range victims {
			of := measured(evidence, node)
			require.Equal(t, "running", of["state before"])
			require.Equal(t, "dead (exit code 0)", of["state during"])
			require.Regexp(t, `^\d+ ms after SIGTERM$`, of["end during"])
			require.Error(t, probe(t, c, node))
		}
		evidence, err = heal(t, c, f)
		shown(t, evidence, err)
		for _, node := range victims {
			require.NoError(t, probe(t, c, node))
		}
	}
	read := ask(t, c, history.Operation{Node: "n1", Kind: history.Read})
	require.Equal(t, value, read.Returned)
	require.Empty(t, *exits, "what was asked for is no news")
}

// A node that does not end is killed, so that it is not in the way, but that was no stop.
func TestDeafNodeIsKilledAndTheStopDoesNotCount(t *testing.T) {
	c := sharedCluster(t)
	exits := listen(t, c)
	mind(t, c, "n2", "deaf")
	f := faultOf(nemesis.Stop, "s", "n2")
	evidence, err := inject(t, c, f)
	require.NoError(t, err)
	require.False(t, evidence.Shown)
	of := measured(evidence, "n2")
	require.Equal(t, "it did not end within 5s of SIGTERM, and was killed", of["end during"])
	require.Equal(t, "dead (exit code 137)", of["state during"])
	require.Equal(t, []string{"end during", "state during"}, unshown(evidence))
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
	require.NoError(t, probe(t, c, "n2"))
	require.Empty(t, *exits)
}

// A node that fails on its way out has failed by itself.
func TestFailureOnTheWayOutIsNews(t *testing.T) {
	c := sharedCluster(t)
	exits := listen(t, c)
	mind(t, c, "n3", "sour")
	f := faultOf(nemesis.Stop, "s", "n3")
	evidence, err := inject(t, c, f)
	require.NoError(t, err)
	require.Equal(t, []string{"state during"}, unshown(evidence))
	for ctx := within(t); len(*exits) == 0; {
		require.NoError(t, c.Step(ctx))
	}
	require.Equal(t,
		[]toldExit{{"n3", "exit code 9: the toy node does not like to end", true}}, *exits)
	evidence, err = heal(t, c, f)
	shown(t, evidence, err)
}

// Whichever fault comes first ends the node, and the last one that is healed starts it again.
func TestStopAndKillOfOneNode(t *testing.T) {
	c := sharedCluster(t)
	stopped, killing := faultOf(nemesis.Stop, "s", "n1", "n2"), kill("k", "n1")
	for _, order := range [][]nemesis.Fault{{stopped, killing}, {killing, stopped}} {
		if order[0].Kind == nemesis.Kill {
			order[0].Nodes = []string{"n1"}
		}
		evidence, err := inject(t, c, order[0])
		shown(t, evidence, err)
		evidence, err = inject(t, c, order[1])
		if order[1].Kind == nemesis.Kill {
			require.ErrorIs(t, err, nemesis.ErrPrecondition, "it is dead already")
		} else {
			shown(t, evidence, err)
		}
		for _, f := range order {
			evidence, err = heal(t, c, f)
			shown(t, evidence, err)
		}
		require.NoError(t, probe(t, c, "n1"))
		require.NoError(t, probe(t, c, "n2"))
	}
}

// A node that was just started may be told to stop before its program can hear it: Go programs take
// some time until they handle SIGTERM, and without that they end with 2, as after a crash.
func TestStopOfANodeThatIsStartingIsNoNews(t *testing.T) {
	c := startCluster(t, registerConfig(t, 3))
	exits := listen(t, c)
	for range 8 {
		killed, stopped := faultOf(nemesis.Kill, "k", "n1"), faultOf(nemesis.Stop, "s", "n1")
		evidence, err := inject(t, c, killed)
		shown(t, evidence, err)
		healed, injected := false, false
		c.Heal(killed, func(_ history.Evidence, err error) {
			healed = true
			if err != nil {
				t.Error(err)
			}
		})
		require.Eventually(t, func() bool { return !c.byName["n1"].current().over() },
			30*time.Second, time.Millisecond, "the heal starts the container")
		c.Inject(stopped, func(e history.Evidence, err error) {
			evidence, injected = e, true
			if err != nil {
				t.Error(err)
			}
		})
		await(t, c, &injected)
		await(t, c, &healed)
		require.True(t, evidence.Shown, "%+v", evidence.Measurements)
		evidence, err = heal(t, c, stopped)
		shown(t, evidence, err)
	}
	require.Empty(t, *exits)
}
