package replica

import (
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/node/paxos"
)

// A walk drives a cluster at random: a few operations on a key or two, while messages are delivered
// in any order, lost and repeated, nodes crash, some with their disks, and timers run out early.
// Then all is healed, every node that takes part is read, and the history is judged. A seed gives
// the same walk every time.
type walk struct {
	*watcher
	cluster  *cluster
	random   *rand.Rand
	strategy strategy
	keys     []paxos.Key
	moves    moves
	// quickRestart: a node that crashes is back at once.
	quickRestart bool
	// losses is how many disks may yet be wiped or damaged: a minority in all, since the correct
	// rules keep their nodes out for good.
	losses int
	// kinds are the operations on registers to draw from.
	kinds []paxos.ChangeKind
	// left is how many operations are yet to be called.
	left    int
	history []record
	// clock counts the calls and returns.
	clock int
}

// The kinds of moves.
const (
	moveDeliver = iota
	moveCall
	moveSync
	moveLose
	moveRepeat
	moveRetry
	moveDeadline
	moveCrash
	moveRestart
	moveWipe
	moveDamage
	moveKinds
)

// moves say how often each kind of move is made, against each other.
type moves [moveKinds]int

// mixes of operations: what some need to be seen, others hide.
var mixes = [][]paxos.ChangeKind{
	{paxos.ChangeRead, paxos.ChangeWrite, paxos.ChangeCompareAndSet},
	{paxos.ChangeCompareAndSet},
	{paxos.ChangeRead, paxos.ChangeRead, paxos.ChangeWrite},
	{paxos.ChangeRead, paxos.ChangeCompareAndSet, paxos.ChangeCompareAndSet},
}

// The most that happens in a walk before it is healed, and after.
const (
	walkMovesMax   = 300
	settleStepsMax = 20_000
	operationsMax  = 8
)

func newWalk(seed uint64, rules paxos.Rules) *walk {
	random := rand.New(rand.NewPCG(seed, 0))
	sizes := []int{3, 3, 3, 4, 5}
	size := sizes[random.IntN(len(sizes))]
	w := &walk{watcher: newWatcher(size), random: random}
	w.strategy = strategies[seed%uint64(len(strategies))].make(size, random)
	w.cluster = newCluster(size, walkConfig(w.watch(rules)), w)
	w.keys = []paxos.Key{{Name: "x"}}
	switch random.IntN(5) {
	case 0:
		w.keys = []paxos.Key{{Space: paxos.Decrees, Name: "d"}}
	case 1:
		w.keys = append(w.keys, paxos.Key{Name: "y"})
	}
	w.left = 2 + random.IntN(operationsMax-1)
	w.cluster.syncLater, w.quickRestart = random.IntN(2) == 0, random.IntN(2) == 0
	w.kinds = mixes[random.IntN(len(mixes))]
	// Each disturbance is left out of some walks, so that the others show ("swarm testing").
	some := func(most int) int { return max(0, random.IntN(most+1+most/2)-most/2) }
	w.moves = moves{
		moveDeliver: 60, moveCall: 1 + random.IntN(20), moveSync: 15, moveRestart: 8,
		moveLose: some(8), moveRepeat: some(8), moveRetry: some(8), moveDeadline: some(2),
		moveCrash: some(2), moveWipe: drawLosses(seed, 1), moveDamage: drawLosses(seed, 2),
	}
	w.losses = (size - 1) / 2
	return w
}

// drawLosses puts a way to lose a disk into a quarter of the walks. Most bugs are seen sooner while
// all nodes are up. Each has a stream of its own, so that a walk without it is the same as if there
// were no such thing.
func drawLosses(seed, stream uint64) int {
	if rand.New(rand.NewPCG(seed, stream)).IntN(4) == 0 {
		return 1
	}
	return 0
}

