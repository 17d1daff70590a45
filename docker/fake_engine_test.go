package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// newFakeCluster returns a cluster of one running node, n1, on an engine whose answers are the
// handler's.
func newFakeCluster(t *testing.T, handler http.HandlerFunc) (*Cluster, *node) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	api, err := client.NewClientWithOpts(client.WithVersion("1.41"),
		client.WithHost("tcp://"+strings.TrimPrefix(server.URL, "http://")))
	require.NoError(t, err)
	config := toyConfig(1)
	config, err = config.complete()
	require.NoError(t, err)
	c := &Cluster{
		engine: &Engine{api: api}, config: config, queue: newQueue(),
		changes: make(map[string]chan struct{}),
	}
	c.life, c.endLife = context.WithCancel(context.Background())
	c.failure.init()
	t.Cleanup(func() {
		c.endLife()
		c.work.Wait()
		_ = api.Close()
	})
	n := newNode(1)
	n.container, n.run = "c1", newRun()
	n.client = stubClient{func() error { return nil }}
	c.nodes, c.byName = []*node{n}, map[string]*node{"n1": n}
	return c, n
}

// refuse answers with an error of the engine's.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// describe answers an inspection.
func describe(w http.ResponseWriter, state container.State) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{State: &state},
	})
}

// A toldExit is what OnExit was told.
type toldExit struct {
	node, detail string
	byItself     bool
}

// nextExit steps the cluster until an exit is told.
func nextExit(t *testing.T, c *Cluster) toldExit {
	t.Helper()
	var told []toldExit
	c.OnExit(func(node, detail string, byItself bool) {
		told = append(told, toldExit{node, detail, byItself})
	})
	for ctx := within(t); len(told) == 0; {
		require.NoError(t, c.Step(ctx))
	}
	return told[0]
}

// A kill that the engine refused leaves the node's own end news.
func TestFailedKillExpectsNothing(t *testing.T) {
	c, n := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/kill") {
			refuse(w, http.StatusInternalServerError, "no idea")
			return
		}
		describe(w, container.State{Running: true, Status: "running"})
	})
	_, err := c.kill(t.Context(), kill("k", "n1"))
	require.ErrorContains(t, err, "no idea")
	require.False(t, n.run.expected())
}

// A node that the kernel ended for its memory just before a kill was not ended by that.
func TestKillThatCameTooLateIsNoKill(t *testing.T) {
	var n *node
	c, made := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/kill"):
			n.run.end(killed)
			refuse(w, http.StatusConflict, "it is not running")
		case strings.HasSuffix(r.URL.Path, "/logs"):
			refuse(w, http.StatusNotFound, "no log")
		case n.run.over():
			describe(w, container.State{Status: "exited", ExitCode: killed, OOMKilled: true})
		default:
			describe(w, container.State{Running: true, Status: "running"})
		}
	})
	n = made
	evidence, err := c.kill(t.Context(), kill("k", "n1"))
	require.NoError(t, err)
	require.False(t, evidence.Shown)
	told := nextExit(t, c)
	require.True(t, told.byItself)
	require.Contains(t, told.detail, "memory")
}

// A container that was removed is told as gone, and not asked for for ever.
func TestRemovedContainersAreTold(t *testing.T) {
	c, n := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/start") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		refuse(w, http.StatusNotFound, "no such container")
	})
	r, err := c.startNode(t.Context(), n)
	require.NoError(t, err)
	<-r.ended
	require.Equal(t, toldExit{"n1", "its container was removed", false}, nextExit(t, c))
}

// An engine that goes away in the middle of the question how an agent has ended is what is told,
// and not the agent.
func TestEngineThatGoesWhileItIsAskedOfAnAgentIsBlamed(t *testing.T) {
	var gone atomic.Bool
	c, n := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/wait") {
			gone.Store(true)
		}
		if gone.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		w.WriteHeader(http.StatusOK)
	})
	n.agent = "a1"
	told := failuresOf(c)
	c.agentEnded(n)
	failure := awaitFailure(t, c, told)
	require.Contains(t, failure, errEngineGone.Error())
	require.True(t, gone.Load())
}

// An engine that hangs does not hold up a start whose caller has given up.
func TestHangingEngineHoldsNobodyUp(t *testing.T) {
	asked := make(chan struct{}, 10)
	release := make(chan struct{})
	defer close(release)
	c, n := newFakeCluster(t, func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	})
	for _, call := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := c.startNode(ctx, n); return err },
		func(ctx context.Context) error { _, err := c.engine.attach(ctx, "c1"); return err },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- call(ctx) }()
		<-asked
		cancel()
		require.ErrorIs(t, <-result, context.Canceled)
	}
}

// What works in the background cannot take the whole time of a Close.
func TestWorkIsAwaitedForAPartOfTheTime(t *testing.T) {
	c, _ := newFakeCluster(t, func(http.ResponseWriter, *http.Request) {})
	hangs := make(chan struct{})
	c.work.Go(func() { <-hangs })
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	c.awaitWork(ctx)
	require.NoError(t, ctx.Err(), "time is left")
	close(hangs)
}

// A heal waits for its own injection, and not for those of others.
func TestHealsFollowTheirInjection(t *testing.T) {
	c, _ := newFakeCluster(t, func(http.ResponseWriter, *http.Request) {})
	injecting := make(chan struct{})
	var order []string
	told := func(what string) func(history.Evidence, error) {
		return func(history.Evidence, error) { order = append(order, what) }
	}
	at := func(until <-chan struct{}) change {
		return func(context.Context, nemesis.Fault) (history.Evidence, error) {
			if until != nil {
				<-until
			}
			return history.Evidence{}, nil
		}
	}
	c.change(at(injecting), nemesis.Fault{ID: "slow"}, told("injected"))
	c.change(at(nil), nemesis.Fault{ID: "slow"}, told("healed"))
	c.change(at(nil), nemesis.Fault{ID: "other"}, told("other"))
	require.NoError(t, c.Step(within(t)))
	close(injecting)
	for len(order) < 3 {
		require.NoError(t, c.Step(within(t)))
	}
	require.Equal(t, []string{"other", "injected", "healed"}, order)
	require.Empty(t, c.changes)
}

// Nothing measured is nothing shown.
func TestNoMeasurementsShowNothing(t *testing.T) {
	require.False(t, measurements(nil).evidence().Shown)
}

// Images that others have built on Ordeal's, or have named, are not removed.
func TestOnlyOwnImagesAreRemoved(t *testing.T) {
	var removed []string
	c, _ := newFakeCluster(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodDelete {
			removed = append(removed, r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:])
			_, _ = w.Write([]byte("[]"))
			return
		}
		_, _ = w.Write([]byte(`[
			{"Id": "old", "RepoTags": ["ordeal:0123456789abcdef"]},
			{"Id": "kept", "RepoTags": ["ordeal:fedcba9876543210"]},
			{"Id": "theirs", "RepoTags": ["mine:latest"]},
			{"Id": "named", "RepoTags": ["ordeal:0123456789abcde0", "mine:2"]},
			{"Id": "manual", "RepoTags": ["ordeal:latest"]},
			{"Id": "untagged", "RepoTags": ["<none>:<none>"]},
			{"Id": "bare", "RepoTags": null}]`))
	})
	count, err := c.engine.removeImages(t.Context(), "ordeal:fedcba9876543210")
	require.NoError(t, err)
	require.Equal(t, 3, count)
	require.Equal(t, []string{"old", "untagged", "bare"}, removed)
}
