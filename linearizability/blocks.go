package linearizability

// A place is a position in the order that a block prescribes: the write of a value, or all reads
// of it, which may stand in any order among themselves.
type place struct {
	// first is the call with the earliest end, last the one with the latest start.
	first, last int32
}

// A block is a value that was written, or the initial one, and the values that compare-and-sets
// made of it one after the other: w(v0), the readers of v0, cas(v0→v1), the readers of v1, and so
// on. No other write can stand inside, since every compare-and-set found what the one before it
// left. So in a legal order a block is in one piece, and its places stand in their order.
type block struct {
	// from and to are the values of the block, in blocks.values[from:to].
	from, to int32
	// earliest is the earliest end of its calls; always in the block of the initial value, which was
	// there before everything else. Latest is their latest start.
	earliest, latest int64
}

// none stands for a call that is not there.
const none = -1

// always is earlier than every moment: the initial value was written then.
const always = -1 << 62

// forward tells whether the block was certainly in force for a while: from the earliest end to the
// latest start among its calls. Otherwise it can have been in force at a single instant, any one
// from the latest start to the earliest end.
func (b *block) forward() bool { return b.earliest < b.latest }

// Blocks are the calls of a key with unique values, by value.
type blocks struct {
	calls *calls
	// writer is the call that writes each value, next the compare-and-set that replaced it, or
	// none.
	writer, next []int32
	// readers are the calls that read, ordered by value, and by start within one: those of v are
	// readers[reads[v]:reads[v+1]].
	reads, readers []int32
	// values are all values that belong to a block, block by block and in their order.
	values []int32
	all    []block
}

// newBlocks sorts known calls with unique values into blocks. It stops with a violation if that
// cannot be done: each value has one writer, and only one compare-and-set can have replaced it.
//
// The calls must be in the order of their starts. Time and memory are O(n).
func newBlocks(c *calls) (*blocks, *violation) {
	b := &blocks{calls: c}
	if broken := b.link(); broken != nil {
		return nil, broken
	}
	b.sortReaders()
	inBlock := make([]bool, c.values)
	for v := range c.values {
		w := b.writer[v]
		if v != nothing && (w == none || c.all[w].action == swapAction) {
			continue
		}
		b.add(int32(v), inBlock)
	}
	return b, b.findCircle(inBlock)
}

// link finds the writer of each value and what replaced it.
func (b *blocks) link() *violation {
	c := b.calls
	b.writer, b.next = noneOf(c.values), noneOf(c.values)
	for i := range c.all {
		if v, ok := c.all[i].writes(); ok {
			b.writer[v] = int32(i)
		}
	}
	var found *violation
	for i := range c.all {
		one := &c.all[i]
		v, observes := one.observes()
		switch {
		case one.action == mismatchAction && one.seen == one.expected:
			found = found.orEarlier(newViolation(one.end, i))
		case observes && v != nothing && b.writer[v] == none:
			found = found.orEarlier(newViolation(one.end, i))
		case one.action == swapAction && b.next[v] != none:
			other := int(b.next[v])
			found = found.orEarlier(newViolation(max(one.end, c.all[other].end), other, i))
		case one.action == swapAction:
			b.next[v] = int32(i)
		}
	}
	return found
}

func noneOf(n int) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = none
	}
	return all
}

// sortReaders groups the calls that only read by their value.
func (b *blocks) sortReaders() {
	c := b.calls
	b.reads = make([]int32, c.values+1)
	for i := range c.all {
		if c.all[i].reads() {
			b.reads[c.all[i].seen+1]++
		}
	}
	for v := range c.values {
		b.reads[v+1] += b.reads[v]
	}
	b.readers = make([]int32, b.reads[c.values])
	free := append([]int32{}, b.reads...)
	for i := range c.all {
		if c.all[i].reads() {
			v := c.all[i].seen
			b.readers[free[v]] = int32(i)
			free[v]++
		}
	}
}

// reads tells whether c does nothing else.
func (c *call) reads() bool { return c.action == readAction || c.action == mismatchAction }

// add appends the block that begins with a value. That of the initial value has no calls if nobody
// saw it, and is in nobody's way then.
func (b *blocks) add(head int32, inBlock []bool) {
	one := block{from: int32(len(b.values)), earliest: forever, latest: always}
	for v := head; ; v = int32(b.calls.all[b.next[v]].value) {
		b.values = append(b.values, v)
		inBlock[v] = true
		if b.next[v] == none {
			break
		}
	}
	one.to = int32(len(b.values))
	b.measure(&one)
	b.all = append(b.all, one)
}

// measure finds the ends of a block.
func (b *blocks) measure(one *block) {
	for _, v := range b.values[one.from:one.to] {
		for _, p := range b.places(v) {
			if p.first == none {
				continue
			}
			one.earliest = min(one.earliest, b.end(p.first))
			one.latest = max(one.latest, b.start(p.last))
		}
	}
	if b.values[one.from] == nothing {
		one.earliest = always
	}
}

// places returns the write of a value and its reads, each without calls if there are none.
func (b *blocks) places(v int32) [2]place {
	w := b.writer[v]
	read := place{none, none}
	if reads := b.readersOf(v); len(reads) > 0 {
		read.first, read.last = reads[0], reads[len(reads)-1]
		for _, i := range reads {
			if b.end(i) < b.end(read.first) {
				read.first = i
			}
		}
	}
	return [2]place{{w, w}, read}
}

func (b *blocks) readersOf(v int32) []int32 { return b.readers[b.reads[v]:b.reads[v+1]] }

func (b *blocks) start(i int32) int64 { return b.calls.all[i].start }
func (b *blocks) end(i int32) int64   { return b.calls.all[i].end }

// findCircle finds compare-and-sets that expect each other's values in a circle: what is in no
// block and was written. None of them can have been the first.
func (b *blocks) findCircle(inBlock []bool) *violation {
	for v := range inBlock {
		if inBlock[v] || b.writer[v] == none {
			continue
		}
		// Every value here has a writer that expects another one, and none is expected twice.
		circle := []int{int(b.writer[v])}
		for {
			last := b.calls.all[circle[len(circle)-1]]
			w := int(b.writer[last.expected])
			if w == circle[0] {
				return &violation{core: circle}
			}
			circle = append(circle, w)
		}
	}
	return nil
}
