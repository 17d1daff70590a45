package linearizability

import (
	"fmt"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// memoryDefault is the memory budget where none is given, in bytes.
const memoryDefault = 2 << 30

// lookSize is how much a search takes, in bytes, before it looks how much is held in all.
const lookSize = 1 << 20

// stepSize is what a search takes for a step, in bytes, without the set of bits: an entry of
// porcupine's cache and its part of the table.
const stepSize = 200

// collectShare is the part of the budget that the collector is to leave free: one in so many. It
// has to work before the budget is used up, or what is no longer needed would count.
const collectShare = 8

// leastShare is the part of the budget that a check has in any case, one in so many, should the
// process hold nearly as much already as its own memory limit (GOMEMLIMIT) allows.
const leastShare = 16

// callSize is what a search takes for each call before its first step, in bytes: the tables of
// porcupineOperations, and porcupine's own entries and list. It is the only thing about a search
// that cannot be given up halfway, so it is known beforehand.
const callSize = 640

// A guard keeps the searches of one check within a memory budget. Porcupine keeps every state of
// the search that it has been in, each with a set of bits of the key's length, and has no bound of
// its own.
//
// What is measured is what the process holds: what the runtime has asked the operating system for
// and not given back. That includes garbage, which is why the runtime's memory limit is lowered
// while a guard is on duty: the collector and the scavenger then work as hard as it takes to stay
// below, and what is held beyond the limit all the same is in use. The searches look themselves,
// after so many steps and not after so much time: how far they go beyond the budget does not depend
// on how busy the machine is.
//
// When more is held than the budget allows, all searches that run at that moment are given up.
// Those that wanted to begin wait until these have ended and their memory has been returned. Which
// of several searches needed the memory cannot be seen. One that was given up next to others is
// therefore searched again, alone, before anything is said of it.
type guard struct {
	// base is what the process held at the start, allowance what it may hold beyond; in bytes.
	base, allowance uint64

	mu      sync.Mutex
	emptied *sync.Cond
	running map[*ticket]struct{}
	// draining is set while searches that were given up are ending.
	draining bool
	peak     uint64
}

// A ticket is one search under a guard.
type ticket struct {
	// over is set when the search is given up; alone tells, from then on, whether it was the only
	// one.
	over  atomic.Bool
	alone bool
	guard *guard
	// steps is how many were taken, and every how many of them are between two looks.
	steps, every int
}

// newGuard returns a guard that is on duty until it is closed.
func newGuard(budget int64) *guard {
	g := &guard{base: heldBytes(), running: map[*ticket]struct{}{}}
	g.emptied = sync.NewCond(&g.mu)
	g.allowance = limitCollector(g, uint64(budget))
	return g
}

// close ends the guard's duty.
func (g *guard) close() { releaseCollector(g) }

// usage returns the budget and what was held of it at the most, as far as it was seen.
func (g *guard) usage() Memory {
	g.look()
	g.mu.Lock()
	defer g.mu.Unlock()
	return Memory{BudgetBytes: int64(g.allowance), PeakBytes: int64(g.peak)}
}

// saw counts what another process held.
func (g *guard) saw(bytes int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.peak = max(g.peak, uint64(max(bytes, 0)))
}

// look measures, and gives up what runs if that is too much.
func (g *guard) look() {
	held := heldBytes()
	g.mu.Lock()
	defer g.mu.Unlock()
	if held <= g.base {
		return
	}
	g.peak = max(g.peak, held-g.base)
	if held-g.base <= g.allowance || g.draining || len(g.running) == 0 {
		return
	}
	g.draining = true
	for t := range g.running {
		t.alone = len(g.running) == 1
		t.over.Store(true)
	}
}

// fits tells whether a search for so many calls can begin at all within the budget, if as many as
// workers run.
func (g *guard) fits(calls, workers int) bool {
	return uint64(calls)*callSize <= g.allowance/uint64(workers)
}

// enter lets a search for so many calls begin, once there is nothing that is being given up.
func (g *guard) enter(calls int) *ticket {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.draining {
		g.emptied.Wait()
	}
	t := &ticket{guard: g, every: 1 + lookSize/(stepSize+calls/8)}
	g.running[t] = struct{}{}
	return t
}

// refuse is asked before each step of the search whether it is given up. Only one goroutine may
// ask.
func (t *ticket) refuse() bool {
	if t.steps++; t.steps%t.every == 0 {
		t.guard.look()
	}
	return t.over.Load()
}

// leave says that a search has ended. The last of those that were given up returns their memory.
func (g *guard) leave(t *ticket) {
	g.look()
	g.mu.Lock()
	delete(g.running, t)
	last := g.draining && len(g.running) == 0
	g.mu.Unlock()
	if !last {
		return
	}
	debug.FreeOSMemory()
	g.mu.Lock()
	g.draining = false
	g.mu.Unlock()
	g.emptied.Broadcast()
}

// heldBytes returns what the runtime has taken from the operating system and not returned, which
// is what its own memory limit bounds.
func heldBytes() uint64 {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

// collector is the runtime's memory limit, which there is one of: outside is what it was before
// the first guard came, and wanted what those on duty need it to be.
var collector = struct {
	sync.Mutex
	outside int64
	wanted  map[*guard]int64
}{wanted: map[*guard]int64{}}

// limitCollector makes the collector work before g's budget is used up, and returns how much of
// the budget g has: the process's own limit, as GOMEMLIMIT sets it, is never raised, and g stays
// below that too.
func limitCollector(g *guard, budget uint64) (allowance uint64) {
	collector.Lock()
	defer collector.Unlock()
	if len(collector.wanted) == 0 {
		collector.outside = debug.SetMemoryLimit(-1)
	}
	left := uint64(max(0, collector.outside-int64(g.base)))
	allowance = min(budget, max(left, budget/leastShare))
	collector.wanted[g] = int64(min(g.base+allowance-allowance/collectShare, math.MaxInt64))
	applyLimit()
	return allowance
}

// releaseCollector forgets what g needed.
func releaseCollector(g *guard) {
	collector.Lock()
	defer collector.Unlock()
	delete(collector.wanted, g)
	applyLimit()
}

// applyLimit sets the lowest limit that anybody wants.
func applyLimit() {
	limit := collector.outside
	for _, wanted := range collector.wanted {
		limit = min(limit, wanted)
	}
	debug.SetMemoryLimit(limit)
}

// sizeText shows a number of bytes as people say it: "2 GiB", "1.5 GiB", "64 MiB".
func sizeText(bytes uint64) string {
	for _, unit := range []struct {
		size uint64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if bytes >= unit.size {
			number := fmt.Sprintf("%.1f", float64(bytes)/float64(unit.size))
			return strings.TrimSuffix(number, ".0") + " " + unit.name
		}
	}
	return strconv.FormatUint(bytes, 10) + " bytes"
}
