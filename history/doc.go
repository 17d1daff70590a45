// Package history is the record of what happened in a run: the operations that clients called and
// how they ended, the faults that were injected and what showed that they bit, and marks between
// phases.
//
// The record is a sequence of events. An event's index is its place in that sequence and the only
// order that counts: an invocation is recorded before it is sent, a completion after it arrived,
// by one goroutine. Times are nanoseconds of one monotonic clock since the run began and are for
// people.
//
// On disk it is JSON Lines: one event a line, in the order of the indices, so that a file that
// was cut short by a crash is still a history, of everything up to the cut.
//
// A Reader gives one event after the other; ReadFile gives a Record, which is what is judged and
// holds each operation once.
//
// The package has no opinion on what is legal: that is linearizability's. It imports nothing of
// Ordeal's; everything else may import it.
package history
