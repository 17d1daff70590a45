package replica

import "fmt"

// HeldMax bounds the Sends that wait for the disk. While there are so many, messages that arrive
// are lost: so what waits to be written is bounded too, however slow the disk.
const HeldMax = 8192

// A Gate keeps step 3 of the contract of Step: it holds each Send that is marked AfterSync until
// every Persist that came before it is synced. It decides only; whoever carries the effects out
// tells it of them in their order, and of the disk's progress:
//
//	for each effect: a Persist → Persisted, and queue it to be written
//	                 a Send    → Hold; send it now if it is not held
//	when n of the Persists are synced, counted since the start → Synced(n), and send what Next
//	                 gives until it gives nothing
//
// A Persist that is marked Unsynced counts as synced once it is written and those before it are
// synced: to a Gate all Persists are alike.
//
// The zero Gate is for the beginning of a node's life: nothing is written, nothing is held. What it
// holds when the node crashes was never said. It is not safe for concurrent use.
type Gate struct {
	persisted, synced uint64
	// held[first:] are held, in the order of their arrival; what is before was let go.
	held  []heldSend
	first int
}

// A heldSend may be sent once so many Persists are synced.
type heldSend struct {
	send  Send
	after uint64
}

// Persisted counts a Persist.
func (g *Gate) Persisted() { g.persisted++ }

// Hold tells whether a Send must wait, and if so keeps it, for Next. A Send that need not wait may
// overtake some that are held still.
func (g *Gate) Hold(s Send) bool {
	if !s.AfterSync || g.synced >= g.persisted {
		return false
	}
	if len(g.held) == cap(g.held) && g.first > 0 && 2*g.first >= len(g.held) {
		// The room of those that were let go is used again.
		kept := copy(g.held, g.held[g.first:])
		clear(g.held[kept:])
		g.held, g.first = g.held[:kept], 0
	}
	g.held = append(g.held, heldSend{s, g.persisted})
	return true
}

// Synced tells how many Persists are synced, counted since the start of the node's life: always the
// first so many. A lower number than before says nothing new. It panics if there were not so many.
func (g *Gate) Synced(persists uint64) {
	if persists > g.persisted {
		panic(fmt.Sprintf("replica: %d Persists are synced, of %d", persists, g.persisted))
	}
	g.synced = max(g.synced, persists)
}

// Next takes the Send that has been held longest out of the gate, if it need not wait any more.
func (g *Gate) Next() (_ Send, ok bool) {
	if g.Held() == 0 || g.held[g.first].after > g.synced {
		return Send{}, false
	}
	s := g.held[g.first].send
	g.held[g.first] = heldSend{}
	g.first++
	if g.first == len(g.held) {
		g.held, g.first = g.held[:0], 0
	}
	return s, true
}

// Held returns how many Sends wait. Only their sender can bound them, by taking no step that makes
// more.
func (g *Gate) Held() int { return len(g.held) - g.first }
