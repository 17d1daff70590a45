package paxos

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The design's limits: a datagram of the largest size, less the header before the message.
const (
	datagramMax = 1400
	headerMax   = 32
)

func drawBallot(t *rapid.T) Ballot {
	if rapid.IntRange(0, 4).Draw(t, "none") == 0 {
		return Ballot{}
	}
	return Ballot{
		Round: rapid.Uint64Range(0, RoundMax).Draw(t, "round"),
		Node:  NodeID(rapid.IntRange(1, NodesMax).Draw(t, "node")),
		Boot:  rapid.Uint64Range(0, BootMax).Draw(t, "boot"),
	}
}

func drawKey(t *rapid.T) Key {
	return Key{
		Space: Space(rapid.IntRange(0, 1).Draw(t, "space")),
		Name:  string(rapid.SliceOfN(rapid.Byte(), 0, KeyMax).Draw(t, "name")),
	}
}

func drawContent(t *rapid.T) []byte {
	content := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "content")
	if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
		content = bytes.Repeat([]byte{7}, ContentMax)
	}
	if len(content) == 0 {
		return nil
	}
	return content
}

func drawProposal(t *rapid.T) Proposal {
	p := Proposal{Ballot: drawBallot(t)}
	p.State.Present = rapid.Bool().Draw(t, "present")
	p.State.Content = drawContent(t)
	for node := NodeID(1); node <= NodesMax; node++ {
		if rapid.Bool().Draw(t, "stamped") {
			p.State.Applied = append(p.State.Applied, Stamp{
				Node:     node,
				Boot:     rapid.Uint64Range(0, BootMax).Draw(t, "boot"),
				Sequence: rapid.Uint64Range(0, SequenceMax).Draw(t, "sequence"),
			})
		}
	}
	return p
}

func drawMessage(t *rapid.T) Message {
	m := Message{
		Kind:     MessageKind(rapid.IntRange(int(Prepare), int(Report)).Draw(t, "kind")),
		From:     NodeID(rapid.IntRange(1, NodesMax).Draw(t, "from")),
		To:       NodeID(rapid.IntRange(1, NodesMax).Draw(t, "to")),
		Key:      drawKey(t),
		Ballot:   drawBallot(t),
		Proposal: drawProposal(t),
		Next:     drawBallot(t),
		Promised: drawBallot(t),
		Refused:  MessageKind(rapid.IntRange(0, 255).Draw(t, "refused")),
		Nonce:    rapid.Uint64().Draw(t, "nonce"),
	}
	if m.Kind < Query && m.Ballot.IsZero() {
		m.Ballot = Ballot{Round: 1, Node: 1, Boot: 1}
	}
	return m
}

// Whatever a node encodes, another decodes to the same, within MessageMax.
func TestDecodingReversesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawMessage(t)
		encoded := AppendMessage([]byte("before"), m)[len("before"):]
		require.LessOrEqual(t, len(encoded), MessageMax)
		decoded, err := DecodeMessage(encoded)
		require.NoError(t, err)
		require.Equal(t, m, decoded)

		key, err := DecodeKey(AppendKey(nil, m.Key))
		require.NoError(t, err)
		require.Equal(t, m.Key, key)

		a := Acceptor{Promised: m.Promised, Accepted: m.Proposal}
		acceptor, err := DecodeAcceptor(AppendAcceptor(nil, a))
		require.NoError(t, err)
		require.Equal(t, a, acceptor)
	})
}

// What is decoded keeps no reference to the datagram's buffer, which is used again.
func TestDecodingCopies(t *testing.T) {
	m := sampleMessage()
	encoded := AppendMessage(nil, m)
	decoded, err := DecodeMessage(encoded)
	require.NoError(t, err)
	for i := range encoded {
		encoded[i] = 0xff
	}
	require.Equal(t, m, decoded)
}

func TestDecodingRefusesEveryTruncationAndWhatIsLeftOver(t *testing.T) {
	encoded := AppendMessage(nil, sampleMessage())
	for length := range encoded {
		_, err := DecodeMessage(encoded[:length])
		require.ErrorIs(t, err, ErrMalformed, "cut to %d of %d bytes", length, len(encoded))
	}
	_, err := DecodeMessage(append(encoded, 0))
	require.ErrorIs(t, err, ErrMalformed)
}

