package simulation

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"ordeal/nemesis"
	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/node/store"
	"ordeal/node/wal"
)

const (
	// cluster is the cluster's name on every disk.
	cluster = "simulation"
	// frozenMax is how many datagrams a paused node's socket holds; more are lost.
	frozenMax = 512
)

// A state is what a node's process does.
type state uint8

const (
	running state = iota
	paused
	dead
	// out is that of a process that runs and takes no part: its disk is not formatted.
	out
	// refused is that of one that does not start: its disk is damaged.
	refused
)

var stateNames = [...]string{"running", "paused", "dead", "takes no part", "refuses its disk"}

func (s state) String() string { return stateNames[s] }

// A node is one node: its disk, and its process while it has one.
type node struct {
	world *World
	index int
	name  string
	id    paxos.NodeID

	state state
	// life counts the processes, so that what was meant for one of them does not reach the next.
	life    uint32
	files   wal.MemoryDisk
	writer  writer
	replica *replica.Replica
	random  *keyed
	gate    replica.Gate
	// received is the event of each datagram, leaving the one that has waited for the disk.
	received replica.Receive
	leaving  replica.Send
	// calls are the requests that the process has taken and not answered, by number.
	calls map[uint64]*call
	// frozen holds what waits for a paused node, in its order.
	frozen []event
	// doom is set for a process that ends in its next step; drift is how much too fast its clock
	// runs, in percent.
	doom  *doom
	drift int64
	// interruption is that of the next start, nil for none; starting tells that one is due.
	interruption *interruption
	starting     bool
	// rotten tells that a fault has damaged the disk; holders are the faults that keep it dead,
	// pausers those that froze it, with whether the process that they froze still is.
	rotten           bool
	holders, pausers map[string]bool
	// hindrances are the faults that slow its disk down and let its clock run wrong.
	hindrances map[string]nemesis.Fault
	log        []string
}

// A doom is the end of a process that is due at the boundary of two effects.
type doom struct {
	why string
	// fault is a hash of its fault's name.
	fault uint64
	over  func()
	// byDisk tells that it ends when its disk fails next, writing that it ends while its next batch
	// is written and not yet synced.
	byDisk, writing bool
}

// doomed tells whether the process ends at the next boundary of two effects.
func (n *node) doomed() bool { return n.doom != nil && !n.doom.byDisk && !n.doom.writing }

func newNode(w *World, index int) *node {
	n := &node{
		world: w, index: index, name: fmt.Sprintf("n%d", index+1), id: paxos.NodeID(index + 1),
		state: dead, random: &keyed{world: w, place: uint64(index)},
		holders: make(map[string]bool), pausers: make(map[string]bool),
		hindrances: make(map[string]nemesis.Fault),
	}
	n.writer.node = n
	n.files.Decide = n.writer.decide
	return n
}

func (n *node) identity() wal.Identity { return wal.Identity{Cluster: cluster, Node: n.name} }

// format prepares the disk, as who creates the cluster does.
func (n *node) format() error { return wal.Format(&n.files, n.identity()) }

// say adds a line to the node's log.
func (n *node) say(format string, arguments ...any) {
	n.log = append(n.log, fmt.Sprintf("%12.6f s  %s\n",
		n.world.Now().Seconds(), fmt.Sprintf(format, arguments...)))
}

// boot starts the process at once, on the disk as it is.
func (n *node) boot() {
	defer n.caught()
	w := n.world
	interrupted := n.interruption
	n.starting, n.interruption = false, nil
	opened, err := n.open(interrupted)
	switch {
	case interrupted != nil && interrupted.happened:
		n.endStart(interrupted)
		return
	case errors.Is(err, store.ErrStaysOut):
		n.become(out, happensStart, err.Error())
		return
	case err != nil:
		n.become(refused, happensEnd, err.Error())
		if !n.writer.failing() && !n.rotten {
			w.onExit(n.name, err.Error(), true)
		}
		return
	}
	n.writer.open(opened.Log)
	n.gate, n.calls = replica.Gate{}, make(map[uint64]*call)
	found := opened.Recovered
	n.random.boot = found.Boot
	n.replica = replica.New(n.config(found.Boot), opened.Acceptors)
	n.become(running, happensStart, fmt.Sprintf(
		"boot %d, %d keys recovered, %d bytes cut off as torn",
		found.Boot, len(found.Records), found.TornBytes))
}

// open opens the disk, as far as the process comes.
func (n *node) open(interrupted *interruption) (store.Opened, error) {
	n.writer.interrupted = interrupted
	defer func() { n.writer.interrupted = nil }()
	return store.Open(&n.files, n.identity(), &n.world.rules)
}

// config returns the configuration of the process with that boot number.
func (n *node) config(boot uint64) replica.Config {
	c := replica.DefaultConfig
	c.Self, c.Boot, c.Rules = n.id, boot, n.world.rules
	for i := range n.world.config.Nodes {
		c.Nodes = append(c.Nodes, paxos.NodeID(i+1))
	}
	c.Random = rand.New(n.random)
	return c
}

// become changes the state, and tells of it.
func (n *node) become(s state, kind happening, detail string) {
	n.state = s
	n.say("%s: %s", s, detail)
	n.world.note(kind, n, uint64(s), detail)
}

// bootAfter starts the process, if nothing ends it before, a while from now.
func (n *node) bootAfter(d int64) {
	n.starting = true
	e := n.world.queue.push(n.world.now + d)
	e.kind, e.node, e.life = happensBoot, int32(n.index), n.life
}

