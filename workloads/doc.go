// Package workloads says what the clients try: generators of operations, and which model judges
// what comes back.
//
// A generator is pure: it has no clock and no goroutine, and all its randomness comes from the
// seed, in a stream of its own for each client. It is asked for the next operation of a client and
// told how operations ended; it never waits. Equal calls in equal order give equal operations.
//
// # What depends on the timing of others
//
// Each client draws the same number of random numbers for every operation of its own, so the kinds
// of these, and the places of the keys that they use, are those of its stream whatever the others
// do. Between them come parting reads, which draw nothing (see Keys). What does depend on the order
// in which clients are served is what they share: the key that stands at a place at the moment
// (keys are replaced after a number of operations), the numbers that are written, and the value
// that a compare-and-set expects.
//
// # Keys
//
// A workload uses a few live keys at a time, each at a place, and replaces each by a fresh one
// after a number of operations: so operations of unknown outcome age out, and checking stays cheap.
// The keys at a place are numbered, so all that were ever used are known by counting and no list of
// them is kept: memory does not grow with the length of the run.
//
// A key that was replaced is read once more through every node that a client calls (a decision is
// asked of its learner): the next client of the node that asks for an operation gets that read, and
// draws nothing for it. These parting reads are not among the operations after which a key is
// replaced, and come on top of the mix that a workload documents: of registers that are replaced
// after m operations, with n nodes, they are n in m+n of all operations. At most 64 keys wait for
// their reads at a node; of more the oldest are left out, and so are nodes without a client, where
// there are fewer clients than nodes. All keys are read at the end of the run, as far as there is
// time.
package workloads
