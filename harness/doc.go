// Package harness takes one test from plan to verdict.
//
//	plan → schedule ─┐                          ┌→ linearizability ─┐
//	     → workload ─┤→ driver → history.jsonl ─┤                   ├→ findings → verdict → run.json
//	     environment ┘                          └→ other checks ────┘
//
// There is one loop, the driver. It asks the workload for the next operation and the schedule for
// the next fault, hands both to an Environment, and records what comes back. It is event-driven and
// single-threaded: the same loop runs in real time over containers and in virtual time.
//
// A run has these phases: load (clients and faults), recovery (the last fault is healed, the load
// goes on, and every live key is written and read through every node), final reads, a last look at
// every node, and then, with the environment gone unless it is kept, the check. What was recorded
// is judged whatever else went wrong.
package harness
