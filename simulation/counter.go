package simulation

// A counter counts how often things were named by their hashes, of which two things hardly ever
// have the same. It is a table that is used again without being cleared: what an earlier generation
// has left in it counts for nothing.
type counter struct {
	slots      []counted
	used       int
	generation uint64
}

type counted struct{ hash, generation, count uint64 }

const (
	// counterMin is the number of slots of a table, a power of two, when it is new; half of them are
	// used at the most.
	counterMin = 1 << 12
	// countedMax bounds what is counted; beyond it the counting begins anew.
	countedMax = 1 << 20
)

// reset forgets all counts.
func (c *counter) reset() { c.generation, c.used = c.generation+1, 0 }

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
	return slot.count
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
	if c.generation == 0 {
		c.generation = 1 // that of empty slots is 0
	}
	old := c.slots
	c.slots = make([]counted, max(counterMin, 2*len(old)))
	for _, slot := range old {
		if slot.generation == c.generation {
			*c.find(slot.hash) = slot
		}
	}
}
