package docker

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// What waits for an engine that is taken for gone is given up at once, whatever its own limits are.
func TestWhatWaitsForALostEngineIsGivenUp(t *testing.T) {
	asked := make(chan struct{}, 10)
	release := make(chan struct{})
	defer close(release)
	c, n := newFakeCluster(t, func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	})
	for name, wait := range map[string]func() error{
		"a change": func() error {
			_, err := c.carryOut(func(ctx context.Context, _ nemesis.Fault) (history.Evidence, error) {
				asked <- struct{}{}
				<-ctx.Done()
				return history.Evidence{}, ctx.Err()
			}, nemesis.Fault{})
			return err
		},
		"the start of a container": func() error { return c.startContainer(t.Context(), n.container) },
	} {
		c.failure.init()
		result := make(chan error, 1)
		go func() { result <- wait() }()
		<-asked
		c.failure.lose()
		select {
		case err := <-result:
			require.Error(t, err, name)
		case <-within(t).Done():
			require.Fail(t, "it waits", name)
		}
	}
}

// A failure is told once, and only as long as the cluster lives.
func TestFailuresAreToldOnce(t *testing.T) {
	c, _ := newFakeCluster(t, func(http.ResponseWriter, *http.Request) {})
	told := failuresOf(c)
	c.fail(errEngineGone)
	c.fail(errEngineGone)
	c.queue.post(func() { *told = append(*told, "end") })
	for ctx := within(t); len(*told) == 0 || (*told)[len(*told)-1] != "end"; {
		require.NoError(t, c.Step(ctx))
	}
	require.Equal(t, []string{errEngineGone.Error(), "end"}, *told)

	closed, _ := newFakeCluster(t, func(http.ResponseWriter, *http.Request) {})
	closed.endLife()
	closed.fail(errEngineGone)
	_, more := closed.queue.take()
	require.False(t, more, "what ends with the cluster is no failure")
}

// A question that was given up says nothing about the engine.
func TestInterruptedQuestionsBlameNobody(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	c, _ := newFakeCluster(t, func(http.ResponseWriter, *http.Request) { <-release })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.askEngine(ctx), context.Canceled)
	require.False(t, c.engineIsGone(ctx))
	require.NoError(t, c.failure.engine.Err())
	_, more := c.queue.take()
	require.False(t, more)
}

// An engine that has nothing but errors to say answers all the same.
func TestEngineWithErrorsAnswers(t *testing.T) {
	c, _ := newFakeCluster(t, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusInternalServerError, "no idea")
	})
	require.NoError(t, c.askEngine(within(t)))
	require.False(t, c.engineIsGone(within(t)))
}
