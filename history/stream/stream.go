package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// New returns the stream of random numbers that seed and label stand for: equal arguments give
// equal streams, on any machine; different ones give streams that are independent for all that a
// test can tell. The state of the generator (PCG, 128 bits) is the beginning of the SHA-256 hash of
// seed and label, because neighbouring seeds and labels must not give related states.
//
// A stream is not safe for concurrent use.
func New(seed uint64, label string) *rand.Rand {
	text := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(label)), seed)
	sum := sha256.Sum256(append(text, label...))
	return rand.New(rand.NewPCG(
		binary.BigEndian.Uint64(sum[0:8]), binary.BigEndian.Uint64(sum[8:16])))
}

// Seed returns the seed that a seed, a label and a number stand for: one of many that are
// independent of each other.
func Seed(seed uint64, label string, number uint64) uint64 {
	text := binary.BigEndian.AppendUint64(make([]byte, 0, 16+len(label)), seed)
	text = binary.BigEndian.AppendUint64(text, number)
	sum := sha256.Sum256(append(text, label...))
	return binary.BigEndian.Uint64(sum[:8])
}
