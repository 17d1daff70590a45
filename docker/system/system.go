// Package system says what a system under test is: how its nodes are started and how its clients
// ask it to read, write and compare-and-set. The built-in Paxos register is one such value; other
// people's systems are others. Nothing else in Ordeal knows which system is under test.
package system

import (
	"context"
	"errors"

	"ordeal/history"
)

// ErrLost is wrapped by the error of Client.Ready when a node says that it has lost its disk and
// takes no part any more, which is for good.
var ErrLost = errors.New("stays out")

// A System is a replicated store that can be tested.
type System struct {
	// Name is how the system is called in scenarios and reports.
	Name string
	// Image is the reference of the container image, or "" for Ordeal's own, which holds nothing
	// but the running program at /ordeal.
	Image string
	// ClientPort is the TCP port that clients talk to.
	ClientPort int
	// DataDir is where the node's volume is mounted, or "" for none.
	DataDir string
	// Datagrams tells that the nodes talk to each other in datagrams only. Then nothing at all may
	// come from a paused node; where nodes keep connections, the kernel of a paused one goes on
	// acknowledging what arrives.
	Datagrams bool
	// MachineExits are the exit codes by which a node says that the machine failed it: a failed write
	// or sync. Such an end is not the system's mistake.
	MachineExits []int
	// Command returns the command line of one node, program first.
	Command func(c Cluster, n Member) []string
	// Files returns what the volume of a node must hold before its first start; it may be nil.
	Files func(c Cluster, n Member) ([]File, error)
	// Dial returns a client of one node; it does not connect yet.
	Dial func(e Endpoint) Client
}

// A Cluster is what every node is told about the whole.
type Cluster struct {
	// ID is unique to the run.
	ID      string
	Members []Member
}

// A Member is one node of a cluster.
type Member struct {
	// Name is the node's name, such as "n2".
	Name string
	// Number is its place in the cluster, from 1.
	Number int
	// Address is its IP address in the run's network.
	Address string
}

// A File is written to a node's volume before its first start.
type File struct {
	// Path is relative to the volume.
	Path string
	Data []byte
}

// An Endpoint is where a client finds a node.
type Endpoint struct {
	Node string
	// Address is host:port, of the node itself where it is routable, else of its published port.
	Address string
	// Forwarded is true when Address is a published port: then a port forwarder may accept a
	// connection for a dead node, and a refused connection is no longer the node's own word.
	Forwarded bool
}

// A Client asks one node. It is safe for concurrent use.
type Client interface {
	// Do runs an operation until it ends or ctx is done, and says how it ended; it never retries.
	Do(ctx context.Context, op history.Operation) history.Result
	// Ready returns nil when the node is up and ready to serve. Its error wraps ErrLost when the node
	// says that it never will, since its disk is lost.
	Ready(ctx context.Context) error
	// Close ends idle connections.
	Close()
}
