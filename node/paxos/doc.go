// Package paxos is the protocol: ballots, the acceptor, the proposer and the learner, and the rules
// that they follow, as in Leslie Lamport, "Paxos Made Simple" (2001).
//
// A proposer that wants a value chosen takes a ballot that nobody else can use and asks a majority
// of acceptors to promise it (phase 1: prepare, promise). Each promise reports the proposal that
// the acceptor accepted last. The proposer must take over the state of the highest-numbered one;
// only where there is none is it free (P2c). Then it asks the acceptors to accept its proposal
// (phase 2: accept, accepted). What a majority accepted under one ballot is chosen, and every
// higher ballot will find it. An acceptor that has promised a higher ballot says so, and the
// proposer gives its ballot up.
//
// The register is the same protocol applied again and again, one instance a key: an operation is a
// change function, applied to the state that phase 1 recovered (Denis Rystsov, "CASPaxos:
// Replicated State Machines without logs", 2018). A read changes nothing, a write replaces the
// content, a compare-and-set replaces it if it is the expected one. Single-decree consensus is the
// instance whose change function never replaces anything.
//
// Everything here is a plain value with methods: no clock, no disk, no network, no goroutine, no
// randomness. Nothing is safe for concurrent use. Package replica composes the roles of one node.
//
// Every decision is a named function in Rules. A bug of the catalogue (Bugs) is Rules with one
// function replaced.
package paxos
