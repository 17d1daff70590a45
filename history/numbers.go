package history

import "slices"

// Numbers is a set of numbers that are added in rising order. It is kept as stretches without gaps,
// of which a whole run has one.
type numbers []stretch

type stretch struct{ first, last int64 }

// add adds n, which is higher than all that are there.
func (s *numbers) add(n int64) {
	if last := len(*s) - 1; last >= 0 && (*s)[last].last == n-1 {
		(*s)[last].last = n
		return
	}
	*s = append(*s, stretch{n, n})
}

// has tells whether n was added.
func (s numbers) has(n int64) bool {
	_, found := slices.BinarySearchFunc(s, n, func(one stretch, n int64) int {
		switch {
		case one.last < n:
			return -1
		case one.first > n:
			return 1
		}
		return 0
	})
	return found
}
