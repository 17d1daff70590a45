package workloads

import "fmt"

// places are where the live keys of a workload stand: one at each, replaced by a fresh one after a
// number of operations. The names of all keys ever used follow from the numbers.
type places struct {
	prefix string
	// limit is after how many operations a key is replaced.
	limit int
	// retired is how many keys stood at each place before the one that is live.
	retired []int
	// asked is how many operations the live key at each place was used for.
	asked []int
	// live maps the names of the live keys to their places.
	live map[string]int
	// partings are the keys that were replaced a moment ago.
	partings *partings
}

func newPlaces(prefix string, o Options) *places {
	p := &places{
		prefix: prefix, limit: o.OperationsPerKey, retired: make([]int, o.Keys),
		asked: make([]int, o.Keys), live: map[string]int{}, partings: newPartings(o),
	}
	for i := range o.Keys {
		p.live[p.key(i, 0)] = i
	}
	return p
}

// key returns the name of the key that stood at a place so many keys ago, 0 for the live one.
func (p *places) key(place, ago int) string {
	return fmt.Sprintf("%s%d-%d", p.prefix, place+1, p.retired[place]+1-ago)
}

// use counts an operation on the live key at a place and returns its name. Fresh tells that this
// key has just replaced another.
func (p *places) use(place int) (key string, fresh bool) {
	if p.asked[place] == p.limit {
		old := p.key(place, 0)
		delete(p.live, old)
		p.partings.add(old)
		p.retired[place]++
		p.asked[place] = 0
		p.live[p.key(place, 0)] = place
		fresh = true
	}
	p.asked[place]++
	return p.key(place, 0), fresh
}
