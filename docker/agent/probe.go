package agent

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// A datagram between agents: magic, kind, the number of the round (of the barrier, for a barrier),
// and the sender's name.
const (
	probeMagic  = "ORDP"
	probeHeader = len(probeMagic) + 1 + 8
	probeMax    = probeHeader + 64
)

// The kinds of datagrams.
const (
	kindProbe   byte = 1
	kindBarrier byte = 2
)

// A probe is one datagram between agents, or, as a barrier, from an agent to itself.
type probe struct {
	kind   byte
	number uint64
	sender string
}

// encode returns the datagram. The sender's name is cut off at 64 bytes.
func (p probe) encode() []byte {
	data := append([]byte(probeMagic), p.kind)
	data = binary.BigEndian.AppendUint64(data, p.number)
	data = append(data, p.sender...)
	return data[:min(len(data), probeMax)]
}

// decodeProbe reads a datagram. What is no probe of ours is an error.
func decodeProbe(data []byte) (probe, error) {
	if len(data) < probeHeader || len(data) > probeMax {
		return probe{}, fmt.Errorf("a datagram of %d bytes is no probe", len(data))
	}
	if !bytes.HasPrefix(data, []byte(probeMagic)) {
		return probe{}, errors.New("a datagram without our mark")
	}
	kind := data[len(probeMagic)]
	if kind != kindProbe && kind != kindBarrier {
		return probe{}, fmt.Errorf("a datagram of unknown kind %d", kind)
	}
	return probe{
		kind:   kind,
		number: binary.BigEndian.Uint64(data[len(probeMagic)+1:]),
		sender: string(data[probeHeader:]),
	}, nil
}
