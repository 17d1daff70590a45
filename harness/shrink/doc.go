// Package shrink makes a run of the simulator that violates as small as it can, by leaving things
// out and looking, every time, whether the same class of violation is still there.
//
// The operations that the run called are listed first, each with its time and with the number by
// which the simulator keys what is random about it, so that leaving one out shifts no other. From
// then on delta debugging (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing
// Input, TSE 2002) takes away operations, keys, clients, faults and nodes, and makes what is left
// of the faults and of the network's conditions simpler.
//
// While the run is large a step is tried with the simulation's seed as it is. Once it is small a
// step is tried with other seeds too: what needed a certain timing before may need another one now,
// and without that the search would end in the first small run that depends on everything.
//
// Every other one of these tries loses datagrams by chance: a run that does without one operation
// more may need one datagram less. At last single datagrams and timers are listed to be left out
// (nemesis.Conditions: Lose, Mute), those that chance has lost among them, for as long as fewer
// deliveries, crashes and timeouts are left until the violation is there. That is the grain in
// which model checkers count steps. What is left may not need all of its operations any more, so
// that both are repeated. Containers leave nothing out, so that a Steady shrinking lists nothing.
//
// What comes out is 1-minimal in faults and operations, unless the time ran out: without any single
// one of them the violation is not found, neither with the timing that it ends with nor with any
// that was tried. Nor does any single delivery or timeout, left out as well, leave a smaller run
// that violates, where the run has few enough events for that to be tried (messageEventsMax). It is
// the same for the same run and the same program, whatever the number of processors, unless the
// time ran out.
package shrink
