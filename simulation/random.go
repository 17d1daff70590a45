package simulation

import (
	"math/bits"
	"time"

	"ordeal/nemesis"
)

// A decision is a kind of random decision. Each kind has numbers of its own, so that two decisions
// about the same thing are independent.
type decision uint64

const (
	decideDelay decision = iota + 1
	decideLoss
	decideRepeat
	decideRepeatDelay
	decideFaultDelay
	decideFaultLoss
	decideFaultRepeat
	decidePriority
	decideRequestDelay
	decideReplyDelay
	decideSync
	decideStart
	decideCrashPoint
	decideTear
	decideBackoff
	decideRot
	decideRelease
	decideDoom
	decideInterruption
)

// mix hashes two words into one (the multiply-and-fold step of wyhash; Wang Yi, 2019). It is not
// cryptography: it is fast, the same everywhere, and each bit of the result depends on all of both.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd1b54a32d192ed03)
	return high ^ low
}

// mixText hashes a word and a text into one word, eight bytes at a time.
func mixText[T string | []byte](h uint64, text T) uint64 {
	h = mix(h, uint64(len(text)))
	for ; len(text) >= 8; text = text[8:] {
		h = mix(h, uint64(text[0])|uint64(text[1])<<8|uint64(text[2])<<16|uint64(text[3])<<24|
			uint64(text[4])<<32|uint64(text[5])<<40|uint64(text[6])<<48|uint64(text[7])<<56)
	}
	if len(text) == 0 {
		return h
	}
	word := uint64(0)
	for i := range len(text) {
		word |= uint64(text[i]) << (8 * i)
	}
	return mix(h, word)
}

// hashOf hashes a name.
func hashOf(name string) uint64 { return mixText(0, name) }

// roll returns the random number of a decision: of its kind, about which place (a node or a link),
// for which origin (a client's operation), for the how manieth time.
func (w *World) roll(kind decision, place, origin, occurrence uint64) uint64 {
	h := mix(w.seed^uint64(kind), place)
	return mix(mix(h, origin), occurrence^0xa0761d6478bd642f)
}

// below returns a number from 0 to n-1 of a random number; all but exactly uniform for small n.
func below(random, n uint64) uint64 {
	high, _ := bits.Mul64(random, n)
	return high
}

// chance tells whether what happens in so many of a thousand cases happens.
func chance(random uint64, perMille int) bool { return below(random, 1000) < uint64(perMille) }

// quantiles are 33 points, from the lowest to the highest, of how long something takes relative to
// its median, in 1/1024. They are those of log-normal distributions with a sigma of 0.3 (a quiet
// local network) and 1.2 (one in which a packet in thirty takes ten times the median), with the
// ends cut at 1/64 and 63/64.
var quantiles = map[nemesis.Spread]*[33]int64{
	nemesis.Narrow: {
		537, 586, 646, 690, 725, 756, 785, 811, 836, 861, 884, 908, 931, 954, 977, 1000, 1024,
		1048, 1073, 1100, 1127, 1155, 1186, 1218, 1254, 1293, 1336, 1386, 1446, 1521, 1622, 1791,
		1954,
	},
	nemesis.Wide: {
		77, 110, 162, 211, 258, 305, 353, 403, 456, 511, 570, 632, 699, 770, 848, 932, 1024,
		1125, 1237, 1361, 1501, 1659, 1841, 2052, 2300, 2600, 2969, 3441, 4072, 4980, 6454, 9573,
		13577,
	},
}

// medianMax bounds the medians that spread takes, so that it does not overflow.
const medianMax = int64(10 * time.Second)

// spread returns a time around a median, in nanoseconds, by a random number.
func spread(table *[33]int64, median int64, random uint64) int64 {
	place := random >> 59                  // one of 32 intervals
	within := int64(random >> 43 & 0xffff) // where in it, in 1/2^16
	low, high := table[place], table[place+1]
	return median * (low<<16 + (high-low)*within) >> 26
}
