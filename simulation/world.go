package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ordeal/nemesis"
	"ordeal/node/paxos"
	"ordeal/node/store"
	"ordeal/simulation/invariants"
)

// stepEvents is how many events one Step takes at the most when none of them calls back.
const stepEvents = 256

// A Config is what a World is made of.
type Config struct {
	// Seed decides everything that is random.
	Seed uint64
	// Nodes is how many there are: n1, n2 and so on.
	Nodes int
	// Bug is the mistake of the catalogue that every node makes, "" for none.
	Bug string
	// Conditions are how the network and the disks are while no fault interferes, until Calm; then
	// they are as by default, so that it can be asked of the nodes that they serve again. A Calm of
	// 0 never comes. What they list to be left out is left out after Calm too.
	Conditions nemesis.Conditions
	Calm       time.Duration
	// Observe, if it is not nil, is told of everything that happens, in order. It must not keep
	// what a Happening points to.
	Observe func(Happening)
}

// A World is a cluster in virtual time. It is a harness.Environment; all of it runs on the caller's
// goroutine, inside Step, and nothing in it waits.
type World struct {
	config Config
	seed   uint64
	rules  paxos.Rules

	now   int64
	queue *queue
	// conditions are those of now, table that of their spread.
	conditions nemesis.Conditions
	table      *[33]int64
	// snapshotBytes is the length of a log at which its node takes a snapshot.
	snapshotBytes int64
	trace         trace

	nodes  []*node
	byName map[string]*node
	names  []string
	// network holds what is between the nodes, clients what is between them and their clients.
	network network
	clients clients
	checks  checks
	faults  faults
	// mute are the timers that are listed as unheard.
	mute omissions

	onExit func(node, detail string, byItself bool)
	// unheard tell of ends of nodes before anybody listened.
	unheard []func()
}

// Start makes a cluster whose nodes serve from the first moment on, each on a disk that was
// formatted for it. The error names what in c cannot be.
func Start(c Config) (*World, error) {
	rules, err := paxos.BugNamed(c.Bug)
	if err != nil {
		return nil, err
	}
	if c.Nodes < 1 || c.Nodes > paxos.NodesMax {
		return nil, fmt.Errorf("a cluster of %d nodes (accepted: 1 to %d)", c.Nodes, paxos.NodesMax)
	}
	if err := c.Conditions.Validate(); err != nil {
		return nil, err
	}
	lose, err := lost(c.Conditions.Lose)
	if err != nil {
		return nil, err
	}
	w := &World{
		config: c, rules: rules, mute: muted(c.Conditions.Mute),
		seed: mix(c.Seed, 0x6f726465616c), byName: map[string]*node{},
		queue: queues.Get().(*queue),
	}
	w.onExit = func(node, detail string, byItself bool) {
		w.unheard = append(w.unheard, func() { w.onExit(node, detail, byItself) })
	}
	w.endure(c.Conditions)
	w.checks.Checker = invariants.NewChecker()
	w.network = newNetwork(w)
	w.network.lose = lose
	w.clients = newClients()
	w.faults = newFaults()
	for i := range c.Nodes {
		n := newNode(w, i)
		w.nodes = append(w.nodes, n)
		w.names = append(w.names, n.name)
		w.byName[n.name] = n
	}
	for _, n := range w.nodes {
		if err := n.format(); err != nil {
			return nil, errors.Join(err, w.Close(context.Background()))
		}
		n.boot()
	}
	if c.Calm > 0 {
		e := w.queue.push(int64(c.Calm))
		e.kind = happensCalm
	}
	return w, nil
}

// endure lets conditions begin.
func (w *World) endure(c nemesis.Conditions) {
	w.conditions, w.table = c, quantiles[c.Spread]
	w.snapshotBytes = cmp.Or(c.Snapshot, store.SnapshotLogBytes)
}

// Describe says what is simulated, in words.
func (w *World) Describe() map[string]string {
	return map[string]string{
		"name":    "simulation",
		"network": w.config.Conditions.String(),
		"time":    "virtual",
	}
}

// Nodes returns the names of the nodes, n1 first. The slice is the caller's.
func (w *World) Nodes() []string { return append([]string(nil), w.names...) }

// Now returns the virtual time since Start.
func (w *World) Now() time.Duration { return time.Duration(w.now) }

// After calls f once d has passed. The function that it returns cancels the call; cancelling twice,
// or too late, does nothing.
func (w *World) After(d time.Duration, f func()) (cancel func()) {
	e := w.queue.push(w.now + int64(max(d, 0)))
	e.kind, e.fire, e.number = happensCallback, f, w.queue.order
	order := w.queue.order
	return func() {
		// The slot may be another event's by now, or one of another world's.
		if w.queue != nil && e.kind == happensCallback && e.number == order {
			e.fire = nil
		}
	}
}

// post calls f in a later step, at the present time.
func (w *World) post(f func()) { w.After(0, f) }

// Step lets time pass until something calls back, or for some hundred events. It returns ctx's
// error when ctx is done.
func (w *World) Step(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.queue == nil {
		return errors.New("the simulation is closed")
	}
	queue := w.queue
	for range stepEvents {
		e, at := queue.pop()
		if e == nil {
			return errors.New("nothing is left to happen in the simulation")
		}
		w.now = at
		calledBack := w.happen(e)
		if w.queue == nil {
			break // the world was closed
		}
		queue.release(e)
		if calledBack {
			break
		}
	}
	return nil
}

// OnFailure takes a callback that is never called: a World does not fail.
func (*World) OnFailure(func(error)) {}

// OnExit sets the callback for nodes that end without having been asked to: by an assertion that
// failed, or by an error of their disk that no fault has brought about.
// Those that have ended by now are told of at once.
func (w *World) OnExit(f func(node, detail string, byItself bool)) {
	w.onExit = f
	for _, tell := range w.unheard {
		tell()
	}
	w.unheard = nil
}

// Trace returns the number of events so far and a hash of them, of their order and of their times.
func (w *World) Trace() (events uint64, hash string) {
	return w.trace.events, fmt.Sprintf("%016x", w.trace.hash)
}

// Violations returns what was seen of the nodes that no correct node does, with its class, in the
// order of its occurrence.
func (w *World) Violations() iter.Seq2[string, string] {
	return func(yield func(class, what string) bool) {
		for _, f := range w.checks.found {
			if !yield(f.Class, f.What) {
				return
			}
		}
	}
}

// CollectLogs writes what happened to each node into dir, as NAME.log.
func (w *World) CollectLogs(_ context.Context, dir string) error {
	for _, n := range w.nodes {
		text := strings.Join(n.log, "")
		if err := os.WriteFile(filepath.Join(dir, n.name+".log"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the simulation: nothing happens any more.
func (w *World) Close(context.Context) error {
	if w.queue != nil {
		w.queue.reset()
		queues.Put(w.queue)
		w.queue = nil
	}
	return nil
}
