package linearizability

// unique tells whether every value of the key has one origin: no two operations write the same
// one and none writes what the object held at first. Then to see a value is to see the effect of
// one certain operation, which is what bounding and dropping unknown operations, and deleting
// whole blocks from an explanation, rest on. Without it none of that applies and the key is left
// alone.
func (c *calls) unique() bool {
	written := make([]bool, c.values)
	written[nothing] = true
	for i := range c.all {
		if v, ok := c.all[i].writes(); ok {
			if written[v] {
				return false
			}
			written[v] = true
		}
	}
	return true
}

// refusals returns how many compare-and-sets were refused without saying what they saw.
func (c *calls) refusals() int {
	n := 0
	for i := range c.all {
		if c.all[i].action == refusalAction {
			n++
		}
	}
	return n
}
