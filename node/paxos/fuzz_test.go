package paxos

import (
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The format is canonical: a value has one encoding. So whatever is decoded is encoded to the same
// bytes again, and there is nothing in them that the value does not show.

// decodeBytesMax bounds what decoding may allocate, however long the lengths that its input claims.
// It leaves room for what was allocated before, in small pieces, and is counted only now.
const decodeBytesMax = 1 << 20

// Whatever arrives, decoding neither crashes nor takes anything that it would not write itself.
func FuzzDecodeMessage(f *testing.F) {
	f.Add(AppendMessage(nil, sampleMessage()))
	f.Add(append(AppendMessage(nil, sampleMessage()), 0))
	for kind := Prepare; kind <= Report; kind++ {
		f.Add(AppendMessage(nil, Message{
			Kind: kind, From: 1, To: 2, Ballot: Ballot{1, 1, 1}, Nonce: 1 << 40,
		}))
	}
	f.Add([]byte{})
	f.Add([]byte("\x01\x01\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecoder(t, data, DecodeMessage, AppendMessage, MessageMax)
	})
}

// The log's records are decoded by the same rules: their values …
func FuzzDecodeAcceptor(f *testing.F) {
	m := sampleMessage()
	f.Add(AppendAcceptor(nil, Acceptor{Promised: m.Next, Accepted: m.Proposal}))
	f.Add(AppendAcceptor(nil, Acceptor{Promised: m.Next}))
	f.Add(AppendAcceptor(nil, Acceptor{}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecoder(t, data, DecodeAcceptor, AppendAcceptor, 2*ballotBytesMax+stateBytesMax)
	})
}

// … and their keys.
func FuzzDecodeKey(f *testing.F) {
	f.Add(AppendKey(nil, Key{}))
	f.Add(AppendKey(nil, Key{Space: Decrees, Name: strings.Repeat("k", KeyMax)}))
	f.Add([]byte("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkDecoder(t, data, DecodeKey, AppendKey, keyBytesMax)
	})
}

// checkDecoder holds a decoder to what all of them promise.
func checkDecoder[T any](
	t *testing.T, data []byte, decode func([]byte) (T, error), encode func([]byte, T) []byte,
	most int,
) {
	before := allocatedBytes()
	value, err := decode(data)
	require.Less(t, allocatedBytes()-before, uint64(decodeBytesMax))
	if err != nil {
		require.ErrorIs(t, err, ErrMalformed)
		return
	}
	require.LessOrEqual(t, len(data), most)
	require.Equal(t, data, encode(make([]byte, 0), value))
}

// allocatedBytes returns how much this process has ever allocated. What is small is counted late.
func allocatedBytes() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// Whatever is in a message: it is decoded to the same if a node may send it, and refused else.
func FuzzMessageRoundTrip(f *testing.F) {
	// Everything at its limit, and then one thing beyond it, or below.
	for beyond := range 11 {
		more := func(place int) int {
			if place == beyond {
				return 1
			}
			return 0
		}
		f.Add(byte(int(Report)+more(1)), uint16(NodesMax+more(2)), uint16(NodesMax+more(3)),
			byte(int(Decrees)+more(4)), strings.Repeat("k", KeyMax+more(5)),
			uint64(RoundMax+more(6)), uint16(NodesMax+more(7)), uint64(BootMax+more(8)),
			make([]byte, ContentMax+more(9)), uint64(SequenceMax+more(10)), uint64(1<<64-1))
		f.Add(byte(int(Prepare)-more(1)), uint16(1-more(2)), uint16(1-more(3)), byte(0), "",
			uint64(0), uint16(1-more(7)), uint64(0), []byte{}, uint64(0), uint64(0))
	}
	f.Fuzz(func(
		t *testing.T, kind byte, from, to uint16, space byte, name string,
		round uint64, node uint16, boot uint64, content []byte, sequence, nonce uint64,
	) {
		ballot := Ballot{round, NodeID(node), boot}
		m := Message{
			Kind: MessageKind(kind), From: NodeID(from), To: NodeID(to),
			Key: Key{Space(space), name}, Ballot: ballot, Next: ballot, Promised: ballot,
			Proposal: Proposal{ballot, State{
				Present: len(content) > 0, Applied: []Stamp{{NodeID(node), boot, sequence}},
			}},
			Refused: MessageKind(kind), Nonce: nonce,
		}
		if len(content) > 0 {
			m.Proposal.State.Content = content
		}
		decoded, err := DecodeMessage(AppendMessage(nil, m))
		// The stamp has the ballot's node: no node 0, and so no ballot "none", is in range.
		if kind >= byte(Prepare) && kind <= byte(Report) && isNode(from) && isNode(to) &&
			space <= byte(Decrees) && len(name) <= KeyMax && round <= RoundMax && isNode(node) &&
			boot <= BootMax && len(content) <= ContentMax && sequence <= SequenceMax {
			require.NoError(t, err)
			require.Equal(t, m, decoded)
			return
		}
		require.ErrorIs(t, err, ErrMalformed)
	})
}

func isNode(number uint16) bool { return number >= 1 && number <= NodesMax }
