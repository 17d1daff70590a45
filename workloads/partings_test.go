package workloads_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/history"
	"ordeal/workloads"
)

// partingKinds are what a key is asked for when it was replaced.
var partingKinds = map[string]history.Kind{
	"register": history.Read, "decision": history.Learn,
}

// own returns the next operation of a client's own, after what it asks of replaced keys.
func own(t require.TestingT, w workloads.Workload, client int) history.Operation {
	for workloads.Parting(w, client) {
		next(t, w, client)
	}
	return next(t, w, client)
}

func TestAReplacedKeyIsReadOnceThroughEveryNodeAtOnce(t *testing.T) {
	for name, kind := range partingKinds {
		w := newWorkload(t, name, workloads.Options{
			Clients: 7, Keys: 1, OperationsPerKey: 30, Nodes: five,
		})
		replaced := func() bool {
			for client := range 7 {
				if workloads.Parting(w, client) {
					return true
				}
			}
			return false
		}
		var first history.Operation
		for i := 0; !replaced(); i++ {
			first = next(t, w, i%7)
		}
		require.Equal(t, 2, number(t, first.Key), "the key that replaced another is in use")
		var reads []history.Operation
		for client := range 7 {
			if workloads.Parting(w, client) {
				reads = append(reads, next(t, w, client))
				require.Equal(t, client, reads[client].Client)
			}
		}
		require.Len(t, asked(reads), 5)
		for _, op := range reads {
			requireWhole(t, op)
			require.Equal(t, kind, op.Kind)
			require.Equal(t, 1, number(t, op.Key))
			require.False(t, op.Final)
		}
		require.False(t, replaced(), "each node is asked once")
	}
}

// Whatever the sizes, a key is asked for at most once by each node's clients, and by each where
// all clients go on.
func TestPartingReadsAreOnePerKeyAndNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, o := names().Draw(t, "name"), options().Draw(t, "options")
		w := newWorkload(t, name, o)
		seen, newest, turns := map[string]int{}, map[int]int{}, rapid.IntRange(1, 300).Draw(t, "turns")
		for range turns {
			for client := range o.Clients {
				parting := workloads.Parting(w, client)
				op := next(t, w, client)
				at, n := parts(t, op.Key)
				if parting {
					require.Equal(t, partingKinds[name], op.Kind)
					require.Less(t, n, newest[at])
					seen[op.Key+" "+op.Node]++
				}
				newest[at] = max(newest[at], n)
			}
		}
		for what, times := range seen {
			require.Equal(t, 1, times, what)
		}
	})
}

func TestNodesWithoutAClientAreNotAskedForReplacedKeys(t *testing.T) {
	for name := range partingKinds {
		w := newWorkload(t, name, workloads.Options{
			Clients: 2, Keys: 1, OperationsPerKey: 5, Nodes: five,
		})
		var reads []history.Operation
		for i := range 1000 {
			parting := workloads.Parting(w, i%2)
			if op := next(t, w, i%2); parting {
				reads = append(reads, op)
			}
		}
		nodes := map[string]int{}
		for _, op := range reads {
			nodes[op.Node]++
		}
		require.Len(t, nodes, 2)
		require.InDelta(t, nodes["n1"], nodes["n2"], 2)
	}
}

// A node whose clients are held up is asked for the newest of what it missed.
func TestOnlyTheNewestReplacedKeysWaitForANode(t *testing.T) {
	for name := range partingKinds {
		w := newWorkload(t, name, workloads.Options{
			Clients: 2, Keys: 1, OperationsPerKey: 1, Nodes: five[:2],
		})
		newest := 0
		for newest < 3*workloads.PartingsMax {
			newest = max(newest, number(t, next(t, w, 0).Key))
		}
		for i := range workloads.PartingsMax {
			require.True(t, workloads.Parting(w, 1))
			require.Equal(t, newest-workloads.PartingsMax+i, number(t, next(t, w, 1).Key),
				"the oldest that is left comes first")
		}
		require.False(t, workloads.Parting(w, 1))
	}
}

func TestPartingReadsComeOnTopOfTheMix(t *testing.T) {
	for name, share := range map[string]float64{"register": 5. / 205, "decision": 5. / (20/.75 + 5)} {
		w := newWorkload(t, name, workloads.Options{Clients: 10, Keys: 5, Nodes: five})
		count := 0
		for i := range 20000 {
			if workloads.Parting(w, i%10) {
				count++
			}
			next(t, w, i%10)
		}
		require.InDelta(t, share*20000, count, 100, fmt.Sprint(name, " has ", count))
	}
}
