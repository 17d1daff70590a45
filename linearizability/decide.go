package linearizability

import (
	"cmp"
	"slices"
)

// A violation is why calls with unique values have no legal order, as the rule that failed names
// it.
type violation struct {
	// evident is the moment at which it could be seen, where one of several is chosen by that.
	evident int64
	// core are the calls that the rule is about. Together with what proves that those of unknown
	// outcome happened, and with the writers of what they saw, they are illegal by themselves
	// (certificate.go).
	core []int
}

func newViolation(evident int64, core ...int) *violation {
	return &violation{evident: evident, core: core}
}

// orEarlier returns the one of two that was evident first; nil is none.
func (v *violation) orEarlier(other *violation) *violation {
	if v == nil || other != nil && other.evident < v.evident {
		return other
	}
	return v
}

// decide tells whether known calls with unique values have a legal order, and gives one that is, or
// why there is none. The calls must be those of a register, in the order of their starts, with no
// refusal among them. It takes O(n log n) time and O(n) memory, whatever the number of processes.
//
// This is Gibbons and Korach, Testing Shared Memories (SIAM J. Comput. 1997), section 4, with
// blocks of compare-and-sets in the place of single writes. In a legal order every block is in one
// piece. So the calls have one exactly if
//
//  1. the blocks can be formed (blocks.go),
//  2. each can be ordered by itself: no call of a later place ended before one of an earlier place
//     started, and
//  3. the blocks can be ordered: a must not come before b if a call of b ended before one of a
//     started, that is, where b.earliest < a.latest. Where neither of two may come before the
//     other there is no order. Where there are no such two, there is one: witness.go makes it.
//
// Two blocks exclude each other, a.earliest < b.latest and b.earliest < a.latest, exactly if they
// are both forward and were in force at the same time, or if one is not and all instants at which
// it can have been in force lie strictly within the time of the other. Two that are not forward
// never do. The comparisons are strict: who starts at the moment when another ends runs at the same
// time as it.
//
// The value at the beginning was written before everything else: its block is forward from always
// on, if anybody saw it at all. Taking its first read for its beginning would be wrong: what
// ended before that must come after the block.
func decide(c *calls) ([]instant, *violation) {
	b, broken := newBlocks(c)
	if broken != nil {
		return nil, broken
	}
	if broken = b.checkPlaces(); broken != nil {
		return nil, broken
	}
	forwards, backwards := b.sorted()
	if broken = b.checkForwards(forwards); broken != nil {
		return nil, broken
	}
	if broken = b.checkBackwards(forwards, backwards); broken != nil {
		return nil, broken
	}
	return b.witness(forwards, backwards), nil
}

// checkPlaces looks for a call that ended before one of an earlier place of its block started.
func (b *blocks) checkPlaces() *violation {
	var found *violation
	for i := range b.all {
		found = found.orEarlier(b.checkPlacesOf(&b.all[i]))
	}
	return found
}

func (b *blocks) checkPlacesOf(one *block) *violation {
	latest := int64(always)
	values := b.values[one.from:one.to]
	for n, v := range values {
		for _, p := range b.places(v) {
			if p.first == none {
				continue
			}
			if b.end(p.first) < latest {
				return b.misplaced(values[:n+1], p.first)
			}
			latest = max(latest, b.start(p.last))
		}
	}
	return nil
}

// misplaced returns the violation that a call ended too early, for the last of the values. Of the
// calls that it should have come after, and that started later, it takes the nearest one: the
// values in between were all in the making meanwhile, so they are not more than the calls that were
// in flight.
func (b *blocks) misplaced(values []int32, early int32) *violation {
	for n := len(values) - 1; n >= 0; n-- {
		places := b.places(values[n])
		before := []place{places[1], places[0]}
		if n == len(values)-1 {
			before = before[1:] // the reads of the last value are not before any call of it
		}
		for _, p := range before {
			if p.last != none && b.start(p.last) > b.end(early) {
				core := append(b.chain(values[n:]), int(early), int(p.last))
				return newViolation(b.end(p.last), core...)
			}
		}
	}
	panic("linearizability: a call ended too early, but not before any other")
}

