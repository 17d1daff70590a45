// Package simulation is an environment in virtual time: a cluster of the built-in register, its
// network, its disks and its clients' connections in one goroutine. It runs the code of
// node/replica and node/wal that runs in a container, under the loop, the workloads, the faults and
// the checks of a run in containers, and needs nothing installed.
//
// # What a seed means
//
// A World is a function of its Config and of what its user asks of it: the same run gives the same
// events at the same times, bit for bit, on any machine and with any number of processors. There
// is one queue of events in a total order (the time, then the order in which they were put there),
// no goroutine, no map is iterated where the order matters, and no decision uses floating point.
// Trace returns a running hash of all events, to be compared.
//
// Every random decision is made by hashing the seed with what the decision is about: the kind of
// decision, the link or the node, the client's operation that it serves and how often the same
// decision was due before. So nothing shifts the rest when one fault, client or message is taken
// away, which is what makes a run shrink.
//
// # What is simulated
//
//   - The network carries datagrams between nodes. It delays each by a random time, loses and
//     repeats some, and so reorders them (Network, and faults of the kind packets). A link that is
//     cut loses what arrives while it is cut, as a container's rules do.
//   - A disk writes and syncs in the background, one batch at a time, as node/server does. The end
//     of a process leaves what was written, the end of a machine (a fault of the kind crash) what
//     was synced, and of the rest what a random torn write leaves.
//   - A process ends at the boundary of two effects of one step: some of what the step asked for
//     was done and the rest was not, so that a broadcast may have reached one node only. Every
//     other kill and crash waits a while for a batch that is written and not yet synced. Every
//     fourth start after one ends while the node recovers, between two operations of its disk, and
//     so may a snapshot. A snapshot takes no time.
//   - A paused node's datagrams and requests wait, up to what a socket holds, and its timers are
//     due when it goes on.
//   - A disk may be slow, fail, or be full in the middle of a write, as faults say.
//   - A clock runs too fast or too slow, as a fault of the kind drift says. No clock is set to
//     another time: nodes ask for none, they only wait, and what they wait by is not set.
//   - Single datagrams that the conditions list are lost, and single timers run out unheard. Both
//     are named by what random decisions about them depend on, so that the run is the same until
//     then, and that the names stay when others are left out.
//
// Beside the histories, every message is compared with invariants of the protocol
// (Violations): one value under one ballot, promises that never go back, an acceptor that reports
// what it holds. An assertion that fails in a node ends that node, unasked.
package simulation
