package simulation

import (
	"strings"
	"time"

	"ordeal/nemesis"
)

// A Tally counts what happens to the nodes of a run, in the grain of which a model checker counts
// steps: deliveries of datagrams between nodes, ends of processes by faults, timers. Its Observe is
// for a Config.
type Tally struct {
	// counted are the events that count, in order.
	counted []tallied
	lost    []nemesis.Datagram
	// sent and due count datagrams and timers by what names them, names are those of datagrams by
	// their numbers.
	sent, due map[omission]int
	names     map[uint64]nemesis.Datagram
	// up and frozen are the nodes that are.
	up, frozen map[string]bool
	// returned and violated hold how many events had been counted as an operation returned and as
	// a violation of a class was there first.
	returned map[int64]int
	violated map[string]int
}

// A tallied event is a delivery, a timer or, without either, the end of a process.
type tallied struct {
	at       time.Duration
	datagram uint64
	timer    *nemesis.Timer
}

// NewTally returns a Tally that has seen nothing.
func NewTally() *Tally {
	return &Tally{
		sent: make(map[omission]int), due: make(map[omission]int),
		names: make(map[uint64]nemesis.Datagram), up: make(map[string]bool),
		frozen:   make(map[string]bool),
		returned: make(map[int64]int), violated: make(map[string]int),
	}
}

// Observe takes what happened.
func (t *Tally) Observe(h Happening) {
	switch h.Kind {
	case KindSend, KindDeliver, KindLose:
		if h.Message.From != h.Message.To {
			t.datagram(h)
		}
	case KindTimeout, KindMute:
		t.timer(h)
	case KindStart:
		t.up[h.Node] = true
	case KindEnd:
		// A node that refuses its disk ends before it has started.
		if t.up[h.Node] && !strings.HasPrefix(h.Detail, panics) {
			t.counted = append(t.counted, tallied{at: h.At})
		}
		t.up[h.Node], t.frozen[h.Node] = false, false
	case KindPause, KindResume:
		t.frozen[h.Node] = h.Kind == KindPause
	case KindReturn, KindGiveUp:
		t.returned[h.Operation.ID] = len(t.counted)
	case KindViolation:
		class, _, _ := strings.Cut(h.Detail, ": ")
		if _, known := t.violated[class]; !known {
			t.violated[class] = len(t.counted)
		}
	}
}

// datagram takes what happens to one. What arrives at a socket that nobody reads is lost at once,
// and what arrives at a frozen node arrives again when it goes on.
func (t *Tally) datagram(h Happening) {
	m := h.Message
	switch h.Kind {
	case KindSend:
		what := omission{place: placeOf(m.From, m.To, m.Kind), origin: h.Request}
		t.sent[what]++
		t.names[h.Datagram] = nemesis.Datagram{
			From: nodeName(int(m.From)), To: nodeName(int(m.To)), Kind: m.Kind.String(),
			Operation: operationOf(h.Request), Occurrence: t.sent[what],
		}
	case KindDeliver:
		if !t.frozen[h.Node] {
			t.counted = append(t.counted, tallied{at: h.At, datagram: h.Datagram})
		}
	case KindLose:
		last := len(t.counted) - 1
		if last >= 0 && t.counted[last].datagram == h.Datagram && t.counted[last].at == h.At {
			t.counted = t.counted[:last]
		} else {
			t.lost = append(t.lost, t.names[h.Datagram])
		}
	}
}

// timer takes that one is due. One that its node has dropped has no effect.
func (t *Tally) timer(h Happening) {
	if !h.Live {
		return
	}
	what := omission{place: uint64(numberOf(h.Node)), origin: h.Request}
	t.due[what]++
	if h.Kind == KindMute {
		return
	}
	t.counted = append(t.counted, tallied{at: h.At, timer: &nemesis.Timer{
		Node: h.Node, Operation: operationOf(h.Request), Occurrence: t.due[what],
	}})
}

// Until returns what was counted until a violation was there: one of the class that the nodes
// showed by what they sent, or else when the last of the operations that show it had returned. It
// is all of the run if there is neither.
func (t *Tally) Until(class string, operations []int64) nemesis.Tallied {
	end, known := t.violated[class]
	last := -1
	for _, op := range operations {
		if at, returned := t.returned[op]; returned && !known {
			last = max(last, at)
		}
	}
	if !known {
		end = last
	}
	if end < 0 {
		end = len(t.counted)
	}
	result := nemesis.Tallied{Lost: t.lost}
	seen := make(map[uint64]bool)
	for _, e := range t.counted[:end] {
		switch {
		case e.timer != nil:
			result.Timeouts++
			result.Timers = append(result.Timers, *e.timer)
		case e.datagram == 0:
			result.Crashes++
		default:
			result.Deliveries++
			if !seen[e.datagram] {
				seen[e.datagram] = true
				result.Datagrams = append(result.Datagrams, t.names[e.datagram])
			}
		}
	}
	return result
}
