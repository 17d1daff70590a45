package replica

import (
	"math/rand/v2"

	"ordeal/node/paxos"
)

// A strategy decides which message under way is delivered next. No strategy finds everything
// soonest, so the walks take turns.
type strategy interface {
	// pick returns a message's place in the pool, or -1 for none.
	pick(pool []paxos.Message) int
}

var strategies = []struct {
	name string
	make func(size int, random *rand.Rand) strategy
}{
	{"uniform", func(_ int, random *rand.Rand) strategy { return &uniform{random} }},
	{"link cuts", newLinkCuts},
	{"priorities", newPriorities},
}

// uniform takes any message.
type uniform struct{ random *rand.Rand }

func (u *uniform) pick(pool []paxos.Message) int {
	if len(pool) == 0 {
		return -1
	}
	return u.random.IntN(len(pool))
}

// linkCuts holds back what goes along some directed links, and cuts others every now and then.
type linkCuts struct {
	random *rand.Rand
	size   int
	left   int
	cut    map[link]bool
}

type link struct{ from, to paxos.NodeID }

func newLinkCuts(size int, random *rand.Rand) strategy {
	return &linkCuts{random: random, size: size}
}

func (l *linkCuts) pick(pool []paxos.Message) int {
	if l.left--; l.left < 0 {
		l.draw()
	}
	open := make([]int, 0, 64)
	for i, m := range pool {
		if !l.cut[link{m.From, m.To}] {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return -1
	}
	return open[l.random.IntN(len(open))]
}

// draw isolates a node, one way or both, or cuts links one by one.
func (l *linkCuts) draw() {
	l.left = 5 + l.random.IntN(40)
	l.cut = make(map[link]bool)
	alone := paxos.NodeID(1 + l.random.IntN(l.size))
	way, share := l.random.IntN(4), 1+l.random.IntN(3)
	for from := paxos.NodeID(1); from <= paxos.NodeID(l.size); from++ {
		for to := paxos.NodeID(1); to <= paxos.NodeID(l.size); to++ {
			switch {
			case way == 0:
				l.cut[link{from, to}] = from != to && (from == alone || to == alone)
			case way == 1:
				l.cut[link{from, to}] = from != to && from == alone
			default:
				l.cut[link{from, to}] = l.random.IntN(5) < share
			}
		}
	}
}

// priorities gives each directed link a random priority and always takes the oldest message of the
// highest; at a few moments the link on top falls to the bottom. After PCT (Burckhardt and others,
// ASPLOS 2010), whose guarantee is for threads: here it is a heuristic.
type priorities struct {
	random  *rand.Rand
	rank    map[link]int
	lowest  int
	changes map[int]bool
	picks   int
}

func newPriorities(size int, random *rand.Rand) strategy {
	p := &priorities{random: random, rank: make(map[link]int), changes: make(map[int]bool)}
	places := random.Perm(size * size)
	for from := range size {
		for to := range size {
			p.rank[link{paxos.NodeID(from + 1), paxos.NodeID(to + 1)}] = places[from*size+to]
		}
	}
	for range 2 + random.IntN(8) {
		p.changes[random.IntN(150)] = true
	}
	return p
}

func (p *priorities) pick(pool []paxos.Message) int {
	best := -1
	for i, m := range pool {
		if best < 0 || p.rank[link{m.From, m.To}] > p.rank[link{pool[best].From, pool[best].To}] {
			best = i
		}
	}
	if p.picks++; best >= 0 && p.changes[p.picks] {
		p.lowest--
		p.rank[link{pool[best].From, pool[best].To}] = p.lowest
	}
	return best
}
