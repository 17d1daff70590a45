package docker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/require"

	"ordeal/docker/agent"
	"ordeal/docker/system"
	"ordeal/history"
	"ordeal/nemesis"
)

// A stubClient is a client of a node whose readiness is what the test says.
type stubClient struct{ ready func() error }

func (s stubClient) Ready(context.Context) error { return s.ready() }
func (s stubClient) Close()                      {}

func (s stubClient) Do(context.Context, history.Operation) history.Result {
	return history.Result{}
}

// A stop that the engine refused leaves the node's own end news.
func TestFailedStopExpectsNothing(t *testing.T) {
	c, n := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/kill") {
			refuse(w, http.StatusInternalServerError, "no idea")
			return
		}
		describe(w, container.State{Running: true, Status: "running"})
	})
	_, err := c.stop(t.Context(), faultOf(nemesis.Stop, "s", "n1"))
	require.ErrorContains(t, err, "no idea")
	require.False(t, n.run.expected())
}

// A node that had ended by itself just before it was stopped was not stopped.
func TestStopThatCameTooLateIsNoStop(t *testing.T) {
	var n *node
	c, made := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/kill"):
			require.Equal(t, "SIGTERM", r.URL.Query().Get("signal"))
			n.run.end(0)
			refuse(w, http.StatusConflict, "it is not running")
		case strings.HasSuffix(r.URL.Path, "/logs"):
			refuse(w, http.StatusNotFound, "no log")
		case n.run.over():
			describe(w, container.State{Status: "exited"})
		default:
			describe(w, container.State{Running: true, Status: "running"})
		}
	})
	n = made
	evidence, err := c.stop(t.Context(), faultOf(nemesis.Stop, "s", "n1"))
	require.NoError(t, err)
	require.Equal(t, []string{"end during"}, unshown(evidence))
	require.Equal(t, toldExit{"n1", "exit code 0", false}, nextExit(t, c))
}

// An engine that does not let a node go on leaves the heal to be tried again.
func TestFailedThawIsTriedAgain(t *testing.T) {
	refuses := true
	status := "running"
	c, n := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/unpause") && refuses:
			refuse(w, http.StatusInternalServerError, "no idea")
		case strings.HasSuffix(r.URL.Path, "/unpause"):
			status = "running"
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/pause"):
			status = "paused"
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/stats"):
			_, _ = w.Write([]byte(`{"cpu_stats": {"cpu_usage": {"total_usage": 5}}}`))
		default:
			describe(w, container.State{
				Running: true, Paused: status == "paused", Status: status,
			})
		}
	})
	n.client = stubClient{func() error { return nil }}
	f := faultOf(nemesis.Pause, "p", "n1")
	evidence, err := c.pause(t.Context(), f)
	shown(t, evidence, err)
	_, err = c.resume(t.Context(), f)
	require.ErrorContains(t, err, "no idea")
	require.True(t, n.run.paused.Load())
	refuses = false
	evidence, err = c.resume(t.Context(), f)
	shown(t, evidence, err)
	require.False(t, n.run.paused.Load())
	evidence, err = c.resume(t.Context(), f)
	shown(t, evidence, err)
	require.Empty(t, evidence.Measurements)
}

// An engine that says "paused" of a node that runs, or cannot tell its CPU time, shows nothing.
func TestPauseIsNotShownByTheEnginesWordAlone(t *testing.T) {
	for name, stats := range map[string]func(read int) string{
		"state during, CPU time during": func(read int) string {
			return fmt.Sprintf(`{"cpu_stats": {"cpu_usage": {"total_usage": %d}}}`, read*100_000)
		},
		"": func(int) string { return `{}` },
	} {
		reads := 0
		c, _ := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/pause"):
				w.WriteHeader(http.StatusNoContent)
			case strings.HasSuffix(r.URL.Path, "/stats"):
				reads++
				_, _ = w.Write([]byte(stats(reads)))
			default:
				describe(w, container.State{Running: true, Status: "running"})
			}
		})
		evidence, err := c.pause(t.Context(), faultOf(nemesis.Pause, "p", "n1"))
		require.False(t, evidence.Shown)
		if name == "" {
			require.ErrorContains(t, err, "the engine does not know it")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, name, strings.Join(unshown(evidence), ", "))
	}
}

func TestPacketsOfAPausedNodeAreCounted(t *testing.T) {
	report := func(packets uint64) agent.Report {
		return agent.Report{Peers: map[string]agent.Peer{
			"n1": {Packets: packets}, "n2": {Packets: 100 * packets},
		}}
	}
	since := reports{"n1": report(7), "n2": report(5), "n3": report(6)}
	value, none := packetsOf("n1", since, since)
	require.Equal(t, "0 at 2 other nodes", value)
	require.True(t, none)
	value, none = packetsOf("n1", since, reports{"n1": report(9), "n2": report(5), "n3": report(8)})
	require.Equal(t, "2 at 2 other nodes", value)
	require.False(t, none)
}

// Only a wiped node may say that it has lost its disk, and only what a fault holds may be silent.
func TestWhatHealsAcceptForReady(t *testing.T) {
	c, n := newFakeCluster(t, func(w http.ResponseWriter, _ *http.Request) {
		describe(w, container.State{Running: true, Status: "running"})
	})
	lost := fmt.Errorf("n1 %w: it is empty", system.ErrLost)
	n.client = stubClient{func() error { return lost }}
	_, err := c.measureReady(within(t), n, n.run)
	require.ErrorIs(t, err, system.ErrLost)
	n.wiped.Store(true)
	found, err := c.measureReady(within(t), n, n.run)
	shown(t, found.evidence(), err)
	require.Equal(t, "stays out: it is empty", measured(found.evidence(), "n1")["ready after"])

	n.client = stubClient{func() error { return errors.New("no answer") }}
	n.run.paused.Store(true)
	found, err = c.measureReady(within(t), n, n.run)
	shown(t, found.evidence(), err)
	require.Equal(t, map[string]string{"state after": "paused by another fault"},
		measured(found.evidence(), "n1"))
	n.run.expect(killed)
	n.run.end(killed)
	_, err = c.measureReady(within(t), n, n.run)
	require.NoError(t, err)
}

func TestWhatCannotBeInjected(t *testing.T) {
	c, _ := newFakeCluster(t, func(http.ResponseWriter, *http.Request) {})
	c.config.System.DataDir = ""
	require.ErrorContains(t, c.Unable(nemesis.Wipe), "toy keeps no data in a volume")
	_, err := inject(t, c, faultOf(nemesis.Wipe, "w", "n1"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	require.ErrorContains(t, c.Unable("earthquake"), `no fault of kind "earthquake"`)
	for _, kind := range []nemesis.Kind{
		nemesis.Partition, nemesis.Kill, nemesis.Stop, nemesis.Pause,
	} {
		require.NoError(t, c.Unable(kind))
	}
}