func walkConfig(rules paxos.Rules) Config {
	return Config{
		Rules: rules, RequestTimeout: time.Second, Retransmit: 50 * time.Millisecond,
		BackoffLimit: 4 * time.Millisecond, BackoffMost: 20 * time.Millisecond,
	}
}

// A finding is what is wrong with a walk; the zero finding is nothing.
type finding struct {
	// illegal: no single copy of the data would have given the clients these answers.
	illegal bool
	// broken is an invariant that did not hold, or an assertion that failed.
	broken string
}

func (f finding) any() bool { return f.illegal || f.broken != "" }

// run makes the walk and judges it.
func (w *walk) run() (found finding) {
	w.wander()
	found.broken = w.broken
	for _, key := range w.keys {
		var judged []record
		for _, r := range w.history {
			if r.key == key && !r.learn {
				judged = append(judged, r)
			}
		}
		found.illegal = found.illegal || !linearizable(judged) || !w.learnersAgree(key)
	}
	return found
}

// wander does everything but the judging. An assertion that fails ends it.
func (w *walk) wander() {
	defer func() {
		if r := recover(); r != nil {
			w.fail("assertion: %v", r)
		}
	}()
	for moved, tries := 0, 0; moved < walkMovesMax && tries < 2*walkMovesMax; tries++ {
		if w.move() {
			moved++
		}
	}
	w.settle()
}

// move tries to make one thing happen and tells whether it could.
func (w *walk) move() bool {
	total := 0
	for _, weight := range w.moves {
		total += weight
	}
	kind, at := 0, w.random.IntN(total)
	for ; at >= w.moves[kind]; kind++ {
		at -= w.moves[kind]
	}
	c := w.cluster
	if kind >= moveDeliver && kind <= moveRepeat && kind != moveCall && kind != moveSync {
		return w.moveMessage(kind)
	}
	m := c.members[w.random.IntN(len(c.members))]
	switch {
	case kind == moveRestart && m.replica == nil:
		return c.start(m)
	case m.replica == nil:
		return false
	case kind == moveCall && w.left > 0:
		w.left--
		w.call(m, w.draw(m))
	case kind == moveSync && len(m.unsynced) > 0:
		c.sync(m)
	case kind == moveRetry || kind == moveDeadline:
		return w.moveTimer(m, kind == moveDeadline)
	case kind == moveCrash:
		c.crash(m, w.random.IntN(len(m.unsynced)+1))
		w.crashed(m)
	case kind == moveWipe && w.losses > 0:
		w.losses--
		c.wipe(m)
		w.crashed(m)
	case kind == moveDamage && w.losses > 0 && len(m.log) > 1:
		w.losses--
		c.damage(m, w.random.IntN(len(m.log)-1))
		w.crashed(m)
	default:
		return false
	}
	return true
}

// crashed ends what a node that has just crashed was doing.
func (w *walk) crashed(m *member) {
	w.abandon(m)
	if w.quickRestart {
		w.cluster.start(m)
	}
}

func (w *walk) moveMessage(kind int) bool {
	c := w.cluster
	place := w.strategy.pick(c.pool)
	switch {
	case place < 0:
		return false
	case kind == moveDeliver:
		c.deliver(c.take(place))
	case kind == moveLose:
		c.take(place)
	case kind == moveRepeat:
		c.deliver(c.pool[place])
	}
	return true
}

func (w *walk) moveTimer(m *member, deadline bool) bool {
	var able []alarm
	for _, a := range w.cluster.live(m) {
		if w.cluster.isDeadline(a) == deadline {
			able = append(able, a)
		}
	}
	if len(able) == 0 {
		return false
	}
	w.cluster.fire(m, able[w.random.IntN(len(able))])
	return true
}

