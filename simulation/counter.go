package simulation

// A counter counts how often things were named by their hashes, of which two things hardly ever
// have the same. It is a table that is used again without being cleared: what a former generation
// has left in it counts for nothing. Each time it begins with the first part of its memory, which
// stays in the processor's cache.
type counter struct {
	// slots are those in use, a part of all from their beginning; spare is for growing.
	slots, all, spare []counted
	used              int
	generation        uint32
}

// A counted is how often a hash was named in a generation.
type counted struct {
	hash              uint64
	generation, count uint32
}

const (
	// counterMin is the number of slots of a table, a power of two, when it is new; half of them are
	// used at the most.
	counterMin = 1 << 10
	// countedMax bounds what is counted; beyond it the counting begins anew.
	countedMax = 1 << 20
)

// reset forgets all counts.
func (c *counter) reset() {
	c.slots, c.used = c.all[:min(counterMin, len(c.all))], 0
	c.anew()
}

// anew begins the next generation. The numbers of generations are used again after all others.
func (c *counter) anew() {
	if c.generation++; c.generation == 0 {
		clear(c.all)
		c.generation = 1 // that of empty slots is 0
	}
}

// next counts one more of a hash, and returns how many there are now.
func (c *counter) next(hash uint64) uint64 {
	if c.used >= countedMax {
		c.reset()
	}
	if 2*c.used >= len(c.slots) {
		c.grow()
	}
	slot := c.find(hash)
	if slot.generation != c.generation {
		*slot = counted{hash: hash, generation: c.generation}
		c.used++
	}
	slot.count++
	return uint64(slot.count)
}

// find returns the slot of a hash, or the one where it belongs.
func (c *counter) find(hash uint64) *counted {
	for i := hash; ; i++ {
		slot := &c.slots[i&uint64(len(c.slots)-1)]
		if slot.generation != c.generation || slot.hash == hash {
			return slot
		}
	}
}

// grow doubles the table.
func (c *counter) grow() {
	c.spare = c.spare[:0]
	for _, slot := range c.slots {
		if slot.generation == c.generation {
			c.spare = append(c.spare, slot)
		}
	}
	size := max(counterMin, 2*len(c.slots))
	if size > len(c.all) {
		c.all = make([]counted, size)
	}
	c.slots = c.all[:size]
	c.anew()
	for _, slot := range c.spare {
		slot.generation = c.generation
		*c.find(slot.hash) = slot
	}
}
