package agent

import "time"

const (
	// ProbePort is the UDP port that agents probe each other on. It lies below the range that
	// kernels take a socket's own port from, and a system under test must not listen on it.
	ProbePort = 7469
	// ProbeInterval is the time between two probes to the same peer.
	ProbeInterval = 50 * time.Millisecond
	// SilenceLimit is how long a worker waits for a word of the harness before it heals.
	SilenceLimit = 10 * time.Second
)

// A Request is one line from the harness. One without Drop only asks for the report, and is a sign
// of life.
type Request struct {
	// ID is returned in the response; it is not 0.
	ID int64 `json:"id"`
	// Configuration is who is who; it is the same in every request of a run.
	Configuration Configuration `json:"configuration"`
	// Drop, when set, is the whole set of peers whose packets are dropped from now on. What was
	// dropped before and still is keeps its counter.
	Drop *[]string `json:"drop,omitempty"`
}

// A Configuration tells an agent which node it stands beside and where all the nodes are.
type Configuration struct {
	// Node is the name of the agent's own node.
	Node string `json:"node"`
	// Addresses maps the names of all nodes, its own too, to their IPv4 addresses.
	Addresses map[string]string `json:"addresses"`
}

// A Response is one line from the agent: the answer to the request of the same ID or, with ID 0,
// what a worker says when it starts or heals by itself.
type Response struct {
	ID int64 `json:"id"`
	// Error is set when the request could not be carried out in full; the report is valid anyway.
	Error  string `json:"error,omitempty"`
	Report Report `json:"report"`
}

// A Report is what a worker has seen. Counts only grow, except when Worker changes: the counts of
// probes begin again with each worker, those of packets belong to the rules and outlive it.
type Report struct {
	// Worker numbers the workers of one agent, from 1.
	Worker int `json:"worker"`
	// Sent counts the rounds of probes that were sent, one probe to every peer each.
	Sent uint64 `json:"sent"`
	// Peers is what came from each other node.
	Peers map[string]Peer `json:"peers,omitempty"`
	// SelfHealed counts how often the worker removed drops that nobody had asked it to remove, and
	// SelfHealedWhy says why it last did.
	SelfHealed    int    `json:"self_healed,omitempty"`
	SelfHealedWhy string `json:"self_healed_why,omitempty"`
}

// A Peer is what came from one other node.
type Peer struct {
	// Cut tells whether a rule that drops its packets is in force.
	Cut bool `json:"cut,omitempty"`
	// Probes counts the probes that arrived, and Quiet is the time in milliseconds since the last
	// one did: -1 if none has.
	Probes uint64 `json:"probes"`
	Quiet  int64  `json:"quiet_ms"`
	// Packets counts all other packets that arrived, whatever their protocol: the node's own.
	Packets uint64 `json:"packets"`
	// Dropped counts the packets that the rule dropped, probes included; 0 without a rule.
	Dropped uint64 `json:"dropped,omitempty"`
}
