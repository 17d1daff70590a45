package docker

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// TestClientsReuseTheirGoroutines: one that is done runs what comes next, one that is not holds
// nothing up, and none is left after close, whether it was idle then or not.
func TestClientsReuseTheirGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clients
		c.init()
		ran := 0
		for range 100 {
			require.True(t, c.begin(func() { ran++ }))
			synctest.Wait()
		}
		require.Equal(t, 100, ran)
		require.Equal(t, 1, serving(), "goroutines for a hundred, one by one")

		hold := make(chan struct{})
		require.True(t, c.begin(func() { <-hold }))
		require.True(t, c.begin(func() { ran++ }))
		synctest.Wait()
		require.Equal(t, 101, ran, "beside one that is busy")
		require.Equal(t, 2, serving(), "goroutines for two at once")

		go c.close(nil)
		synctest.Wait()
		require.False(t, c.begin(func() { ran++ }), "after close")
		close(hold)
		synctest.Wait()
		require.Zero(t, serving(), "goroutines after close")
		require.Equal(t, 101, ran)
	})
}

// serving returns how many goroutines of clients there are in the bubble. Outside of it those of a
// cluster that was just closed may be on their way out.
func serving() int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	count := 0
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		first, rest, _ := strings.Cut(stack, "\n")
		if strings.Contains(first, "bubble") && strings.Contains(rest, "(*clients).serve(") {
			count++
		}
	}
	return count
}
