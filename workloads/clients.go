package workloads

import (
	"fmt"
	"math/rand/v2"

	"ordeal/history/stream"
)

// clients are the callers of a workload: each has a node and a stream of random numbers.
type clients struct {
	nodes   []string
	streams []*rand.Rand
}

func newClients(workload string, o Options) clients {
	c := clients{nodes: o.Nodes}
	for i := range o.Clients {
		label := fmt.Sprintf("workloads/%s/client/%d", workload, i)
		c.streams = append(c.streams, stream.New(o.Seed, label))
	}
	return c
}

// has tells whether client is a client's number.
func (c clients) has(client int) bool { return 0 <= client && client < len(c.streams) }

// node returns the name of the node that a client calls.
func (c clients) node(client int) string { return c.nodes[client%len(c.nodes)] }
