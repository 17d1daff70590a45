// Package docker is the environment of real containers: it starts the nodes of a system under test
// on a Docker engine, breaks them and their network, measures that they are broken, and leaves
// nothing behind. All that Ordeal asks of the Docker Engine API is asked here.
//
// # Who owns the network
//
// Beside each node stands an agent (package agent), and it is the agent's container that owns the
// network namespace, the address and the published port. It starts first and the node joins it. A
// container's own namespace is replaced whenever the container starts again: an agent that had
// joined the node's would be left, after the first kill, in a namespace with nothing but loopback,
// reporting rules as in force that no packet passes any more. This way round the namespace, the
// address, the port, the rules, their counters and the stream to the harness all survive any number
// of kills and starts of the node, and a node can be cut off before it has started.
//
// # Evidence
//
// A cut is shown by what the agents' probes and the receivers' counters say, link by link, after
// its start and again just before its heal: nothing arrives, and something was dropped. After the
// start it is also shown that all links that no fault cuts still carry probes. A heal is shown by
// probes on the links that are open again. A kill is shown by the state that the engine reports,
// and a stop by its exit code too. A pause is shown by the CPU time of the node's control group,
// which stands still from its start to its end, and by the agents, at whom no packet of the node's
// arrives. A wipe is shown by what the one container reports that has the dead node's volume and
// empties it. What a kind of fault needs is tried at the start, for those that will be asked for.
//
// # Clean
//
// Everything carries labels that name the run and the process that owns it. Start removes what has
// no living owner; Close removes all that the run made, whatever state it is in; Clean does both by
// hand. Calls that make something are not given up with their caller, lest the engine make it
// afterwards, but only when the engine has not answered for a minute.
package docker
