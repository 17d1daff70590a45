// Package server is the shell around a replica: its sockets, its disk, its HTTP interface and its
// signals. Everything that decides anything is in package replica; here the contract of its Step is
// carried out, by a few goroutines:
//
//   - the loop alone touches the replica. It takes clients' requests, peers' messages, timers and
//     the disk's progress one at a time. It never waits for a socket or for the disk;
//   - the disk writes what has queued as one batch with one sync (group commit), and then says how
//     far it is. Only then does the loop let go of the messages that it held back. A failed write
//     or sync ends the process. With the bug forget-accepted a batch of nothing but acceptances is
//     written without a sync, which comes with the next batch;
//   - a receiver and a sender own the UDP socket between peers. Whatever they cannot take or send
//     is a loss, which the protocol is made for;
//   - each HTTP request has a goroutine that waits for its answer. A client that goes away cancels
//     nothing.
//
// A node that finds its disk unformatted stays out: it binds no UDP socket and answers every
// operation with 503, but does not exit, so that it can be asked why. What it promised on the disk
// that it lost is forgotten, and nothing but a change of membership would make it safe again. This
// is the rule paxos.Rules.MayTakePart; with the bug that replaces it (amnesia) the node formats the
// disk for itself and takes part, with boot number 1 again.
//
// A node that finds its log damaged where no crash can have torn it ends at once, with the place of
// the damage. This is the rule paxos.Rules.DamageIsRefused; with the bug that replaces it
// (damage-is-end) the node goes on with what stands before the damage.
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
//	GET  /healthz       200 {"ready": true}
//	                    503 {"ready": false, "reason": "…"}
//	                    503 {"ready": false, "reason": "…", "lost": true}
//	GET  /metrics       in Prometheus's text format
//
// A node that is lost stays out because its disk is not formatted: waiting does not help. It says
// so for as long as it runs.
//
// The default read is linearizable. A local read returns what this node's acceptor holds, and a
// learn what its learner knows: neither is linearizable. A compare-and-set returns the value that
// the register holds after it: its own, or the one that did not match what was expected.
//
// An operation that certainly has no effect, and never will, is answered 503 with {"outcome": "not
// applied", "reason": …}; one that may have taken effect, or may yet, 504 with {"outcome":
// "unknown", "reason": …}.
//
// A mistake in the request is answered with {"error": …}, which says what is wrong and what there
// is instead, and has no effect:
//
//	400  the key or the body is not UTF-8; the body is not one JSON object that has each of its
//	     members once, as a string, or null where that is allowed, and no others; a parameter that
//	     there is not, or twice (/metrics takes any); a body where none is taken
//	404  no such path. Paths are taken as they are: "//" and "/../" are no part of any
//	405  no such method here; the header Allow names those that there are
//	408  the request did not arrive within ten seconds of its begin
//	413  the key, a value or the body (16 KiB) is too long
//
// What is not HTTP at all is answered by the HTTP library, in plain text (400, 431, 501), or not at
// all, if its head does not arrive within five seconds. The header Content-Type is not looked at:
// curl sends that of a form.
package server
