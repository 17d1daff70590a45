package replica

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// A record is one operation as its client saw it. Values are bytes, 0 for nothing.
type record struct {
	node            paxos.NodeID
	key             paxos.Key
	kind            paxos.ChangeKind
	value, expected byte
	learn           bool
	// called and returned are places in the order of all calls and returns; returned is 0 while the
	// operation is in flight.
	called, returned int
	outcome          Outcome
	found            byte
	swapped          bool
}

// linearizable tries every order: naive on purpose, so that it is plainly right. The operations, at
// most 64, are of one key.
func linearizable(history []record) bool {
	var kept []record
	for _, r := range history {
		unknown := r.returned == 0 || r.outcome == Unknown
		if r.outcome == NotApplied || unknown && r.kind == paxos.ChangeRead {
			continue
		}
		if unknown {
			r.outcome, r.returned = Unknown, int(^uint(0)>>1)
		}
		kept = append(kept, r)
	}
	return search(kept, 0, 0, make(map[point]bool))
}

// A point of the search: which operations took place, and what the value is.
type point struct {
	done  uint64
	value byte
}

func search(history []record, done uint64, value byte, seen map[point]bool) bool {
	at := point{done, value}
	if seen[at] {
		return false
	}
	seen[at] = true
	complete, firstReturn := true, int(^uint(0)>>1)
	for i, r := range history {
		if done&(1<<i) == 0 {
			firstReturn = min(firstReturn, r.returned)
			complete = complete && r.outcome == Unknown
		}
	}
	if complete {
		return true // an unknown operation may never take place
	}
	for i, r := range history {
		if done&(1<<i) != 0 || r.called > firstReturn {
			continue
		}
		if after, ok := r.apply(value); ok && search(history, done|1<<i, after, seen) {
			return true
		}
	}
	return false
}

// apply tells whether the operation may take place at this value, and what it leaves.
func (r record) apply(value byte) (after byte, ok bool) {
	known := r.outcome == Done
	switch r.kind {
	case paxos.ChangeRead:
		return value, r.found == value
	case paxos.ChangeWrite:
		return r.value, true
	case paxos.ChangeCompareAndSet:
		if value == r.expected {
			return r.value, !known || r.swapped
		}
		return value, !known || !r.swapped && r.found == value
	default:
		if value == 0 {
			value = r.value
		}
		return value, !known || r.found == value
	}
}

func TestTheJudge(t *testing.T) {
	write := func(value byte, called, returned int) record {
		r := record{kind: paxos.ChangeWrite, value: value, called: called, returned: returned}
		r.outcome = Done
		return r
	}
	read := func(found byte, called, returned int) record {
		r := record{kind: paxos.ChangeRead, found: found, called: called, returned: returned}
		r.outcome = Done
		return r
	}
	swap := func(expected, value, found byte, swapped bool, called, returned int) record {
		return record{
			kind: paxos.ChangeCompareAndSet, expected: expected, value: value, found: found,
			swapped: swapped, called: called, returned: returned, outcome: Done,
		}
	}
	as := func(o Outcome, r record) record {
		r.outcome = o
		return r
	}
	cases := []struct {
		name    string
		legal   bool
		history []record
	}{
		{"nothing happened", true, nil},
		{"a read of what was written", true, []record{write(1, 1, 2), read(1, 3, 4)}},
		{"a stale read", false, []record{write(1, 1, 2), write(2, 3, 4), read(1, 5, 6)}},
		{"a read beside a write", true, []record{write(1, 1, 2), write(2, 3, 6), read(1, 4, 5)}},
		{"a value that comes back", false, []record{
			write(1, 1, 2), write(2, 3, 10), read(2, 4, 5), read(1, 6, 7),
		}},
		{"an unknown write that shows late", true, []record{
			as(Unknown, write(1, 1, 2)), write(2, 3, 4), read(2, 5, 6), read(1, 7, 8),
		}},
		{"a write in flight", true, []record{write(1, 1, 0), read(0, 2, 3), read(1, 4, 5)}},
		{"a denied write that shows", false, []record{
			as(NotApplied, write(1, 1, 2)), read(1, 3, 4),
		}},
		{"a swap", true, []record{write(1, 1, 2), swap(1, 2, 2, true, 3, 4), read(2, 5, 6)}},
		{"a swap without its condition", false, []record{
			write(1, 1, 2), swap(3, 2, 2, true, 3, 4),
		}},
		{"a failed swap reads", false, []record{
			write(1, 1, 2), write(2, 3, 4), swap(3, 4, 1, false, 5, 6),
		}},
		{"two swaps of one value", false, []record{
			write(1, 1, 2), swap(1, 2, 2, true, 3, 6), swap(1, 3, 3, true, 4, 5),
		}},
		{"two decisions", false, []record{
			{kind: paxos.ChangePropose, value: 1, found: 1, called: 1, returned: 3, outcome: Done},
			{kind: paxos.ChangePropose, value: 2, found: 2, called: 2, returned: 4, outcome: Done},
		}},
		{"one decision", true, []record{
			{kind: paxos.ChangePropose, value: 1, found: 2, called: 1, returned: 3, outcome: Done},
			{kind: paxos.ChangePropose, value: 2, found: 2, called: 2, returned: 4, outcome: Done},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.legal, linearizable(c.history)) })
	}
}
