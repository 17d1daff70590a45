package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker"
	"ordeal/harness/plan"
	"ordeal/nemesis"
)

// Containers leave nothing out, and say so; the simulator does, and a plan may list nothing.
func TestContainersSayThatTheyLeaveNothingOut(t *testing.T) {
	containers := place{engine: new(docker.Engine)}
	p := plan.Default()
	var told strings.Builder
	containers.tellOmissions(&told, p)
	p.Simulation.Lose = []nemesis.Datagram{{From: "n1", To: "n2"}}
	p.Simulation.Mute = []nemesis.Timer{{Node: "n1"}}
	place{}.tellOmissions(&told, p)
	require.Empty(t, told.String())
	containers.tellOmissions(&told, p)
	require.Equal(t, "note: the scenario lists 2 datagrams and timers to be left out, which only the "+
		"simulator can (--env sim): nothing is left out here\n", told.String())

	r := recorded{plan: p}
	require.Zero(t, r.slowed().Simulation.Omissions(), "a run of containers left nothing out")
}
