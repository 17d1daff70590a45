// Package server is the shell around a replica: its sockets, its disk, its HTTP interface and its
// signals. Everything that decides anything is in package replica; here the contract of its Step is
// carried out, by a few goroutines:
//
//   - the loop alone touches the replica. It takes clients' requests, peers' messages, timers and
//     the disk's progress one at a time. It never waits for a socket or for the disk;
//   - the disk writes what has queued as one batch with one sync (group commit), and then says how
//     far it is. Only then does the loop let go of the messages that it held back. A failed write
//     or sync ends the process;
//   - a receiver and a sender own the UDP socket between peers. Whatever they cannot take or send
//     is a loss, which the protocol is made for;
//   - each HTTP request has a goroutine that waits for its answer. A client that goes away cancels
//     nothing.
//
// A node that finds its disk unformatted stays out: it binds no UDP socket and answers every
// operation with 503, but does not exit, so that it can be asked why. What it promised on the disk
// that it lost is forgotten, and nothing but a change of membership would make it safe again.
//
// # The interface for clients
//
// Texts are JSON strings in UTF-8, nothing (a register that was never written) is null. Keys have 1
// to 128 bytes, values at most 1,000.
//
//	GET  /v1/registers/KEY                                        200 {"value": …}
//	GET  /v1/registers/KEY?consistency=local                      200 {"value": …}
//	PUT  /v1/registers/KEY                  {"value": "x"}        200 {"value": "x"}
//	POST /v1/registers/KEY/compare-and-set  {"expected": …, "value": "y"}
//	                                                 200 {"applied": true|false, "value": …}
//	PUT or POST /v1/decrees/KEY             {"value": "x"}        200 {"chosen": "…"}
//	GET  /v1/decrees/KEY                                          200 {"learned": …}
//	GET  /v1/status     what the node is and has done, as JSON
//	GET  /healthz       200 when it is ready to serve, else 503 and why
//	GET  /metrics       in Prometheus's text format
//
// The default read is linearizable. A local read returns what this node's acceptor holds, and a
// learn what its learner knows: neither is linearizable. A compare-and-set returns the value that
// the register holds after it: its own, or the one that did not match what was expected.
//
// An operation that certainly has no effect, and never will, is answered 503 with {"outcome": "not
// applied", "reason": …}; one that may have taken effect, or may yet, 504 with {"outcome":
// "unknown", "reason": …}. A mistake in the request is answered 400, 404, 405 or 413 with
// {"error": …}; it had no effect.
package server