// end ends the process where it is. What was written stays on the disk, synced or not; the clients
// whose requests it had taken see their connections end.
func (n *node) end(why string) {
	over := func() {}
	if n.doom != nil {
		over = n.doom.over
	}
	n.life++
	n.replica, n.doom = nil, nil
	for fault := range n.pausers {
		n.pausers[fault] = false
	}
	n.files.CrashProcess()
	n.writer.close()
	for _, number := range slices.Sorted(maps.Keys(n.calls)) {
		n.world.clients.reset(n.world, n.calls[number])
	}
	n.calls = nil
	frozen := n.frozen
	n.frozen = nil
	for i := range frozen {
		if frozen[i].kind == happensRequest {
			n.world.clients.reset(n.world, frozen[i].call)
		}
	}
	n.become(dead, happensEnd, why)
	over()
}

// request takes a client's request that has arrived at the node.
func (n *node) request(c *call) {
	w := n.world
	w.noteCall(happensRequest, c)
	switch n.state {
	case dead, refused:
		w.clients.refuse(w, c)
	case paused:
		n.freeze(event{what: what{kind: happensRequest, node: int32(n.index), call: c}})
	case out:
		w.clients.takeAnswer(w, c, replica.Answer{
			Outcome: replica.NotApplied, Reason: store.ErrStaysOut.Error(),
		})
	default:
		n.calls[c.number] = c
		n.step(c.request, c.number)
	}
}

// receive takes a datagram that has arrived at the node.
func (n *node) receive(e *event) {
	switch {
	case n.state == paused:
		n.freeze(*e)
	case n.state == running && n.gate.Held() < replica.HeldMax:
		n.received.Message = e.message
		n.step(&n.received, e.origin)
	default:
		n.world.noteMessage(happensLoss, &e.message, e.number)
	}
}

// wake carries out what the process has waited for: a timer, or its disk.
func (n *node) wake(e *event) {
	switch {
	case n.state == paused:
		n.freeze(*e)
	case e.kind == happensTimer:
		if n.world.mute != nil && n.mutes(e) {
			n.world.noteTimer(happensMute, n, e)
			return
		}
		n.world.noteTimer(happensTimer, n, e)
		n.step(replica.Timeout{Timer: e.number}, e.origin)
	default:
		n.writer.synced(e.number)
	}
}

// freeze keeps what a paused node does not take yet. What does not fit is lost.
func (n *node) freeze(e event) {
	if e.kind == happensDelivery && len(n.frozen) >= frozenMax {
		n.world.noteMessage(happensLoss, &e.message, e.number)
		return
	}
	n.frozen = append(n.frozen, e)
}

// pause freezes the process.
func (n *node) pause() { n.become(paused, happensPause, "frozen") }

// resume lets a paused process go on. It takes what waited, in its order, at the present time.
func (n *node) resume() {
	n.become(running, happensResume, "thawed")
	frozen := n.frozen
	n.frozen = nil
	for i := range frozen {
		e := n.world.queue.push(n.world.now)
		slot := e.slot
		*e = frozen[i]
		e.slot, e.life = slot, n.life
	}
}

// step gives the replica an event and carries out the effects, in their order. Of a doomed process
// only some of them happen.
func (n *node) step(e replica.Event, origin uint64) {
	n.random.origin = origin
	effects, ok := n.take(e)
	if !ok {
		return
	}
	most := len(effects)
	if n.doomed() {
		random := n.world.roll(decideCrashPoint, uint64(n.index), n.doom.fault, 0)
		most = int(below(random, uint64(most)+1))
	}
	for _, effect := range effects[:most] {
		n.carryOut(effect, origin)
	}
	if n.doomed() {
		n.end(n.doom.why)
		return
	}
	n.writer.write()
}

// take lets the replica take a step.
func (n *node) take(e replica.Event) (effects []replica.Effect, ok bool) {
	defer n.caught()
	return n.replica.Step(e), true
}

// panics begins the detail of the end of a process by an assertion of its own.
const panics = "panic: "

// caught is deferred where a node's own code runs. An assertion that fails there ends the process,
// unasked.
func (n *node) caught() {
	if reason := recover(); reason != nil {
		detail := strings.ReplaceAll(fmt.Sprintf("%s%v", panics, reason), "\n", "; ")
		n.end(detail)
		n.world.onExit(n.name, detail, true)
	}
}

// carryOut does what the replica wants done.
func (n *node) carryOut(effect replica.Effect, origin uint64) {
	w := n.world
	switch effect := effect.(type) {
	case *replica.Persist:
		n.gate.Persisted()
		n.writer.queue(*effect, origin)
	case *replica.Send:
		if effect.Request == 0 {
			effect.Request = origin
		}
		if !n.gate.Hold(*effect) {
			w.network.send(n, &effect.Message, effect.Request)
		}
	case *replica.SetTimer:
		after := int64(effect.After)
		if n.drift != 0 {
			after = after * 100 / (100 + n.drift)
		}
		e := w.queue.push(w.now + max(after, 0))
		e.kind, e.node, e.life = happensTimer, int32(n.index), n.life
		e.number, e.origin = effect.Timer, effect.Request
	case replica.Answer:
		c := n.calls[effect.Number]
		delete(n.calls, effect.Number)
		w.clients.takeAnswer(w, c, effect)
	}
}

// keyed is the source of a replica's random numbers: they depend on the node, its life, the
// operation that is served and on how many were drawn for that.
type keyed struct {
	world       *World
	place, boot uint64
	origin      uint64
}

// Uint64 returns the next random number.
func (k *keyed) Uint64() uint64 {
	place := k.place<<32 | k.boot
	n := k.world.queue.occurrences.next(mix(place^keyedPlaces, k.origin))
	return k.world.roll(decideBackoff, place, k.origin, n)
}

// keyedPlaces tells the places of nodes from those of links where occurrences are counted.
const keyedPlaces = 1 << 63
