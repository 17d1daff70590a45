package server

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

var exampleMessage = paxos.Message{
	Kind: paxos.Accept, From: 2, To: 1,
	Key:    paxos.Key{Space: paxos.Registers, Name: "k"},
	Ballot: paxos.Ballot{Round: 7, Node: 2, Boot: 3},
	Proposal: paxos.Proposal{State: paxos.State{
		Present: true, Content: []byte("value"),
		Applied: []paxos.Stamp{{Node: 2, Boot: 3, Sequence: 9}},
	}},
	Next: paxos.Ballot{Round: 8, Node: 2, Boot: 3},
}

func encoded(tag clusterTag, m paxos.Message) []byte { return appendDatagram(nil, tag, m) }

// checksummed makes a changed datagram's checksum hold again.
func checksummed(datagram []byte) []byte {
	binary.LittleEndian.PutUint32(datagram[checksumAt:], datagramSum(datagram))
	return datagram
}

func TestDatagramRoundTrip(t *testing.T) {
	tag := tagOf("cluster")
	m, err := decodeDatagram(encoded(tag, exampleMessage), tag)
	require.NoError(t, err)
	require.Equal(t, exampleMessage, m)
}

func TestAppendDatagramKeepsWhatIsThere(t *testing.T) {
	tag := tagOf("cluster")
	whole := appendDatagram([]byte("before"), tag, exampleMessage)
	require.Equal(t, append([]byte("before"), encoded(tag, exampleMessage)...), whole)
}

// largestMessage has every number at its highest.
func largestMessage() paxos.Message {
	m := exampleMessage
	m.Key.Name = string(bytes.Repeat([]byte("k"), paxos.KeyMax))
	m.Ballot = paxos.Ballot{Round: paxos.RoundMax, Node: paxos.NodesMax, Boot: paxos.BootMax}
	m.Next, m.Promised, m.Proposal.Ballot = m.Ballot, m.Ballot, m.Ballot
	m.Nonce = math.MaxUint64
	m.Proposal.State.Content = bytes.Repeat([]byte("v"), paxos.ContentMax)
	m.Proposal.State.Applied = nil
	for node := range paxos.NodeID(paxos.NodesMax) {
		m.Proposal.State.Applied = append(m.Proposal.State.Applied,
			paxos.Stamp{Node: node + 1, Boot: paxos.BootMax, Sequence: paxos.SequenceMax})
	}
	return m
}

// The largest message is heard.
func TestLargestMessageFits(t *testing.T) {
	m := largestMessage()
	datagram := encoded(tagOf("c"), m)
	require.LessOrEqual(t, len(datagram), DatagramMax)
	heard, err := decodeDatagram(datagram, tagOf("c"))
	require.NoError(t, err)
	require.Equal(t, m, heard)
}

func TestBadDatagramsAreDropped(t *testing.T) {
	tag := tagOf("cluster")
	good := encoded(tag, exampleMessage)
	changed := func(at int, to byte) []byte {
		datagram := bytes.Clone(good)
		datagram[at] = to
		return datagram
	}
	for _, test := range []struct {
		name     string
		datagram []byte
		want     dropReason
	}{
		{"empty", nil, dropMagic},
		{"only a header's begin", good[:messageAt-1], dropMagic},
		{"another magic", changed(0, 'x'), dropMagic},
		{"another version", changed(3, 2), dropMagic},
		{"another cluster", encoded(tagOf("other"), exampleMessage), dropCluster},
		{"cluster tag changed on the way", changed(5, good[5]+1), dropChecksum},
		{"message changed on the way", changed(messageAt+2, 99), dropChecksum},
		{"cut short", good[:len(good)-1], dropChecksum},
		{"something added", append(bytes.Clone(good), 0), dropChecksum},
		{"no message", checksummed(bytes.Clone(good[:messageAt])), dropMalformed},
		{"no such kind", checksummed(changed(messageAt, 99)), dropMalformed},
		{"too long", make([]byte, DatagramMax+1), dropTooLong},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeDatagram(test.datagram, tag)
			require.ErrorIs(t, err, test.want)
		})
	}
}
