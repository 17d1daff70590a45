package docker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/stretchr/testify/require"
)

// fakeContainers is an engine that holds containers and does with them what it is asked to, unless
// the test steps in.
type fakeContainers struct {
	// stepIn is told what is asked for, such as "kill c1", and may answer it instead. It is set
	// while nothing is asked.
	stepIn func(what string, w http.ResponseWriter, r *http.Request) (answered bool)
	// wipers is what a container that was made during the test prints before it ends; "" for one
	// that goes on for ever.
	wipers string

	mu    sync.Mutex
	all   map[string]*fakeContainer
	asked []string
}

// A fakeContainer is one of them.
type fakeContainer struct {
	state  container.State
	made   bool // during the test
	ending []chan int
}

// newFakeNodes returns a cluster of some nodes, which run and always serve, on such an engine.
func newFakeNodes(t *testing.T, count int) (*Cluster, *fakeContainers) {
	t.Helper()
	f := &fakeContainers{all: make(map[string]*fakeContainer)}
	c, n1 := newFakeCluster(t, f.serve)
	for number := 2; number <= count; number++ {
		n := newNode(number)
		n.container = fmt.Sprintf("c%d", number)
		c.nodes = append(c.nodes, n)
		c.byName[n.member.Name] = n
	}
	n1.run = nil
	for _, n := range c.nodes {
		f.all[n.container] = &fakeContainer{}
		n.client = stubClient{func() error { return nil }}
		require.NoError(t, c.startAndWait(within(t), n))
	}
	return c, f
}

// stateOf returns the state of a container, and whether there is one.
func (f *fakeContainers) stateOf(id string) (container.State, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, known := f.all[id]
	if !known {
		return container.State{}, false
	}
	return found.state, true
}

// wasAsked tells whether something was asked for, such as "start c1".
func (f *fakeContainers) wasAsked(what string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.asked, what)
}

// forget forgets what was asked for.
func (f *fakeContainers) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = nil
}

func (f *fakeContainers) serve(w http.ResponseWriter, r *http.Request) {
	mux := http.NewServeMux()
	for _, verb := range []string{
		"json", "kill", "pause", "unpause", "start", "wait", "stats", "logs",
	} {
		mux.HandleFunc("/v1.41/containers/{id}/"+verb,
			func(w http.ResponseWriter, r *http.Request) { f.answer(verb, r.PathValue("id"), w, r) })
	}
	mux.HandleFunc("POST /v1.41/containers/create",
		func(w http.ResponseWriter, r *http.Request) {
			f.answer("create", r.URL.Query().Get("name"), w, r)
		})
	mux.HandleFunc("DELETE /v1.41/containers/{id}",
		func(w http.ResponseWriter, r *http.Request) { f.answer("remove", r.PathValue("id"), w, r) })
	mux.ServeHTTP(w, r)
}

// answer does what is asked for.
func (f *fakeContainers) answer(verb, id string, w http.ResponseWriter, r *http.Request) {
	what := verb + " " + id
	f.mu.Lock()
	f.asked = append(f.asked, what)
	f.mu.Unlock()
	if f.stepIn != nil && f.stepIn(what, w, r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if verb == "create" {
		f.all[id] = &fakeContainer{made: true}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(container.CreateResponse{ID: id})
		return
	}
	found, known := f.all[id]
	if !known {
		refuse(w, http.StatusNotFound, "no such container")
		return
	}
	switch verb {
	case "json":
		describe(w, found.state)
	case "stats":
		_, _ = w.Write([]byte(`{"cpu_stats": {"cpu_usage": {"total_usage": 5}}}`))
	case "logs":
		_, _ = stdcopy.NewStdWriter(w, stdcopy.Stdout).Write([]byte(f.wipers + "\n"))
	case "wait":
		ending := make(chan int, 1)
		found.ending = append(found.ending, ending)
		f.mu.Unlock()
		awaitFake(w, r, ending)
		f.mu.Lock()
	default:
		f.change(verb, id, found, w, r)
	}
}

// change does what changes a container. f.mu is held.
func (f *fakeContainers) change(
	verb, id string, found *fakeContainer, w http.ResponseWriter, r *http.Request,
) {
	if (verb == "kill" || verb == "pause") && !found.state.Running {
		refuse(w, http.StatusConflict, "it is not running")
		return
	}
	switch verb {
	case "start":
		found.state = container.State{Running: true, Status: "running"}
		if found.made && f.wipers != "" {
			found.end(0)
		}
	case "kill":
		found.end(map[string]int{"SIGKILL": killed}[r.URL.Query().Get("signal")])
	case "pause":
		found.state.Paused, found.state.Status = true, "paused"
	case "unpause":
		found.state.Paused, found.state.Status = false, "running"
	case "remove":
		found.end(killed)
		delete(f.all, id)
	}
	w.WriteHeader(http.StatusNoContent)
}

// end ends what runs in a container.
func (c *fakeContainer) end(code int) {
	c.state = container.State{Status: "exited", ExitCode: code}
	for _, ending := range c.ending {
		ending <- code
	}
	c.ending = nil
}

// awaitFake answers a wait: that it has begun, and then how it ended.
func awaitFake(w http.ResponseWriter, r *http.Request, ending <-chan int) {
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	select {
	case code := <-ending:
		_ = json.NewEncoder(w).Encode(container.WaitResponse{StatusCode: int64(code)})
	case <-r.Context().Done():
	}
}
