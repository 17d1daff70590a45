package linearizability

// decideOnce is decide for single-decree consensus. Proposals are legal exactly if all that ended
// were told the same value, somebody proposed that, and called no later than the first of them
// ended: then that proposal comes first, and the others follow in the order of their starts, which
// is the order of the calls. It is O(n).
//
// Of proposals of unknown outcome only the one that was chosen is left by then.
func decideOnce(c *calls) ([]instant, *violation) {
	writers := c.writers()
	first := none
	for i := range c.all {
		if c.all[i].action == proposeAction && (first == none || c.all[i].end < c.all[first].end) {
			first = i
		}
	}
	if first == none {
		return nil, nil // whatever is of unknown outcome was dropped
	}
	told := &c.all[first]
	chosen := writers[told.seen]
	var found *violation
	for i := range c.all {
		one := &c.all[i]
		switch {
		case one.action != proposeAction:
		case writers[one.seen] == none:
			found = found.orEarlier(newViolation(one.end, i))
		case one.seen != told.seen:
			found = found.orEarlier(newViolation(one.end, first, i))
		}
	}
	if found == nil && c.all[chosen].start > told.end {
		found = &violation{core: []int{first}} // and who proposed what it was told
	}
	if found != nil {
		return nil, found
	}
	return everythingAtItsStart(c, chosen), nil
}

// everythingAtItsStart returns the calls in the order of their starts, after the one that comes
// before all others. No call takes effect before that has started.
func everythingAtItsStart(c *calls, chosen int) []instant {
	order := make([]instant, 0, len(c.all))
	earliest := c.all[chosen].start
	order = append(order, instant{int32(chosen), earliest})
	for i := range c.all {
		if i != chosen {
			order = append(order, instant{int32(i), max(earliest, c.all[i].start)})
		}
	}
	return order
}
