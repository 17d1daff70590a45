package linearizability

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// pieceSize is how many calls of a witness porcupine is given at a time: its memory grows with the
// square of that.
const pieceSize = 512

// confirmWitness asks porcupine whether the order of a witness is legal.
//
// Soundness. The witness gives each call an instant between its start and its end, in an order in
// which instants never go back (checkWitness). To say that a call took effect at its instant
// excludes orders and adds none, so that what is legal then is legal as recorded. Porcupine is
// given the places in the witness for times, distinct integers: equal instants would be concurrent
// to it. No two calls are concurrent any more, so the history can be cut anywhere: it is legal if
// each piece is, from the state that the pieces before it leave.
//
// Unknown means that time was up, or ctx done.
func confirmWitness(
	ctx context.Context, c *calls, witness []instant, deadline time.Time, workers int,
) Verdict {
	if err := checkWitness(c, witness); err != nil {
		return Illegal
	}
	var stopped atomic.Bool
	defer context.AfterFunc(ctx, func() { stopped.Store(true) })()
	model := porcupineModel(c, stopped.Load)
	pieces := cut(c, witness)
	var next atomic.Int64
	var illegal, unknown atomic.Bool
	ask := func() {
		for !illegal.Load() && !unknown.Load() {
			n := int(next.Add(1)) - 1
			if n >= len(pieces) {
				return
			}
			switch pieces[n].check(c, model, time.Until(deadline)) {
			case porcupine.Illegal:
				illegal.Store(true)
			case porcupine.Unknown:
				unknown.Store(true)
			}
		}
	}
	var group sync.WaitGroup
	for range min(workers, len(pieces)) {
		group.Go(ask)
	}
	group.Wait()
	switch {
	case ctx.Err() != nil || unknown.Load() && !illegal.Load():
		return Unknown
	case illegal.Load():
		return Illegal
	}
	return Legal
}

// A piece is a part of a witness, and what the object held before it.
type piece struct {
	witness []instant
	before  int
}

// cut cuts a witness into pieces.
func cut(c *calls, witness []instant) []piece {
	var pieces []piece
	state := nothing
	for len(witness) > 0 {
		size := min(pieceSize, len(witness))
		pieces = append(pieces, piece{witness[:size], state})
		for _, one := range witness[:size] {
			_, state = c.all[one.call].step(state)
		}
		witness = witness[size:]
	}
	return pieces
}

func (p piece) check(c *calls, model porcupine.Model, limit time.Duration) porcupine.CheckResult {
	if limit <= 0 {
		return porcupine.Unknown
	}
	before := any(p.before)
	model.Init = func() any { return before }
	operations := make([]porcupine.Operation, len(p.witness))
	for rank, one := range p.witness {
		operations[rank] = porcupine.Operation{
			Input: &c.all[one.call], Call: int64(2 * rank), Return: int64(2*rank + 1),
		}
	}
	return porcupine.CheckOperationsTimeout(model, operations, limit)
}