// chain returns the calls that made each of the values, which follow one another in a block, out of
// the one before.
func (b *blocks) chain(values []int32) []int {
	var chain []int
	for _, v := range values[1:] {
		chain = append(chain, int(b.writer[v]))
	}
	return chain
}

// sorted returns the forward blocks by their beginning, and the others by the first instant at
// which they can have been in force.
func (b *blocks) sorted() (forwards, backwards []*block) {
	for i := range b.all {
		if one := &b.all[i]; one.forward() {
			forwards = append(forwards, one)
		} else {
			backwards = append(backwards, one)
		}
	}
	// Which of equals comes first does not matter: two forward blocks that begin together exclude
	// each other, and the others are looked at one by one.
	slices.SortFunc(forwards, func(x, y *block) int { return cmp.Compare(x.earliest, y.earliest) })
	slices.SortFunc(backwards, func(x, y *block) int { return cmp.Compare(x.latest, y.latest) })
	return forwards, backwards
}

// checkForwards looks for two forward blocks that were in force at the same time. The first two in
// the order of their beginnings are neighbours, as long as there were none before.
func (b *blocks) checkForwards(forwards []*block) *violation {
	for i := 1; i < len(forwards); i++ {
		if forwards[i].earliest < forwards[i-1].latest {
			return b.conflict(forwards[i-1], forwards[i])
		}
	}
	return nil
}

// checkBackwards looks for a block that must have been in force while a forward one was, and takes
// the first. Forward blocks do not overlap by now.
func (b *blocks) checkBackwards(forwards, backwards []*block) *violation {
	next := 0
	for _, one := range backwards {
		for next < len(forwards) && forwards[next].latest <= one.latest {
			next++
		}
		if next == len(forwards) {
			return nil
		}
		if around := forwards[next]; around.earliest < one.latest && one.earliest < around.latest {
			return b.conflict(around, one)
		}
	}
	return nil
}

// conflict returns the violation that neither of two blocks can come before the other. What shows
// it is of each block a call that ended before one of the other block started, and the
// compare-and-sets between these places: in both blocks the places are taken that are nearest to
// each other.
func (b *blocks) conflict(x, y *block) *violation {
	first, last, core := b.around(x, y.latest, y.earliest)
	ended := int64(always)
	if first.call != none {
		core = append(core, int(first.call))
		ended = b.end(first.call)
	}
	firstOfY, lastOfY, between := b.around(y, b.start(last.call), ended)
	core = append(core, between...)
	core = append(core, int(last.call), int(firstOfY.call), int(lastOfY.call))
	return &violation{core: core}
}

// A spot is a call of a block, and at which of its values that stands.
type spot struct {
	at   int
	call int32
}

// around returns two calls of a block, one that ended before a moment and one that started after
// another, at places as near to each other as there are, and the compare-and-sets that make one
// place of the other. Where it is the value at the beginning that was there before, the first is
// none.
func (b *blocks) around(one *block, endedBefore, startedAfter int64) (spot, spot, []int) {
	values := b.values[one.from:one.to]
	first, last := spot{none, none}, spot{none, none}
	if values[0] == nothing {
		first.at = 0
	}
	best, bestFirst, bestLast := len(values), first, last
	for n, v := range values {
		for _, p := range b.places(v) {
			if p.first == none {
				continue
			}
			if v != nothing && b.end(p.first) < endedBefore {
				first = spot{n, p.first}
			}
			if b.start(p.last) > startedAfter {
				last = spot{n, p.last}
			}
		}
		if first.at == none || last.at == none {
			continue
		}
		// One of them is at this value.
		if distance := n - min(first.at, last.at); distance < best {
			best, bestFirst, bestLast = distance, first, last
		}
	}
	from, to := min(bestFirst.at, bestLast.at), max(bestFirst.at, bestLast.at)
	return bestFirst, bestLast, b.chain(values[from : to+1])
}
