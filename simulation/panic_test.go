package simulation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/replica"
)

// Wherever a node's own code panics, it is the node that ends, and nothing else.
func TestANodeThatPanicsEndsByItself(t *testing.T) {
	for name, provoke := range map[string]func(n *node){
		"start": func(n *node) {
			n.end("killed")
			n.world.config.Nodes = 0
			n.boot()
		},
		"sync": func(n *node) {
			n.gate = replica.Gate{}
			n.writer.synced(1)
		},
		"write": func(n *node) {
			n.writer.queued, n.writer.log = make([]replica.Persist, 1), nil
			n.writer.write()
		},
		"step": func(n *node) {
			n.replica = nil
			n.step(replica.Timeout{}, 0)
		},
	} {
		w := aWorld(t)
		n := w.nodes[0]
		require.NotPanics(t, func() { provoke(n) }, name)
		require.Equal(t, dead, n.state, name)
		var told []string
		w.OnExit(func(node, detail string, byItself bool) {
			require.True(t, byItself)
			require.Contains(t, detail, "panic: ", name)
			told = append(told, node)
		})
		require.Equal(t, []string{"n1"}, told, name)
	}
}
