// Package explore finds the smallest run that violates: for a planted bug and a class of
// violation, a run of the real nodes (package replica, with the bug's paxos.Rules) that no other
// undercuts in what counts. A shrinker's result is judged by it: how much larger is it than it
// need be?
//
// It is a search through the states of a small cluster, each visited once (explicit-state model
// checking; Clarke, Grumberg and Peled, Model Checking, 1999), in the order of what a run
// through them costs at the least (A*; Hart, Nilsson and Raphael, A Formal Basis for the
// Heuristic Determination of Minimum Cost Paths, 1968).
//
// # The model
//
// There are 3 or 4 nodes and one key: a register's, or a decree's. A run begins with empty disks
// and is any sequence of these (action.go):
//
//   - A client calls an operation at a node: a read, a write of a new value, a compare-and-set
//     to a new value that expects nothing or a value written by a call before; for a decree a
//     proposal or what the node's learner knows. Each is another client's, so that any of them
//     may be concurrent, and there are OperationsMax at the most. Requests and answers arrive at
//     once. Free.
//   - A datagram that a node ever sent another arrives. It costs 1 each time.
//   - A timer that a node waits for runs out, in any order. It costs 1.
//   - A node crashes and starts again at once, with a new boot number and what was synced. It
//     costs 1. It may crash between the steps that one event leads to, before it takes its own
//     messages: that is one event and one crash. Where the rules say so it may lose its disk,
//     too (amnesia), or find a batch of the log damaged that another follows, and take what
//     stood before for all (damage-is-end).
//
// What a node sends itself it takes at once, in order, or, with SelfLater, also later. What it
// persists is synced at once; what is marked Unsynced never is, until something that is not
// marked follows.
//
// A run violates in a class if the invariants of package invariants say so, or an assertion of a
// node fails (then the run is over), or if the linearizability checker gives the class to the
// history that the clients saw, as the harness would.
//
// Left out: datagrams of strangers, limits (of requests that wait, of ballots that a learner
// counts), a batch that was written and lost although it was to be synced, more than one key,
// nodes that stay down (nothing need be delivered to them), a crash within the effects of one
// step (a Persist comes before what is sent because of it, and what is sent need not arrive, so
// that such a crash is one before the step, or one after it), that a learner forgot what it had
// learned, compare-and-sets that expect what nobody writes, and wrong clocks (timers run out in any
// order). A disk that is lost under rules that
// let its node take part no more is the node's silence.
//
// # Why what is found is a smallest one
//
// Every way in which the search looks at fewer runs keeps one of the smallest:
//
//   - States are told apart by all that determines what comes (replica.AppendState; disks; all
//     that was ever sent; what the acceptors have said, where invariants are looked for; what
//     the clients saw, where histories are). What a node does depends on its own state only, so
//     that a cluster's state is one number for each node's state and one for the history's, and
//     the real code is asked once what an event makes of a node's state (local.go).
//   - Of a history only the order of returns and calls counts (past.go), and nothing of it where
//     only invariants are looked for.
//   - A call comes immediately before something that uses it: an event at its node, or the
//     delivery of what it had the node send. To move it there, past events that use nothing of
//     it, changes no event; it can only come after more returns, so that what was illegal still
//     is. The class may become another one of those that need one more operation to come before
//     another: so what is found is the smallest run of its class with calls that late. A call
//     that nothing uses can be left out. So the events that cost something use all calls since the
//     event before, of which there are at most two (expand.go).
//   - An operation that would wait for another one of its node is called after that one has
//     ended: the node does the same for it then.
//   - A crash that leaves the node as it was, but for its boot number, under which nothing was
//     said yet, is left out: boots can be renamed.
//
// The bound on what a run yet costs (bound.go, overtaken.go) is the higher of two.
//
// Unused events: in a smallest run each event that costs something is followed by one that uses
// it (a later one of its node, or the delivery of something that its node sent), unless clients
// were answered by it, or it is the violation. For what is in the past of none of these can be
// left out: what is left is a run, with the same answers. An event uses two nodes' last events
// at the most, and is unused itself, unless it answers. So n nodes with unused last events need
// n-1 more events before invariants are violated, and n/2 before a history is. (Two values under
// one ballot may be the work of two nodes: n-2.) The set of these nodes is part of what a visit
// is compared by: one that was reached at no higher cost with a part of the set is at least as
// good.
//
// Answers: before a history violates, some operations must yet be answered. Of one that has begun
// the node says how many acceptors' answers are missing, and the network which of them were sent;
// of one that has not, the rules say how large quorums are. An answer of another node is one
// delivery; it answers a question, which is one more, unless the rules let an answer answer two
// questions. The node's own answer is free. The cheapest operations that the class needs bound all:
// two applied compare-and-sets for two winners (of which one may never be answered, if somebody saw
// its value), those that overtaken.go argues for where a value
// was overtaken, somebody who saw a value that was never written. (Once it was seen, that its
// writer is told that it failed may show it: by a timer.) In any other case it is 1. A value must
// have been proposed before: the phase 1 that is nearest to its end is counted besides, and saved
// by one of the operations.
//
// The tests compare the search with one that has neither bound, and hold the second bound against
// all violations that a search without it finds. Confirm carries every run that was found out on
// nodes of its own.
//
// # The table
//
// For all bugs of the catalogue:
//
//	go test ./simulation/explore -run '^$' -bench Optimum -benchtime 1x
package explore
