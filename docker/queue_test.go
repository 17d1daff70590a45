package docker

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQueueRunsEventsInOrderAndOnlyInStep(t *testing.T) {
	q := newQueue()
	var ran []int
	for i := range 3 {
		q.post(func() {
			ran = append(ran, i)
			if i == 0 {
				q.post(func() { ran = append(ran, 3) })
			}
		})
	}
	require.Empty(t, ran)
	for range 4 {
		require.NoError(t, q.step(t.Context()))
	}
	require.Equal(t, []int{0, 1, 2, 3}, ran)
}

func TestQueueLosesNothingOfMany(t *testing.T) {
	const posters, each = 8, 500
	q := newQueue()
	var group sync.WaitGroup
	for range posters {
		group.Go(func() {
			for range each {
				q.post(func() {})
			}
		})
	}
	for range posters * each {
		require.NoError(t, q.step(t.Context()))
	}
	group.Wait()
	_, more := q.take()
	require.False(t, more)
}

func TestStepEndsWithItsContext(t *testing.T) {
	q := newQueue()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q.post(func() { t.Error("an event was run after the end") })
	require.ErrorIs(t, q.step(ctx), context.Canceled)

	waiting, stop := context.WithCancel(t.Context())
	empty := newQueue()
	time.AfterFunc(time.Millisecond, stop)
	require.ErrorIs(t, empty.step(waiting), context.Canceled)
}

func TestCancelledTimersNeverRun(t *testing.T) {
	q := newQueue()
	ran := 0
	cancel := q.after(time.Hour, func() { t.Error("a cancelled timer ran") })
	cancel()
	cancel()
	late := q.after(0, func() { ran++ })
	require.NoError(t, q.step(t.Context()))
	late() // too late
	require.Equal(t, 1, ran)

	// Cancelled when it has fired already and waits for its step.
	cancel = q.after(0, func() { t.Error("a cancelled timer ran") })
	<-q.filled
	cancel()
	q.post(func() { ran++ })
	for ran < 2 {
		require.NoError(t, q.step(t.Context()))
	}
}
