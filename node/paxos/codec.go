package paxos

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MessageMax is the length of the longest message's encoding, in bytes: the longest key and
// content, a stamp of every node, and every number at its highest. It leaves room for a header of
// 32 bytes in a datagram of 1,400, in a cluster of any size: this is what the bounds on numbers are
// for.
const MessageMax = 2 + 2*nodeBytesMax + keyBytesMax + 4*ballotBytesMax + stateBytesMax +
	nonceBytesMax

// The longest encodings of a message's parts, in bytes. A varint holds 7 bits a byte.
const (
	nodeBytesMax     = 1
	roundBytesMax    = 7
	bootBytesMax     = 4
	sequenceBytesMax = 6
	nonceBytesMax    = binary.MaxVarintLen64
	ballotBytesMax   = roundBytesMax + nodeBytesMax + bootBytesMax
	stampBytesMax    = nodeBytesMax + bootBytesMax + sequenceBytesMax
	keyBytesMax      = 1 + 2 + KeyMax
	stateBytesMax    = 1 + 2 + ContentMax + 1 + NodesMax*stampBytesMax
)

// ErrMalformed is what decoding returns for bytes that no node encoded.
var ErrMalformed = errors.New("malformed")

// AppendMessage appends the encoding of m to buffer. Numbers are unsigned varints, texts and
// contents are prefixed by their length:
//
//	kind from to space key ballot proposal next promised refused nonce
func AppendMessage(buffer []byte, m Message) []byte {
	buffer = append(buffer, byte(m.Kind))
	buffer = binary.AppendUvarint(buffer, uint64(m.From))
	buffer = binary.AppendUvarint(buffer, uint64(m.To))
	buffer = AppendKey(buffer, m.Key)
	buffer = appendBallot(buffer, m.Ballot)
	buffer = appendProposal(buffer, m.Proposal)
	buffer = appendBallot(buffer, m.Next)
	buffer = appendBallot(buffer, m.Promised)
	buffer = append(buffer, byte(m.Refused))
	return binary.AppendUvarint(buffer, m.Nonce)
}

// DecodeMessage is the reverse of AppendMessage. It returns ErrMalformed for anything that
// AppendMessage does not write, and never keeps a reference to data.
func DecodeMessage(data []byte) (Message, error) {
	d := decoder{data: data}
	m := Message{Kind: MessageKind(d.byte()), From: d.node(), To: d.node(), Key: d.key()}
	m.Ballot = d.ballot()
	m.Proposal = d.proposal()
	m.Next = d.ballot()
	m.Promised = d.ballot()
	m.Refused = MessageKind(d.byte())
	m.Nonce = d.number(1<<64 - 1)
	switch {
	case m.Kind < Prepare || m.Kind > Report:
		d.fail("message kind", uint64(m.Kind))
	case m.From == 0 || m.To == 0:
		d.fail("message of or to node", 0)
	case m.Kind < Query && m.Ballot.IsZero():
		d.fail("ballot none in message kind", uint64(m.Kind))
	}
	return m, d.finish()
}

// AppendKey appends the encoding of a key: its space, then its name.
func AppendKey(buffer []byte, k Key) []byte {
	buffer = append(buffer, byte(k.Space))
	return appendBytes(buffer, []byte(k.Name))
}

// DecodeKey is the reverse of AppendKey.
func DecodeKey(data []byte) (Key, error) {
	d := decoder{data: data}
	key := d.key()
	return key, d.finish()
}

// AppendAcceptor appends the encoding of an acceptor's memory: what it promised, then what it
// accepted.
func AppendAcceptor(buffer []byte, a Acceptor) []byte {
	return appendProposal(appendBallot(buffer, a.Promised), a.Accepted)
}

// DecodeAcceptor is the reverse of AppendAcceptor.
func DecodeAcceptor(data []byte) (Acceptor, error) {
	d := decoder{data: data}
	a := Acceptor{Promised: d.ballot(), Accepted: d.proposal()}
	return a, d.finish()
}

func appendBallot(buffer []byte, b Ballot) []byte {
	buffer = binary.AppendUvarint(buffer, b.Round)
	buffer = binary.AppendUvarint(buffer, uint64(b.Node))
	return binary.AppendUvarint(buffer, b.Boot)
}

func appendProposal(buffer []byte, p Proposal) []byte {
	buffer = appendBallot(buffer, p.Ballot)
	present := byte(0)
	if p.State.Present {
		present = 1
	}
	buffer = append(buffer, present)
	buffer = appendBytes(buffer, p.State.Content)
	buffer = append(buffer, byte(len(p.State.Applied)))
	for _, stamp := range p.State.Applied {
		buffer = binary.AppendUvarint(buffer, uint64(stamp.Node))
		buffer = binary.AppendUvarint(buffer, stamp.Boot)
		buffer = binary.AppendUvarint(buffer, stamp.Sequence)
	}
	return buffer
}

func appendBytes(buffer, data []byte) []byte {
	buffer = binary.AppendUvarint(buffer, uint64(len(data)))
	return append(buffer, data...)
}

// A decoder reads one encoding. After the first error it returns zero values only.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) fail(what string, got uint64) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s %d", ErrMalformed, what, got)
	}
	d.data = nil
}

func (d *decoder) finish() error {
	if d.err == nil && len(d.data) > 0 {
		d.fail("bytes left over:", uint64(len(d.data)))
	}
	return d.err
}

func (d *decoder) byte() byte {
	if len(d.data) == 0 {
		d.fail("length", 0)
		return 0
	}
	first := d.data[0]
	d.data = d.data[1:]
	return first
}

func (d *decoder) number(most uint64) uint64 {
	number, length := binary.Uvarint(d.data)
	if length <= 0 || length > 1 && d.data[length-1] == 0 {
		d.fail("number cut off or padded, bytes left:", uint64(len(d.data)))
		return 0
	}
	d.data = d.data[length:]
	if number > most {
		d.fail("number", number)
		return 0
	}
	return number
}

func (d *decoder) node() NodeID { return NodeID(d.number(NodesMax)) }

func (d *decoder) bytes(most uint64) []byte {
	length := d.number(most)
	if length > uint64(len(d.data)) {
		d.fail("length", length)
		return nil
	}
	if length == 0 {
		return nil
	}
	data := append([]byte(nil), d.data[:length]...)
	d.data = d.data[length:]
	return data
}

func (d *decoder) key() Key {
	space := d.byte()
	if space > byte(Decrees) {
		d.fail("space", uint64(space))
	}
	return Key{Space: Space(space), Name: string(d.bytes(KeyMax))}
}

func (d *decoder) ballot() Ballot {
	b := Ballot{Round: d.number(RoundMax), Node: d.node(), Boot: d.number(BootMax)}
	if b.Node == 0 && !b.IsZero() {
		d.fail("ballot of node", 0)
	}
	return b
}

func (d *decoder) proposal() Proposal {
	p := Proposal{Ballot: d.ballot()}
	present := d.byte()
	if present > 1 {
		d.fail("presence", uint64(present))
	}
	p.State.Present = present == 1
	p.State.Content = d.bytes(ContentMax)
	stamps := d.byte()
	if stamps > NodesMax {
		d.fail("stamps", uint64(stamps))
		return p
	}
	last := NodeID(0)
	for range stamps {
		stamp := Stamp{Node: d.node(), Boot: d.number(BootMax), Sequence: d.number(SequenceMax)}
		if stamp.Node <= last {
			d.fail("stamps out of order at node", uint64(stamp.Node))
			return p
		}
		last = stamp.Node
		p.State.Applied = append(p.State.Applied, stamp)
	}
	return p
}
