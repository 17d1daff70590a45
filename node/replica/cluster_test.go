package replica

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"ordeal/node/paxos"
)

// A cluster is some nodes, their disks and the messages between them. Nothing in it moves by
// itself: a test delivers, syncs, crashes and fires. It keeps the contract of Step, and no more.
type cluster struct {
	config  Config
	members []*member
	// pool holds the messages under way, oldest first.
	pool []paxos.Message
	// now is when the last timer fired.
	now time.Duration
	// syncLater leaves what is written unsynced until sync is called.
	syncLater bool
	// processes: what crashes is only ever a process, never its machine, so that what was written
	// survives, synced or not.
	processes bool
	observer  observer
	steps     int
}

// An observer is told what leaves the nodes.
type observer interface {
	// sent: the network has the message.
	sent(m paxos.Message)
	// written: the acceptor's memory is in the log, though not synced.
	written(on *member, p Persist)
	// synced: it will survive a crash.
	synced(on *member, p Persist)
	// held: the message waits for a sync.
	held(m paxos.Message)
	set(on *member, t SetTimer)
	answered(on *member, a Answer)
}

// A member is one node of a cluster.
type member struct {
	id   paxos.NodeID
	boot uint64
	// replica is nil while the node is down.
	replica *Replica
	disk    map[paxos.Key]paxos.Acceptor
	// snapshot is what the disk held when the node started, and log what was synced since, batch
	// by batch: together they are the disk.
	snapshot map[paxos.Key]paxos.Acceptor
	log      [][]Persist
	// wiped: the disk was emptied since the node was up last; damaged: a part of it was lost.
	wiped, damaged bool
	// unsynced holds the Persists that a crash may lose and the Sends that wait for them. Where
	// those at its front ask for no sync they are written, and nothing waits for them.
	unsynced []Effect
	timers   []alarm
}

// An alarm is a timer that was set.
type alarm struct {
	SetTimer
	due time.Duration
}

func newCluster(size int, config Config, o observer) *cluster {
	c := &cluster{config: config, observer: o}
	for id := paxos.NodeID(1); id <= paxos.NodeID(size); id++ {
		c.config.Nodes = append(c.config.Nodes, id)
	}
	for _, id := range c.config.Nodes {
		m := &member{id: id, disk: make(map[paxos.Key]paxos.Acceptor)}
		c.members = append(c.members, m)
		c.start(m)
	}
	return c
}

func (c *cluster) member(id paxos.NodeID) *member { return c.members[id-1] }

// start begins the next life of a node, from its disk, and tells whether it takes part. One whose
// disk was wiped or damaged may not, by the correct rules. Where the rules let one that was wiped,
// its boot number, which stood on that disk, is 1 again.
func (c *cluster) start(m *member) bool {
	rules := &c.config.Rules
	if !rules.MayTakePart(!m.wiped) || m.damaged && rules.DamageIsRefused {
		return false
	}
	m.wiped, m.damaged = false, false
	m.snapshot, m.log = maps.Clone(m.disk), nil
	m.boot++
	config := c.config
	config.Self, config.Boot = m.id, m.boot
	config.Random = rand.New(rand.NewPCG(uint64(m.id), m.boot))
	m.replica = New(config, maps.All(m.disk))
	return true
}

// crash ends a node's life. Of what is unsynced, the first entries reached the disk all the same,
// but none of the messages that waited for them was sent.
func (c *cluster) crash(m *member, reached int) {
	if written := slices.IndexFunc(m.unsynced, mustSync); c.processes {
		if written < 0 {
			written = len(m.unsynced)
		}
		reached = max(reached, written)
	}
	var batch []Persist
	for _, effect := range m.unsynced[:reached] {
		if p, ok := effect.(*Persist); ok {
			c.store(m, *p)
			batch = append(batch, *p)
		}
	}
	m.append(batch)
	m.replica, m.unsynced, m.timers = nil, nil, nil
}

// append notes a batch that stands in the log now.
func (m *member) append(batch []Persist) {
	if len(batch) > 0 {
		m.log = append(m.log, batch)
	}
}