// draw makes up an operation.
func (w *walk) draw(m *member) record {
	r := record{node: m.id, key: w.keys[w.random.IntN(len(w.keys))]}
	if r.key.Space == paxos.Decrees {
		r.kind, r.learn = paxos.ChangePropose, w.random.IntN(5) < 2
		return r
	}
	r.kind = w.kinds[w.random.IntN(len(w.kinds))]
	// A compare-and-set expects what was called before, rather lately, or nothing at all.
	if earlier := len(w.history); earlier > 0 && w.random.IntN(5) > 0 {
		r.expected = byte(1 + max(w.random.IntN(earlier), w.random.IntN(earlier)))
	}
	return r
}

// call gives a node a request and notes it in the history. Every value is written once: it is the
// operation's number.
func (w *walk) call(m *member, r record) {
	w.clock++
	r.called, r.value = w.clock, byte(len(w.history)+1)
	w.history = append(w.history, r)
	change := paxos.Change{
		Kind: r.kind, Content: content(r.value),
		Expected: content(r.expected), ExpectNothing: r.expected == 0,
	}
	w.cluster.step(m, Request{
		Number: uint64(len(w.history)), Key: r.key, Change: change, Learn: r.learn,
	})
}

func content(value byte) []byte {
	if value == 0 {
		return nil
	}
	return []byte{value}
}

func (w *walk) answered(_ *member, a Answer) {
	r := &w.history[a.Number-1]
	if r.returned != 0 {
		w.fail("request %d is answered twice", a.Number)
	}
	w.clock++
	r.returned, r.outcome, r.swapped = w.clock, a.Outcome, a.Result.Swapped
	if a.Result.Present {
		r.found = a.Result.Content[0]
	}
}

// abandon ends the operations of a node that crashed: their clients know nothing.
func (w *walk) abandon(m *member) {
	for i := range w.history {
		if r := &w.history[i]; r.node == m.id && r.returned == 0 {
			w.clock++
			r.returned, r.outcome = w.clock, Unknown
		}
	}
}

// settle heals everything, lets the operations in flight end, and then asks every node that takes
// part.
func (w *walk) settle() {
	c := w.cluster
	c.syncLater = false
	for _, m := range c.members {
		if m.replica == nil {
			c.start(m)
		}
		c.sync(m)
	}
	w.drive()
	for _, m := range c.members {
		if m.replica == nil {
			continue // it lost its disk, and stays out
		}
		for _, key := range w.keys {
			r := record{node: m.id, key: key, kind: paxos.ChangeRead}
			if key.Space == paxos.Decrees {
				r.kind = paxos.ChangePropose
				w.call(m, record{node: m.id, key: key, kind: r.kind, learn: true})
				w.drive()
			}
			w.call(m, r)
			w.drive()
			if w.history[len(w.history)-1].outcome != Done {
				w.fail("n%d does not answer although all is healed", m.id)
			}
		}
	}
}

// drive delivers everything, and lets timers run out when nothing is left to deliver, until every
// operation has returned.
func (w *walk) drive() {
	c := w.cluster
	limit := c.steps + settleStepsMax
	for {
		for len(c.pool) > 0 && c.steps < limit {
			c.deliver(c.take(0))
		}
		inFlight := slices.ContainsFunc(w.history, func(r record) bool { return r.returned == 0 })
		m, a := c.earliest()
		if !inFlight || m == nil || c.steps >= limit {
			if inFlight {
				w.fail("operations do not end although all is healed")
			}
			return
		}
		c.fire(m, a)
	}
}

// learnersAgree tells whether all that learners said of a decree, and all that proposers were
// told, is one value, and one that was proposed.
func (w *walk) learnersAgree(key paxos.Key) bool {
	if key.Space != paxos.Decrees {
		return true
	}
	decided := byte(0)
	for _, r := range w.history {
		if r.key != key || r.outcome != Done || r.found == 0 {
			continue
		}
		if decided == 0 {
			decided = r.found
		}
		by := w.history[decided-1]
		if r.found != decided || by.learn || by.called > r.returned {
			return false
		}
	}
	return true
}

// A walk leaves to the watcher what is sent, written and synced.
func (w *walk) held(paxos.Message)    {}
func (w *walk) set(*member, SetTimer) {}