func TestDecodingRefusesWhatNoNodeSends(t *testing.T) {
	cases := map[string]func(*Message){
		"no kind":             func(m *Message) { m.Kind = 0 },
		"unknown kind":        func(m *Message) { m.Kind = Report + 1 },
		"no sender":           func(m *Message) { m.From = 0 },
		"no recipient":        func(m *Message) { m.To = 0 },
		"sender beyond limit": func(m *Message) { m.From = NodesMax + 1 },
		"unknown space":       func(m *Message) { m.Key.Space = Decrees + 1 },
		"key too long":        func(m *Message) { m.Key.Name = strings.Repeat("k", KeyMax+1) },
		"content too long": func(m *Message) {
			m.Proposal.State.Content = make([]byte, ContentMax+1)
		},
		"round beyond limit":  func(m *Message) { m.Ballot.Round = RoundMax + 1 },
		"boot beyond limit":   func(m *Message) { m.Ballot.Boot = BootMax + 1 },
		"an accept of none":   func(m *Message) { m.Ballot = Ballot{} },
		"a ballot of no node": func(m *Message) { m.Next = Ballot{Round: 3} },
		"sequence beyond limit": func(m *Message) {
			m.Proposal.State.Applied[0].Sequence = SequenceMax + 1
		},
		"stamp's boot beyond":  func(m *Message) { m.Proposal.State.Applied[0].Boot = BootMax + 1 },
		"a stamp of no node":   func(m *Message) { m.Proposal.State.Applied[0].Node = 0 },
		"two stamps of a node": func(m *Message) { m.Proposal.State.Applied[1].Node = 1 },
		"too many stamps": func(m *Message) {
			m.Proposal.State.Applied = make([]Stamp, NodesMax+1)
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			m := sampleMessage()
			spoil(&m)
			_, err := DecodeMessage(AppendMessage(nil, m))
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}

// One message has one encoding: a number that is padded with empty digits is refused.
func TestDecodingRefusesPaddedNumbers(t *testing.T) {
	encoded := AppendMessage(nil, sampleMessage())
	last := len(encoded) - 1
	require.Less(t, encoded[last], byte(0x80), "the nonce is one byte")
	padded := append(bytes.Clone(encoded[:last]), encoded[last]|0x80, 0)
	_, err := DecodeMessage(padded)
	require.ErrorIs(t, err, ErrMalformed)
}

// The largest message of every cluster fits a datagram, header included: this is what bounds
// keys and contents.
func TestEveryMessageFitsADatagram(t *testing.T) {
	require.LessOrEqual(t, MessageMax+headerMax, datagramMax)

	m := Message{Kind: Accept, From: NodesMax, To: NodesMax, Nonce: 1<<64 - 1}
	m.Key = Key{Space: Decrees, Name: strings.Repeat("k", KeyMax)}
	high := Ballot{Round: RoundMax, Node: NodesMax, Boot: BootMax}
	m.Ballot, m.Next, m.Promised = high, high, high
	m.Proposal = Proposal{Ballot: high, State: State{
		Present: true, Content: make([]byte, ContentMax),
	}}
	for node := NodeID(1); node <= NodesMax; node++ {
		stamp := Stamp{Node: node, Boot: BootMax, Sequence: SequenceMax}
		m.Proposal.State.Applied = append(m.Proposal.State.Applied, stamp)
	}
	encoded := AppendMessage(nil, m)
	require.Len(t, encoded, MessageMax, "the bound is reached, and not exceeded")
	_, err := DecodeMessage(encoded)
	require.NoError(t, err)
}

// What nodes really send leaves room: 5 and 7 nodes, each of which has operated on the key, after
// 2^35 operations and rounds and 2^14 restarts.
func TestRealisticMessagesLeaveRoomInADatagram(t *testing.T) {
	for nodes, most := range map[NodeID]int{5: 1206, 7: 1222} {
		state := State{Present: true, Content: make([]byte, ContentMax)}
		for node := NodeID(1); node <= nodes; node++ {
			stamp := Stamp{Node: node, Boot: 1<<14 - 1, Sequence: 1<<35 - 1}
			state.Applied = append(state.Applied, stamp)
		}
		ballot := Ballot{Round: 1<<35 - 1, Node: nodes, Boot: 1<<14 - 1}
		key := Key{Name: strings.Repeat("k", KeyMax)}
		for _, m := range []Message{
			{Kind: Accept, Ballot: ballot, Next: ballot, Proposal: Proposal{State: state}},
			{Kind: Promise, Ballot: ballot, Proposal: Proposal{ballot, state}},
			{Kind: Report, Nonce: 1 << 63, Proposal: Proposal{ballot, state}},
		} {
			m.From, m.To, m.Key = nodes, 1, key
			require.LessOrEqual(t, len(AppendMessage(nil, m)), most, "%d nodes, %s", nodes, m.Kind)
		}
	}
}

// sampleMessage has something in every field.
func sampleMessage() Message {
	return Message{
		Kind: Accept, From: 1, To: 2, Key: Key{Space: Decrees, Name: "k"},
		Ballot: Ballot{Round: 300, Node: 3, Boot: 2},
		Proposal: Proposal{
			Ballot: Ballot{Round: 1, Node: 2, Boot: 3},
			State: State{Present: true, Content: []byte("content"), Applied: []Stamp{
				{Node: 1, Boot: 1, Sequence: 500}, {Node: 3, Boot: 2, Sequence: 1},
			}},
		},
		Next:     Ballot{Round: 301, Node: 3, Boot: 2},
		Promised: Ballot{Round: 7, Node: 1, Boot: 1},
		Refused:  Prepare,
		Nonce:    9,
	}
}