// wipe ends a node's life and empties its disk.
func (c *cluster) wipe(m *member) {
	c.crash(m, 0)
	clear(m.disk)
	m.boot, m.wiped = 0, true
}

// damage ends a node's life, and harms a batch of its log that another follows. Whoever reads the
// log up to there finds what it held before that batch.
func (c *cluster) damage(m *member, batch int) {
	c.crash(m, 0)
	m.disk, m.damaged = maps.Clone(m.snapshot), true
	for _, whole := range m.log[:batch] {
		for _, p := range whole {
			m.disk[p.Key] = p.Acceptor
		}
	}
}

// step gives a node an event and carries its effects out.
func (c *cluster) step(m *member, e Event) {
	c.steps++
	for _, effect := range m.replica.Step(e) {
		switch effect := effect.(type) {
		case *Persist:
			queued := *effect // what it points to is valid until the next Step
			m.unsynced = append(m.unsynced, &queued)
			c.observer.written(m, queued)
		case *Send:
			if effect.AfterSync && slices.ContainsFunc(m.unsynced, mustSync) {
				held := *effect
				m.unsynced = append(m.unsynced, &held)
				if c.syncLater {
					c.observer.held(effect.Message)
				}
				continue
			}
			c.send(effect.Message)
		case *SetTimer:
			m.timers = append(m.timers, alarm{*effect, c.now + effect.After})
			c.observer.set(m, *effect)
		case Answer:
			c.observer.answered(m, effect)
		}
	}
	if !c.syncLater && slices.ContainsFunc(m.unsynced, mustSync) {
		c.sync(m)
	}
}

// mustSync tells of a Persist that the Sends behind it wait for its sync.
func mustSync(e Effect) bool {
	p, ok := e.(*Persist)
	return ok && !p.Unsynced
}

// sync makes durable what a node wrote, and sends what waited for it.
func (c *cluster) sync(m *member) {
	var batch []Persist
	for _, effect := range m.unsynced {
		switch effect := effect.(type) {
		case *Persist:
			c.store(m, *effect)
			batch = append(batch, *effect)
		case *Send:
			c.send(effect.Message)
		}
	}
	m.append(batch)
	m.unsynced = m.unsynced[:0]
}

func (c *cluster) store(m *member, p Persist) {
	c.observer.synced(m, p)
	m.disk[p.Key] = p.Acceptor
}

func (c *cluster) send(m paxos.Message) {
	c.pool = append(c.pool, m)
	c.observer.sent(m)
}

// take removes a message from the pool.
func (c *cluster) take(place int) paxos.Message {
	m := c.pool[place]
	c.pool = slices.Delete(c.pool, place, place+1)
	return m
}

// deliver gives a message to its recipient; a node that is down loses it.
func (c *cluster) deliver(m paxos.Message) {
	if to := c.member(m.To); to.replica != nil {
		c.step(to, Receive{m})
	}
}

// live returns the timers of a node that were not dropped since they were set.
func (c *cluster) live(m *member) []alarm {
	m.timers = slices.DeleteFunc(m.timers, func(a alarm) bool {
		_, ok := m.replica.timers[a.Timer]
		return !ok
	})
	return m.timers
}

// fire lets a timer run out.
func (c *cluster) fire(m *member, a alarm) {
	c.now = max(c.now, a.due)
	m.timers = slices.DeleteFunc(m.timers, func(b alarm) bool { return b.Timer == a.Timer })
	c.step(m, Timeout{a.Timer})
}

// isDeadline tells whether a timer ends an operation.
func (c *cluster) isDeadline(a alarm) bool { return a.After == c.config.RequestTimeout }

// earliest returns the timer that runs out first in the whole cluster.
func (c *cluster) earliest() (on *member, first alarm) {
	for _, m := range c.members {
		if m.replica == nil {
			continue
		}
		for _, a := range c.live(m) {
			if on == nil || a.due < first.due {
				on, first = m, a
			}
		}
	}
	return on, first
}
