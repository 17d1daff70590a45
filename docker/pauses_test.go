package docker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// A kill at the same moment waits until the pause is measured: it must not get in between and pass
// for the pause's proof.
func TestPauseIsMeasuredBeforeAnotherFaultEndsIt(t *testing.T) {
	c, f := newFakeNodes(t, 2)
	killed := amidst(f, func() (history.Evidence, error) {
		return c.kill(t.Context(), kill("k", "n1"))
	})
	paused := faultOf(nemesis.Pause, "p", "n1", "n2")
	evidence, err := c.pause(t.Context(), paused)
	shown(t, evidence, err)
	for _, node := range c.Nodes() {
		require.Equal(t, "paused", measured(evidence, node)["state during"])
		require.Regexp(t, `^0\.0 ms in`, measured(evidence, node)["CPU time during"])
	}
	evidence, err = killed()
	shown(t, evidence, err)
	evidence, err = c.resume(t.Context(), paused)
	shown(t, evidence, err)
	require.Equal(t, map[string]string{"state end": "ended by another fault"},
		measured(evidence, "n1"))
}

// A pause that another fault ended counts as far as it was measured before.
func TestPauseThatWasNeverMeasuredIsNotShown(t *testing.T) {
	c, _ := newFakeNodes(t, 1)
	n := c.byName["n1"]
	p := &pausing{run: n.run}
	n.run.expect(killed)
	n.run.end(killed)
	found := c.measureFrozen(t.Context(), n, p, "during")
	require.Equal(t, []string{"state during"}, unshown(found.evidence()))
	p.began = cpuReading{at: time.Now()}
	found = c.measureFrozen(t.Context(), n, p, "end")
	shown(t, found.evidence(), nil)
}
