package docker

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker/agent"
	"ordeal/history"
	"ordeal/nemesis"
)

// A fakeNetwork is two nodes' agents, whose probes arrive unless they are cut or lost.
type fakeNetwork struct {
	mu      sync.Mutex
	dropped map[string]bool // by receiver
	probes  map[string]uint64
	sent    uint64
	// lost loses all probes, mute lets questions fail, and stuck the change of rules.
	lost, mute, stuck bool
}

// newFakeNetwork returns it with the cuts that are made in it.
func newFakeNetwork(t *testing.T) (*fakeNetwork, *cuts) {
	t.Helper()
	f := &fakeNetwork{dropped: make(map[string]bool), probes: make(map[string]uint64)}
	k := &cuts{
		agents: make(map[string]*beside), set: newCutSet([]string{"n1", "n2"}),
		since: make(map[string]reports), mending: make(map[string]*mending),
	}
	for node, peer := range map[string]string{"n1": "n2", "n2": "n1"} {
		requests, out := io.Pipe()
		in, answers := io.Pipe()
		b := &beside{node: node, log: slog.New(slog.DiscardHandler)}
		b.connection = agent.NewConnection(in, out, func(agent.Response) {})
		k.agents[node] = b
		go func() {
			lines := bufio.NewScanner(requests)
			for lines.Scan() {
				var request agent.Request
				if json.Unmarshal(lines.Bytes(), &request) != nil {
					break
				}
				line, _ := json.Marshal(f.answer(node, peer, request))
				_, _ = answers.Write(append(line, '\n'))
			}
		}()
		t.Cleanup(func() {
			_ = out.Close()
			_ = answers.Close()
		})
	}
	return f, k
}

// answer is what an agent says, after another round of probes.
func (f *fakeNetwork) answer(node, peer string, request agent.Request) agent.Response {
	f.mu.Lock()
	defer f.mu.Unlock()
	response := agent.Response{ID: request.ID}
	switch {
	case request.Drop == nil && f.mute:
		response.Error = "mute"
	case request.Drop != nil && f.stuck:
		response.Error = "stuck"
	case request.Drop != nil:
		f.dropped[node] = len(*request.Drop) > 0
	}
	f.sent += probesMin
	if !f.dropped[node] && !f.lost {
		f.probes[node]++
	}
	arrived := agent.Peer{Probes: f.probes[node], Cut: f.dropped[node]}
	if f.dropped[node] {
		arrived.Dropped = f.sent
	}
	response.Report = agent.Report{
		Worker: 1, Sent: f.sent, Peers: map[string]agent.Peer{peer: arrived},
	}
	return response
}

// set changes what goes wrong.
func (f *fakeNetwork) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// cutAndShown cuts n1 off from n2.
func cutAndShown(t *testing.T, k *cuts) nemesis.Fault {
	t.Helper()
	fault := cut("f", nemesis.Graph{"n1": {"n2"}})
	evidence, err := k.inject(t.Context(), fault)
	shown(t, evidence, err)
	return fault
}

// A heal that no probe has shown is an error, and the next one goes on to measure it, with what was
// measured at the end of the fault.
func TestUnprovedHealsAreMeasuredAgain(t *testing.T) {
	f, k := newFakeNetwork(t)
	fault := cutAndShown(t, k)
	f.set(func() { f.lost = true })
	evidence, err := k.heal(t.Context(), fault)
	require.ErrorContains(t, err, "no probe came through")
	require.False(t, evidence.Shown)
	require.True(t, evidence.Shows("end"))

	f.set(func() { f.lost = false })
	evidence, err = k.heal(t.Context(), fault)
	shown(t, evidence, err)
	require.True(t, evidence.Shows("end"))
	require.True(t, evidence.Shows("after"))
	evidence, err = k.heal(t.Context(), fault)
	require.NoError(t, err)
	require.Equal(t, history.Evidence{Shown: true}, evidence, "nothing is left to heal")
}

// Without the last reports a fault is not shown to have lasted, and its heal is shown all the same.
func TestHealIsMeasuredWithoutTheLastReports(t *testing.T) {
	f, k := newFakeNetwork(t)
	fault := cutAndShown(t, k)
	f.set(func() { f.mute = true })
	evidence, err := k.heal(t.Context(), fault)
	require.Error(t, err)
	require.False(t, f.dropped["n2"], "the rules are gone all the same")
	require.False(t, evidence.Shown)

	f.set(func() { f.mute = false })
	evidence, err = k.heal(t.Context(), fault)
	require.NoError(t, err)
	require.False(t, evidence.Shown)
	require.False(t, evidence.Shows("end"))
	require.True(t, evidence.Shows("after"))
}

// A fault whose rules could not be removed stays in force, and keeps the measurement of its end.
func TestStuckRulesAreHealedLater(t *testing.T) {
	f, k := newFakeNetwork(t)
	fault := cutAndShown(t, k)
	f.set(func() { f.stuck = true })
	evidence, err := k.heal(t.Context(), fault)
	require.ErrorContains(t, err, "stuck")
	require.False(t, evidence.Shown)
	require.True(t, k.set.isCut(there))
	_, err = k.inject(t.Context(), fault)
	require.True(t, errors.Is(err, nemesis.ErrPrecondition), "it is in force")

	f.set(func() { f.stuck = false })
	evidence, err = k.heal(t.Context(), fault)
	shown(t, evidence, err)
	require.True(t, evidence.Shows("end"))
	require.False(t, k.set.isCut(there))
}
