package docker

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

// What is empty at the first look is not the node's disk, or nothing that it would miss.
func TestFirstWipeMustRemoveSomething(t *testing.T) {
	c, f := newFakeNodes(t, 1)
	for _, test := range []struct {
		said  string
		shows bool
	}{
		{`{"removed": 0, "left": 0}`, false},
		{`{"removed": 0, "left": 0}`, false}, // the first one was none
		{`{"removed": 3, "left": 1, "error": "no"}`, false},
		{`{"removed": 1, "left": 0}`, true},
		{`{"removed": 0, "left": 0}`, true},
	} {
		f.wipers = test.said
		wipe := faultOf(nemesis.Wipe, "w", "n1")
		evidence, err := c.wipe(t.Context(), wipe)
		require.NoError(t, err)
		require.Equal(t, test.shows, evidence.Shown, "%+v", evidence.Measurements)
		if !test.shows {
			require.Equal(t, []string{"files during"}, unshown(evidence))
		}
		evidence, err = c.revive(t.Context(), wipe)
		shown(t, evidence, err)
	}
	require.Contains(t, f.asked, "remove ordeal-"+c.config.RunID+"-n1-wipe5")
}

// A wipe that is given up does not leave what wipes to go on.
func TestWipeThatIsGivenUpIsEnded(t *testing.T) {
	c, f := newFakeNodes(t, 1)
	wiper := "ordeal-" + c.config.RunID + "-n1-wipe1"
	ctx, cancel := context.WithCancel(t.Context())
	f.stepIn = func(what string, _ http.ResponseWriter, _ *http.Request) bool {
		if what == "start "+wiper {
			cancel()
		}
		return false
	}
	_, err := c.wipe(ctx, faultOf(nemesis.Wipe, "w", "n1"))
	require.ErrorIs(t, err, context.Canceled)
	_, there := f.stateOf(wiper)
	require.False(t, there, "it is removed")
}

// A node is not started while something may be emptying its disk.
func TestNodeIsNotStartedBesideItsWiper(t *testing.T) {
	c, f := newFakeNodes(t, 1)
	wiper := "ordeal-" + c.config.RunID + "-n1-wipe1"
	ctx, cancel := context.WithTimeout(t.Context(), overtaking)
	defer cancel()
	f.all[wiper] = &fakeContainer{made: true, state: container.State{Running: true}}
	n := c.byName["n1"]
	refuses := true
	f.stepIn = func(what string, w http.ResponseWriter, _ *http.Request) bool {
		if refuses && what == "remove "+wiper {
			refuse(w, http.StatusInternalServerError, "device busy")
			return true
		}
		return false
	}
	wipe := faultOf(nemesis.Wipe, "w", "n1")
	evidence, err := c.kill(t.Context(), wipe)
	shown(t, evidence, err)
	n.wiper = wiper // as after a wipe that was given up
	f.forget()
	_, err = c.revive(ctx, wipe)
	require.Error(t, err)
	require.True(t, f.wasAsked("remove "+wiper))
	require.False(t, f.wasAsked("start c1"))

	refuses = false
	f.forget()
	evidence, err = c.revive(t.Context(), wipe)
	shown(t, evidence, err)
	require.Equal(t, "running", measured(evidence, "n1")["state after"])
	require.Less(t, strings.Index(strings.Join(f.asked, "; "), "remove "+wiper),
		strings.Index(strings.Join(f.asked, "; "), "start c1"))
}

// One that has ended and cannot be removed is in nobody's way.
func TestWiperThatHasEndedIsNotWaitedFor(t *testing.T) {
	c, f := newFakeNodes(t, 1)
	f.wipers = `{"removed": 3, "left": 0}`
	f.stepIn = func(what string, w http.ResponseWriter, _ *http.Request) bool {
		if strings.HasPrefix(what, "remove ") {
			refuse(w, http.StatusInternalServerError, "device busy")
			return true
		}
		return false
	}
	wipe := faultOf(nemesis.Wipe, "w", "n1")
	evidence, err := c.wipe(t.Context(), wipe)
	shown(t, evidence, err)
	evidence, err = c.revive(t.Context(), wipe)
	shown(t, evidence, err)
}

// What a failed wipe leaves at work is remembered.
func TestWiperThatCannotBeEndedIsRemembered(t *testing.T) {
	c, f := newFakeNodes(t, 1)
	n := c.byName["n1"]
	n.wiper = "w"
	f.all["w"] = &fakeContainer{made: true, state: container.State{Running: true}}
	refuses := true
	f.stepIn = func(what string, w http.ResponseWriter, _ *http.Request) bool {
		if refuses && what == "remove w" {
			refuse(w, http.StatusInternalServerError, "device busy")
			return true
		}
		return false
	}
	ctx, cancel := context.WithTimeout(t.Context(), overtaking)
	defer cancel()
	require.Error(t, c.endWiper(ctx, n))
	require.Equal(t, "w", n.wiper)
	refuses = false
	require.NoError(t, c.endWiper(t.Context(), n))
	require.Empty(t, n.wiper)
	_, there := f.stateOf("w")
	require.False(t, there)
}
