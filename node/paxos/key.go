package paxos

import "cmp"

// KeyMax and ContentMax bound a key's name and a register's content, in bytes, so that every
// message fits a datagram.
const (
	KeyMax     = 128
	ContentMax = 1000
)

// A Space separates the keys of the two services.
type Space uint8

// The spaces of keys.
const (
	// Registers are read, written and compared-and-set.
	Registers Space = 0
	// Decrees are single-decree consensus instances: proposed to and learned from.
	Decrees Space = 1
)

// A Key names one instance of the protocol.
type Key struct {
	Space Space
	Name  string
}

// String shows a decree's key with a prefix, so that the two spaces differ in logs.
func (k Key) String() string {
	if k.Space == Decrees {
		return "decree:" + k.Name
	}
	return k.Name
}

// Compare orders keys by space, then name.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Space, other.Space), cmp.Compare(k.Name, other.Name))
}
