// Package wal is an acceptor's durable memory: what it promised and accepted survives the death of
// its process and of its machine, because an acceptor answers only after what it answers is on disk
// (Lamport, Paxos Made Simple, 2001, section 2.5).
//
// A Log is a map from keys to their latest values, kept as one file of checksummed, chained batches
// behind a FileSystem of a few methods. The package knows nothing of Paxos: keys and values are
// bytes.
//
// The contract:
//
//   - What was appended is durable once Sync has returned nil, not before. A batch is one write and
//     one sync, and comes back whole or not at all.
//   - Open returns everything that was ever synced, and nothing that was not appended. It cuts a
//     batch that a crash tore, and refuses a disk that is damaged anywhere else with a DamageError
//     (the option RefuseDamage turns that off, for a node with a planted bug).
//   - A failed write or sync poisons the log: nothing is retried, and every later call fails. The
//     caller ends its process.
//   - Nothing here formats a disk by itself. Who creates a cluster formats each volume once, by
//     Format or with the bytes of FormatFiles; an empty disk is refused with ErrUnformatted, since
//     what an acceptor promised on it is forgotten.
//   - Each Open has a boot number, durable before Open returns and higher than all before it.
//
// The format, the steps of a recovery, what is assumed of a disk and what was measured stand in
// FORMAT.md beside this file. Directory is a FileSystem of the operating system; MemoryDisk is one
// in memory that can crash, tear, fail and fill up, for tests and simulations.
package wal
