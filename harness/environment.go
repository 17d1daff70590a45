package harness

import (
	"context"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
)

// An Environment is where a run takes place: real containers, or the simulator. It is event-driven:
// every method but Step, CollectLogs and Close returns at once, and every callback is run by Step,
// on the caller's goroutine, one at a time and never from inside the method that it was given to.
// So the loop that uses it needs no locks, and the same loop runs in real and in virtual time.
type Environment interface {
	// Describe says where the run takes place, in words: names and versions.
	Describe() map[string]string
	// Nodes returns the names of the nodes, in order.
	Nodes() []string
	// Now returns the time since the environment was started, on a monotonic clock.
	Now() time.Duration
	// After calls f once d has passed. The function that it returns cancels the call; cancelling
	// twice, or too late, does nothing.
	After(d time.Duration, f func()) (cancel func())
	// Step waits for the next thing that happened and runs its callback. It returns ctx's error
	// when ctx is done first.
	Step(ctx context.Context) error

	// Invoke starts an operation on op.Node and calls done exactly once, within timeout and a
	// little more, with how it ended.
	Invoke(op history.Operation, timeout time.Duration, done func(history.Result))
	// Inject makes a fault happen and calls done exactly once, with what shows that it bites. An
	// error means that it is not known whether it bites: it must be healed all the same.
	Inject(f nemesis.Fault, done func(history.Evidence, error))
	// Heal ends a fault and calls done exactly once, with what was measured just before its end and
	// what shows that it is gone. Healing twice, or what was never injected, is not an error.
	Heal(f nemesis.Fault, done func(history.Evidence, error))
	// Probe asks whether a node is up and ready to serve, and calls done exactly once.
	Probe(node string, done func(error))
	// Unable returns why faults of a kind cannot be injected here, and what would help; nil if they
	// can.
	Unable(kind nemesis.Kind) error
	// OnFailure sets the callback for the failure of the environment itself, after which it can
	// neither inject nor heal: the run ends. It is called once at most.
	OnFailure(f func(error))
	// OnExit sets the callback for nodes that end without having been asked to, with what is
	// known: the exit code and the last line of the log. byItself tells a node's own doing, such as
	// a panic, from what somebody else on the machine, or the machine itself, did to it.
	OnExit(f func(node, detail string, byItself bool))

	// CollectLogs writes every node's log into dir, as NAME.log, whatever state the nodes are in.
	CollectLogs(ctx context.Context, dir string) error
	// Close ends every client, waits for them, heals what is still broken, and removes everything
	// that the environment made. It can be called at any time, and twice.
	Close(ctx context.Context) error
}
