// Package replica is the logic of one node: it answers clients by taking ballots through the two
// phases, and it is an acceptor and a learner for every key. It is pure: events go in, effects come
// out. It knows no clock, socket, disk or goroutine, so that the same code runs in a container and
// in virtual time.
//
// The contract of Step. Its caller must:
//
//  1. carry out the effects of one Step in their order, and finish before the next Step, except
//     that writing and syncing may go on;
//  2. write the acceptor of every Persist to the log, in order, and sync it. One that is marked
//     Unsynced, which the correct rules never do, need only be written: it is synced together with
//     the next that is not marked, or whenever it suits the caller, or never;
//  3. hold a Send that is marked AfterSync back until every Persist that came before it, in this
//     Step or an earlier one, is synced (one that is marked Unsynced: written). What an acceptor
//     says must survive its crash; a report of an acceptance that is still unsynced could vanish
//     after a reader has relied on it. A Gate does the holding;
//  4. deliver messages of a node to itself like any other's: after step 3, in a later Step;
//  5. fire every timer once, at about its time.
//
// Losing, delaying, repeating and reordering messages between nodes is all right at any time.
// Crashing is all right at any time: a new Replica, with a higher boot number and the acceptors
// that the log holds, takes over. Those are what was synced and, after what was synced last, a
// beginning of what was written since: all of it if only the process ended, and possibly nothing of
// it if the machine did.
//
// What becomes of an operation. A node has one operation in flight a key; others wait. Each has a
// stamp (node, boot, sequence) which the state carries once the operation is part of it. An
// operation whose accept may have reached someone is "unsettled": a later ballot may revive it.
//
//   - Applied is said when a state that carries the stamp is chosen.
//   - Not applied, of an unsettled operation, may be said only after a higher ballot without it was
//     chosen. Phase 1 alone can miss an accept at one acceptor, which a later ballot revives. So a
//     condition that fails after an unsettled attempt is answered after phase 2, never before.
//   - An operation whose time is over while it is unsettled is answered "unknown".
//
// Retrying an unsettled operation under a higher ballot is safe because the stamp is looked for
// first. If the recovered state carries it, that state is completed unchanged. If not, then the
// earlier proposal is not an ancestor of the recovered state; the new proposal descends from that
// state; chosen states form one chain, in which each proposal descends from the one before; so at
// most one of the two ever becomes part of it.
package replica
