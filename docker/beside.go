package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/pkg/stdcopy"

	"ordeal/docker/agent"
)

const (
	// heartbeatInterval is the time between two signs of life to an agent, well below its limit.
	heartbeatInterval = time.Second
	// agentLimit is how long an agent may take to answer, a restart of its worker included.
	agentLimit = 5 * time.Second
)

// A beside is the agent beside a node, seen from the harness. It is safe for concurrent use.
type beside struct {
	node       string
	log        *slog.Logger
	stream     types.HijackedResponse
	connection *agent.Connection
	// greeted is closed when the first worker has spoken, woken holds a token when one has again.
	greeted chan struct{}
	greet   sync.Once
	woken   chan struct{}

	mu            sync.Mutex
	configuration agent.Configuration
	complaint     string
}

// newBeside speaks with an agent over the streams of its container, until close. What runs for it
// is counted in work.
func newBeside(
	node string, stream types.HijackedResponse, log *slog.Logger, work *sync.WaitGroup,
) *beside {
	b := &beside{
		node: node, stream: stream, log: log.With("agent", node),
		greeted: make(chan struct{}), woken: make(chan struct{}, 1),
	}
	out, in := io.Pipe()
	work.Go(func() {
		_, err := stdcopy.StdCopy(in, b, stream.Reader)
		_ = in.CloseWithError(fmt.Errorf("%w: %v", agent.ErrClosed, err)) // never fails
	})
	b.connection = agent.NewConnection(out, stream.Conn, b.heard)
	work.Go(func() { <-b.connection.Closed() })
	return b
}

// heard takes in what the agent says unasked.
func (b *beside) heard(response agent.Response) {
	b.greet.Do(func() { close(b.greeted) })
	switch {
	case response.Error != "":
		b.log.Error("an agent has trouble", "error", response.Error)
	case response.Report.SelfHealed > 0:
		b.log.Warn("an agent healed its node by itself", "why", response.Report.SelfHealedWhy)
	default:
		b.log.Debug("a worker has started", "worker", response.Report.Worker)
	}
	select {
	case b.woken <- struct{}{}:
	default:
	}
}

// ask asks for a report.
func (b *beside) ask(ctx context.Context) (agent.Report, error) {
	return b.call(ctx, agent.Request{})
}

// drop makes peers the whole set of nodes that this one cannot hear, and returns what had arrived
// until then.
func (b *beside) drop(ctx context.Context, peers []string) (agent.Report, error) {
	all := append([]string{}, peers...) // an empty set, in JSON, and not nothing
	return b.call(ctx, agent.Request{Drop: &all})
}

func (b *beside) call(ctx context.Context, request agent.Request) (agent.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, agentLimit)
	defer cancel()
	b.mu.Lock()
	request.Configuration = b.configuration
	b.mu.Unlock()
	report, err := b.connection.Call(ctx, request)
	if err != nil {
		return report, fmt.Errorf("asking the agent of %s: %w", b.node, err)
	}
	return report, nil
}

// beat gives signs of life until ctx is done or the stream has ended. A worker that was just
// started gets one at once: it holds the configuration that the worker lacks. One that is not
// answered can be due to the stream's other end, the engine: that is asked with gone, and is then
// not the agent's trouble.
func (b *beside) beat(ctx context.Context, gone func(context.Context) bool) {
	ticker := time.NewTicker(heartbeatInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.connection.Closed():
			return
		case <-ticker.C:
		case <-b.woken:
		}
		_, err := b.ask(ctx)
		if err == nil || errors.Is(err, agent.ErrClosed) || ctx.Err() != nil {
			continue
		}
		if gone(ctx) {
			return
		}
		b.log.Warn("a heartbeat was not answered", "error", err)
	}
}

// close ends the stream.
func (b *beside) close() { b.stream.Close() }

// Write takes what the agent complains about, for the log.
func (b *beside) Write(data []byte) (int, error) {
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		b.log.Warn(line)
		b.mu.Lock()
		b.complaint = line
		b.mu.Unlock()
	}
	return len(data), nil
}

// lastComplaint returns the last line of its complaints.
func (b *beside) lastComplaint() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.complaint
}
