package simulation

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestACounterCountsAsAMapDoes(t *testing.T) {
	var c counter
	rapid.Check(t, func(t *rapid.T) {
		c.reset()
		naive := map[uint64]uint64{}
		// Hashes that begin at neighbouring slots, and more than the table has room for.
		for range rapid.SampledFrom([]int{10, 500, 9000}).Draw(t, "times") {
			hash := mix(uint64(len(naive)%4000), 7)&^0xff | uint64(len(naive)%3)
			naive[hash]++
			if len(naive)%5 == 0 {
				naive[hash^1]++
				require.Equal(t, naive[hash^1], c.next(hash^1))
			}
			require.Equal(t, naive[hash], c.next(hash))
		}
	})
}

func TestTheQueueIsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := new(queue)
		times := rapid.SliceOfN(rapid.Int64Range(0, 20), 0, 200).Draw(t, "times")
		for i, at := range times {
			e := q.push(at)
			e.number = uint64(i)
		}
		last, lastNumber := int64(-1), uint64(0)
		for range times {
			e, at := q.pop()
			require.NotNil(t, e)
			require.Equal(t, times[e.number], at)
			require.True(t, at > last || at == last && e.number > lastNumber,
				"by time, and those of one time as they were added")
			last, lastNumber = at, e.number
			q.release(e)
		}
		e, _ := q.pop()
		require.Nil(t, e)
	})
}
