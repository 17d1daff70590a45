// Package nemesis says what goes wrong in a run, and when: the vocabulary of faults, the named
// partitions, and schedules as data. A schedule is drawn from a seed or written by hand; either way
// it is a list of faults whose targets are the names of nodes, so that it can be printed, stored,
// edited, replayed and shrunk.
//
// The package is pure: it injects nothing. An environment (containers, or the simulator) does. All
// randomness comes from the caller's seed, and no decision uses floating point, so that a seed
// means the same schedule on any machine.
//
// # Schedules in YAML
//
// A schedule is a list, usually under the key "faults". A stored one carries the whole graph of
// each partition; by hand it is easier to name a partition and its targets:
//
//	faults:
//	  - {at: 2s, for: 4s, kind: partition, name: isolate-one, nodes: [n3]}
//	  - {at: 3s, for: 1s, kind: kill, nodes: [n1]}
//	  - {at: 9s, for: 3s, kind: partition, name: halves, groups: [[n1, n2], [n3, n4, n5]]}
//	  - {at: 14s, for: 2s, kind: partition, cut: {n1: [n2, n3], n2: [n1]}}
//
// The times at and for are durations with a unit ("1.5s", "250ms"). The key id is optional: faults
// without one are called f1, f2, … in the order of their times. What each name wants as its
// targets is said at [Fault.Resolve].
package nemesis
