package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docker/docker/client"
)

// ErrNoEngine is wrapped by the error of Connect when no Docker engine answers.
var ErrNoEngine = errors.New("no Docker engine answers")

// callLimit bounds a call to the engine that is not given up with its caller.
const callLimit = 60 * time.Second

// pingLimit is how long an engine may take to answer at all.
const pingLimit = 10 * time.Second

const (
	// silenceLimit is how long an engine that was there may fail to answer before it is taken for
	// gone. One that is only restarted may be back by then.
	silenceLimit = 4 * time.Second
	// returnLimit is how long one that is taken for gone may take to show that it is back.
	returnLimit = time.Second
	// pingPause is the time between two attempts to reach it.
	pingPause = 250 * time.Millisecond
)

// errEngineGone is wrapped by the errors of what needs an engine that answered before and does not
// any more.
var errEngineGone = errors.New("the Docker engine does not answer any more")

// An Engine is a Docker engine. It is safe for concurrent use.
type Engine struct {
	api *client.Client
	// os and architecture are what the engine runs, in Go's words.
	os, architecture string
	version, kernel  string
}

// Connect finds the engine as the docker command does (DOCKER_HOST and its companions, else the
// local socket) and agrees with it on a version of the API. The engine is asked for a sign of life
// first: the negotiation alone hides its errors.
func Connect(ctx context.Context) (*Engine, error) {
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, fmt.Errorf("%w: the environment's DOCKER_ variables: %w", ErrNoEngine, err)
	}
	ctx, cancel := context.WithTimeout(ctx, pingLimit)
	defer cancel()
	ping, err := api.Ping(ctx)
	if err != nil {
		return nil, errors.Join(unreachable(api.DaemonHost(), err), api.Close())
	}
	api.NegotiateAPIVersionPing(ping)
	version, err := api.ServerVersion(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w at %s: asking for its version: %w",
			ErrNoEngine, api.DaemonHost(), err), api.Close())
	}
	e := &Engine{api: api, version: version.Version, kernel: version.KernelVersion}
	e.os, e.architecture = version.Os, version.Arch
	return e, nil
}

// unreachable is the error of an engine that does not answer, in a line with one hint. The cause is
// told unless it is Docker's own word for just that, which brings a hint of its own.
func unreachable(host string, cause error) error {
	const hint = "is the daemon running, are you in the docker group, and should DOCKER_HOST be set?"
	if strings.HasPrefix(cause.Error(), "Cannot connect to the Docker daemon") {
		return fmt.Errorf("%w at %s (%s)", ErrNoEngine, host, hint)
	}
	return fmt.Errorf("%w at %s (%s): %w", ErrNoEngine, host, hint, cause)
}

// String says which engine this is, for people and records.
func (e *Engine) String() string {
	return fmt.Sprintf("Docker %s (API %s, %s/%s)",
		e.version, e.api.ClientVersion(), e.os, e.architecture)
}

// Close ends the idle connections to the engine.
func (e *Engine) Close() error {
	if err := e.api.Close(); err != nil {
		return fmt.Errorf("closing the connections to the Docker engine: %w", err)
	}
	return nil
}

// answers asks the engine for a sign of life until there is one, for limit at the most. An error is
// one too, if it is the engine that says it.
func (e *Engine) answers(ctx context.Context, limit time.Duration) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	what := "no answer from"
	for {
		_, err := e.api.Ping(ctx)
		switch {
		case client.IsErrConnectionFailed(err):
			what = "no connection to"
		case err == nil || ctx.Err() == nil:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (run \"ordeal clean\" when it does): %s %s for %.1f s",
				errEngineGone, what, e.api.DaemonHost(), time.Since(began).Seconds())
		case <-time.After(pingPause):
		}
	}
}

// whole returns a context for a call that makes something: it begins only while ctx lives, and then
// runs to its end, so that what it made is known and can be removed.
func whole(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), callLimit)
	return detached, cancel, nil
}
