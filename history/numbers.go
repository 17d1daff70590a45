package history

import "slices"

// Numbers is a set of numbers. It is kept as stretches without gaps, in order: the operations of a
// whole run are one, and its processes that ended are as many as there are others between them.
// Numbers that rise are added at once, others in the time that it takes to move the stretches.
type numbers []stretch

type stretch struct{ first, last int64 }

// add adds n.
func (s *numbers) add(n int64) {
	all := *s
	if last := len(all) - 1; last >= 0 && all[last].last == n-1 {
		all[last].last = n
		return
	} else if last < 0 || all[last].last < n {
		*s = append(all, stretch{n, n})
		return
	}
	at, found := all.find(n)
	if found {
		return
	}
	before, after := at > 0 && all[at-1].last == n-1, all[at].first == n+1
	switch {
	case before && after:
		all[at-1].last = all[at].last
		*s = slices.Delete(all, at, at+1)
	case before:
		all[at-1].last = n
	case after:
		all[at].first = n
	default:
		*s = slices.Insert(all, at, stretch{n, n})
	}
}

// has tells whether n was added.
func (s numbers) has(n int64) bool {
	_, found := s.find(n)
	return found
}

// find returns the stretch that has n, or else the place of the first one after n.
func (s numbers) find(n int64) (at int, found bool) {
	return slices.BinarySearchFunc(s, n, func(one stretch, n int64) int {
		switch {
		case one.last < n:
			return -1
		case one.first > n:
			return 1
		}
		return 0
	})
}
