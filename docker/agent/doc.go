// Package agent is what runs beside each node: the process that owns the node's network namespace,
// cuts it off from its peers and measures what still arrives.
//
// The agent's container is started first and owns the namespace, the address and the published
// port; the node joins it. So rules, counters, address and stream outlive any number of kills and
// starts of the node. The first process of the container is a tiny holder, whose only work is to
// exist and to restart its worker. The worker speaks netlink itself, and needs nothing but
// CAP_NET_ADMIN.
//
// # Cuts
//
// A cut is a rule at the receiver that drops all that arrives from a peer's address, in UDP, TCP or
// anything else, established flows too. There is never a rule on the way out: that would return
// EPERM to the sender, and a node must not be able to see that it is cut. All rules stand in a
// table of the agent's own, are changed as one transaction, and outlive the worker: the next one
// adopts them.
//
// # Measuring
//
// Each worker sends every other a small numbered datagram each ProbeInterval and reports what
// arrived from whom; one-way, so that a one-way cut shows as one. Counters in the same table tell
// how many packets were dropped and how many others got through, per sender.
//
// # Talking
//
// The harness talks over the container's standard streams, which no cut can reach: one JSON object
// a line, a Request in and a Response out. Each request carries the whole configuration and is
// idempotent, so that it can simply be sent again when a worker dies with it. When the stream ends,
// or nothing was heard for SilenceLimit, the worker heals the node by itself and says so.
package agent
