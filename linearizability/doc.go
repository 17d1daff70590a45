// Package linearizability judges whether a history was legal: whether its operations could have
// happened one at a time, each at some instant between its call and its return, on a single
// correct register or consensus instance (Herlihy and Wing, Linearizability: A Correctness
// Condition for Concurrent Objects, TOPLAS 1990). Linearizability is local (theorem 1 there), so
// every key is judged for itself.
//
// A key goes through these steps, each in a file of its own that says why it is sound:
//
//  1. The history is checked for being one at all (validate.go). An invalid history is an error
//     and never a violation.
//  2. Operations that certainly never happened, and unknown reads, are left out (calls.go).
//  3. Where the values written are unique within the key (unique.go), unknown operations that
//     somebody saw the effect of are bounded by that (bound.go), and the others are dropped
//     (drop.go). No unknown operation is left, and those are what makes a search explode.
//  4. Such a key is decided in O(n log n) (decide.go, on the blocks of blocks.go; decision.go for
//     consensus). It is legal by a witness, an order with an instant for each operation
//     (witness.go), or illegal by a certificate, a few operations that are illegal by themselves
//     (certificate.go). Porcupine has the last word on both, in linear time (confirm.go). Should it
//     disagree, the key is Disputed: the mistake is Ordeal's.
//  5. Of any other key it is looked whether an answer is impossible whatever the order
//     (impossible.go). If none is, porcupine searches alone (search.go), longer and longer parts of
//     the key and then the whole, within the share of the time budget that the key is given
//     (schedule.go) and a memory budget (memory.go), in another process if it takes long
//     (child.go). A key without an answer within these is Unknown: never legal, never illegal.
//  6. A violation is reduced to a few operations that are illegal by themselves (shrink.go),
//     named (classify.go) and told in words (sentence.go).
//
// Check is given the whole history. One that does not fit in memory is judged in parts (parts.go).
//
// CheckDecision judges what a linearizability checker cannot see in single-decree consensus: what
// learners learned.
//
// Everything is a pure function of the history but search.go, confirm.go, schedule.go, memory.go
// and child.go, which use the clock, goroutines, processes and the runtime's figures and alone
// decide how long to go on, and page.go, which draws within a fixed time and memory. No type of
// porcupine leaves the package.
package linearizability
