package replica

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// walksVariable names an environment variable that asks for more walks.
const walksVariable = "ORDEAL_WALKS"

func walkCount(t testing.TB) uint64 {
	count := uint64(40_000)
	if raceEnabled {
		count /= 10
	}
	if asked := os.Getenv(walksVariable); asked != "" {
		number, err := strconv.ParseUint(asked, 10, 64)
		require.NoError(t, err)
		count = number
	}
	return count
}

// The correct rules survive every walk.
func TestTheCorrectRulesSurvive(t *testing.T) {
	steps := 0
	for seed := range walkCount(t) {
		w := newWalk(seed, paxos.Correct())
		found := w.run()
		require.Falsef(t, found.any(), "seed %d: %+v\n%+v", seed, found, w.history)
		steps += w.cluster.steps
	}
	t.Logf("%d walks, %d steps", walkCount(t), steps)
}
