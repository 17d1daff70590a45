package docker

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

// A pause is believed to be possible where the node stands still and goes on.
func TestTrialOfAPause(t *testing.T) {
	reads := 0
	for name, test := range map[string]struct {
		stepIn func(what string, w http.ResponseWriter, f *fakeContainers) bool
		cannot string
	}{
		"it works": {
			func(string, http.ResponseWriter, *fakeContainers) bool { return false }, "",
		},
		"it fails after it has happened": {
			func(what string, w http.ResponseWriter, f *fakeContainers) bool {
				if what == "pause c1" {
					f.mu.Lock()
					f.all["c1"].state.Paused, f.all["c1"].state.Status = true, "paused"
					f.mu.Unlock()
					refuse(w, http.StatusInternalServerError, "timed out")
				}
				return what == "pause c1"
			}, "timed out",
		},
		"nothing happens": {
			func(what string, w http.ResponseWriter, _ *fakeContainers) bool {
				if what == "pause c1" {
					w.WriteHeader(http.StatusNoContent)
				}
				return what == "pause c1"
			}, `says "running"`,
		},
		"it runs on": {
			func(what string, w http.ResponseWriter, _ *fakeContainers) bool {
				if what == "stats c1" {
					reads++
					_, _ = fmt.Fprintf(w, `{"cpu_stats": {"cpu_usage": {"total_usage": %d}}}`,
						reads*100_000)
				}
				return what == "stats c1"
			}, "used 0.1 ms",
		},
		"nobody knows": {
			func(what string, w http.ResponseWriter, _ *fakeContainers) bool {
				if what == "stats c1" {
					_, _ = w.Write([]byte("{}"))
				}
				return what == "stats c1"
			}, "the engine does not know it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, f := newFakeNodes(t, 1)
			c.config.Kinds = []nemesis.Kind{nemesis.Pause}
			f.stepIn = func(what string, w http.ResponseWriter, _ *http.Request) bool {
				return test.stepIn(what, w, f)
			}
			require.NoError(t, c.tryPause(within(t)))
			if test.cannot == "" {
				require.NoError(t, c.Unable(nemesis.Pause))
			} else {
				require.ErrorContains(t, c.Unable(nemesis.Pause), test.cannot)
			}
			now, _ := f.stateOf("c1")
			require.Equal(t, "running", now.Status)
			require.False(t, now.Paused)
		})
	}
}

// A start that is given up in the midst of the trial lets the node go on.
func TestTrialOfAPauseThatIsGivenUp(t *testing.T) {
	c, f := newFakeNodes(t, 1)
	c.config.Kinds = []nemesis.Kind{nemesis.Pause}
	ctx, cancel := context.WithCancel(t.Context())
	f.stepIn = func(what string, _ http.ResponseWriter, _ *http.Request) bool {
		if what == "stats c1" {
			cancel()
		}
		return false
	}
	require.ErrorIs(t, c.tryPause(ctx), context.Canceled)
	now, _ := f.stateOf("c1")
	require.False(t, now.Paused)
	require.NoError(t, c.Unable(nemesis.Pause))
}

// A wipe is believed to be possible where a container can empty a directory and say so.
func TestTrialOfAWipe(t *testing.T) {
	for name, test := range map[string]struct {
		wipers, refused, cannot string
	}{
		"it works":          {`{"removed": 0, "left": 0}`, "", ""},
		"it cannot be made": {`{"removed": 0, "left": 0}`, "create", "making the container for it"},
		"it cannot be run":  {`{"removed": 0, "left": 0}`, "start", "starting the container for it"},
		"it fails":          {`{"removed": 0, "left": 0, "error": "denied"}`, "", "denied"},
		"it is unknown":     {"ordeal: unknown command \"wipe\"", "", `exit code 0: "ordeal: unknown`},
	} {
		t.Run(name, func(t *testing.T) {
			c, f := newFakeNodes(t, 1)
			c.config.Kinds = []nemesis.Kind{nemesis.Wipe}
			trial := c.containerName("wipe-trial")
			f.wipers = test.wipers
			f.stepIn = func(what string, w http.ResponseWriter, _ *http.Request) bool {
				refused := test.refused != "" && what == test.refused+" "+trial
				if refused {
					refuse(w, http.StatusInternalServerError, "no idea")
				}
				return refused
			}
			c.beginWipe()
			require.NoError(t, c.tryPause(within(t)))
			require.True(t, f.wasAsked("create "+trial))
			_, there := f.stateOf(trial)
			require.False(t, there, "it is removed")
			if test.cannot == "" {
				require.NoError(t, c.Unable(nemesis.Wipe))
				return
			}
			require.ErrorContains(t, c.Unable(nemesis.Wipe), "no container can empty a volume here")
			require.ErrorContains(t, c.Unable(nemesis.Wipe), test.cannot)
		})
	}
}

// What is not asked for is not tried, and what does not end does not hold up a start that is given
// up.
func TestTrialOfAWipeIsOnlyMadeWhereItIsAskedFor(t *testing.T) {
	c, f := newFakeNodes(t, 1)
	c.config.Kinds = []nemesis.Kind{nemesis.Kill}
	c.beginWipe()
	require.NoError(t, c.tryPause(within(t)))
	require.False(t, f.wasAsked("create "+c.containerName("wipe-trial")))

	c.config.Kinds = []nemesis.Kind{nemesis.Wipe} // f.wipers is "": it goes on for ever
	c.beginWipe()
	ctx, cancel := context.WithTimeout(t.Context(), overtaking)
	defer cancel()
	require.ErrorIs(t, c.tryPause(ctx), context.DeadlineExceeded)
	c.endLife()
	<-c.unable.wipes
	_, there := f.stateOf(c.containerName("wipe-trial"))
	require.False(t, there)
}
