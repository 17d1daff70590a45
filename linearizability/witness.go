package linearizability

import (
	"cmp"
	"fmt"
	"slices"
)

// An instant is when a call takes effect in a witness.
type instant struct {
	call int32
	at   int64
}

// A turn is when a block has its turn in the witness.
type turn struct {
	*block
	from int64
}

// witness returns a legal order of calls that passed every check of decide, with an instant for
// each, between its start and its end. Instants never go back; where several are equal, the order
// is the slice's.
//
// Forward blocks have the time from their earliest end to their latest start, and these do not
// overlap. Another block has a single instant: its latest start; or, if that lies within the time
// of a forward block, the end of that time, which is not after its own earliest end, since it does
// not lie strictly within. At equal instants the order is: a forward block that ends there, which
// began before; the blocks that have this one instant; a forward block that begins there.
//
// Within a block, each call takes effect at the latest start among itself and those at places
// before its own, but not before the block's turn. That is not after its end: no call of a later
// place ended before one of an earlier place started, and none ended before the block's earliest
// end.
func (b *blocks) witness(forwards, backwards []*block) []instant {
	turns := make([]turn, 0, len(b.all))
	next := 0
	for _, one := range backwards {
		for next < len(forwards) && forwards[next].latest <= one.latest {
			next++
		}
		at := one.latest
		if next < len(forwards) && forwards[next].earliest < at {
			at = forwards[next].latest
		}
		turns = append(turns, turn{one, at})
	}
	for _, one := range forwards {
		turns = append(turns, turn{one, one.earliest})
	}
	// Stable, with those of a single instant first.
	slices.SortStableFunc(turns, func(x, y turn) int { return cmp.Compare(x.from, y.from) })
	order := make([]instant, 0, len(b.calls.all))
	for _, t := range turns {
		order = b.appendBlock(order, t)
	}
	return order
}

// appendBlock adds the calls of one block, in the order of their places.
func (b *blocks) appendBlock(order []instant, t turn) []instant {
	at := t.from
	for _, v := range b.values[t.block.from:t.to] {
		if w := b.writer[v]; w != none {
			at = max(at, b.start(w))
			order = append(order, instant{w, at})
		}
		for _, i := range b.readersOf(v) {
			at = max(at, b.start(i))
			order = append(order, instant{i, at})
		}
	}
	return order
}

// checkWitness checks what makes a witness prove that the calls are legal if it is: each call
// stands in it once, takes effect between its start and its end, and instants do not go back.
func checkWitness(c *calls, witness []instant) error {
	if len(witness) != len(c.all) {
		return fmt.Errorf("it has %d calls of %d", len(witness), len(c.all))
	}
	seen := make([]bool, len(c.all))
	for n, one := range witness {
		call := &c.all[one.call]
		switch {
		case seen[one.call]:
			return fmt.Errorf("operation %d is there twice", call.op.ID)
		case one.at < call.start || one.at > call.end:
			return fmt.Errorf("operation %d takes effect at %d, but ran from %d to %d",
				call.op.ID, one.at, call.start, call.end)
		case n > 0 && one.at < witness[n-1].at:
			return fmt.Errorf("operation %d takes effect at %d, before the one before it",
				call.op.ID, one.at)
		}
		seen[one.call] = true
	}
	return nil
}
