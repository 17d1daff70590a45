package harness

import (
	"slices"
	"time"

	"ordeal/history"
)

// Holdings are the keys that a watch knows, and the operations that it holds of them: a bounded
// number, and of the keys that were let go only the names.
type holdings struct {
	// keys holds every key that was ever used. Those that were let go are all the same one.
	keys map[string]*watched
	gone *watched
	// held is how many operations are held, most how many there may be, and pushedOut of how many
	// keys they were let go because there were too many.
	held, most, pushedOut int
	// open are the keys with something to be judged, due those of them whose turn it is, each the
	// longest waiting first.
	open, due []*watched
	// judging are the keys of the batch that is being judged, and judged those that have nothing
	// more to be judged, and are held in case that they have not retired.
	judging, judged []*watched
}

// A watched key is what the loop knows of it.
type watched struct {
	name string
	// ops are those of its operations that ended, judged how many of them were in a batch.
	ops    operationLog
	judged int
	// recheck is with how many operations it is judged although it is live and large.
	recheck  int
	inFlight int
	lastCall time.Duration
	// since is when the first operation ended that was not judged yet.
	since time.Duration
	// listed tells that it is among open or due.
	listed bool
	// gone tells that its operations were let go, and that it is left to the end of the run.
	gone bool
}

// retired tells whether nothing happens on the key any more, as far as can be told.
func (k *watched) retired(now time.Duration) bool {
	return k.inFlight == 0 && now-k.lastCall >= dueAfter
}

func newHoldings(most int) holdings {
	return holdings{most: most, keys: make(map[string]*watched), gone: &watched{gone: true}}
}

// hold adds an operation that ended to those of its key, which is not gone. Where there are too
// many then, keys are pushed out.
func (h *holdings) hold(k *watched, op *history.Operation, now time.Duration) {
	k.ops.add(op)
	h.held++
	if !k.listed {
		k.listed, k.since = true, now
		h.open = append(h.open, k)
	}
	for h.held > h.most {
		h.pushOut()
	}
}

// pushOut lets go of the key that has waited longest for its turn, which may be the one that has
// just had an operation. Those that are being judged stay, and those that were and may be live.
func (h *holdings) pushOut() {
	for _, waiting := range []*[]*watched{&h.due, &h.open} {
		for len(*waiting) > 0 {
			k := (*waiting)[0]
			*waiting = (*waiting)[1:]
			if !k.gone {
				h.letGo(k)
				h.pushedOut++
				return
			}
		}
	}
	panic("harness: too many operations are held, and no key waits to be judged")
}

// letGo lets go of the operations of a key. What may still be in flight on it finds it gone.
func (h *holdings) letGo(k *watched) {
	h.held -= k.ops.count
	k.ops, k.gone = operationLog{}, true
	h.keys[k.name] = h.gone
}

// findDue moves the keys whose turn it is from open to due.
func (h *holdings) findDue(now time.Duration) {
	h.open = slices.DeleteFunc(h.open, func(k *watched) bool {
		if k.gone {
			return true
		}
		due := k.retired(now) || k.ops.count < recheckFrom && now-k.since >= dueAfter
		if due {
			h.due = append(h.due, k)
		}
		return due
	})
}

// wasJudged takes note that the batch was judged.
func (h *holdings) wasJudged() {
	h.judged = append(h.judged, h.judging...)
	h.judging = nil
}

// letGoOfRetired lets go of the keys that have retired and were judged with all their operations.
func (h *holdings) letGoOfRetired(now time.Duration) {
	h.judged = slices.DeleteFunc(h.judged, func(k *watched) bool {
		if k.gone || k.listed {
			return true // there is more to be judged, and then it comes here again
		}
		if k.judged < k.ops.count || !k.retired(now) {
			return false
		}
		h.letGo(k)
		return true
	})
}
