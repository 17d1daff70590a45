package server

import (
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// dropsOf returns how many datagrams were dropped for a reason.
func dropsOf(i *instruments, reason dropReason) float64 {
	return testutil.ToFloat64(i.drops.WithLabelValues(string(reason)))
}

// openNetworks returns the networks of nodes 1 and 2, and the first one's instruments.
func openNetworks(t *testing.T) (one, two *network) {
	t.Helper()
	peers := map[paxos.NodeID]string{1: freeAddress(t), 2: freeAddress(t)}
	var networks []*network
	for number := paxos.NodeID(1); number <= 2; number++ {
		o := Options{Number: number, Cluster: "c", Peers: peers, PeerListen: peers[number]}
		n, err := openNetwork(o, newInstruments())
		require.NoError(t, err)
		n.start(make(chan error, 1))
		t.Cleanup(n.close)
		networks = append(networks, n)
	}
	return networks[0], networks[1]
}

func TestMessagesTravel(t *testing.T) {
	one, two := openNetworks(t)
	two.send(exampleMessage)
	require.Equal(t, exampleMessage, <-one.received)
	require.Eventually(t, func() bool {
		return testutil.ToFloat64(two.count.sent) == 1 && testutil.ToFloat64(one.count.received) == 1
	}, patience, time.Millisecond)
}

func TestOnlyPeersAreHeard(t *testing.T) {
	one, _ := openNetworks(t)
	message := func(from, to paxos.NodeID) []byte {
		m := exampleMessage
		m.From, m.To = from, to
		return encoded(one.tag, m)
	}
	require.NoError(t, one.receive(message(2, 1)))
	require.ErrorIs(t, one.receive(message(3, 1)), dropSender)
	require.ErrorIs(t, one.receive(message(1, 1)), dropSender, "a node does not send to itself")
	require.ErrorIs(t, one.receive(message(2, 2)), dropReceiver)
	require.ErrorIs(t, one.receive(encoded(tagOf("other"), exampleMessage)), dropCluster)
	require.Len(t, one.received, 1)
}

// Garbage on the wire is counted, and what comes after it is heard.
func TestGarbageIsCounted(t *testing.T) {
	one, two := openNetworks(t)
	stranger, err := net.Dial("udp", one.conn.LocalAddr().String())
	require.NoError(t, err)
	defer func() { require.NoError(t, stranger.Close()) }()
	_, err = stranger.Write([]byte("hello"))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return dropsOf(one.count, dropMagic) == 1
	}, patience, time.Millisecond)
	_, err = stranger.Write(make([]byte, 3000))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return dropsOf(one.count, dropTooLong) == 1
	}, patience, time.Millisecond)
	two.send(exampleMessage)
	require.Equal(t, exampleMessage, <-one.received)
}

func TestWhatCannotBeSentIsALoss(t *testing.T) {
	peers := map[paxos.NodeID]string{1: freeAddress(t), 2: "127.0.0.1:9"}
	o := Options{Number: 1, Cluster: "c", Peers: peers, PeerListen: peers[1]}
	n, err := openNetwork(o, newInstruments())
	require.NoError(t, err)
	for range queueMax + 3 {
		n.send(paxos.Message{To: 2})
	}
	require.EqualValues(t, 3, testutil.ToFloat64(n.count.unsent), "the queue is bounded")
	require.NoError(t, n.conn.Close())
	fatal := make(chan error, 1)
	n.start(fatal)
	require.Eventually(t, func() bool {
		return testutil.ToFloat64(n.count.unsent) == queueMax+3
	}, patience, time.Millisecond)
	n.close()
	require.Empty(t, fatal)
}

func TestAFullQueueDropsWhatArrives(t *testing.T) {
	one, _ := openNetworks(t)
	m := encoded(one.tag, exampleMessage)
	for range queueMax {
		require.NoError(t, one.receive(m))
	}
	require.ErrorIs(t, one.receive(m), dropBusy)
}

func TestPeersThatCannotBeFound(t *testing.T) {
	o := Options{Number: 1, Peers: map[paxos.NodeID]string{1: "127.0.0.1:1", 2: "127.0.0.1:none"}}
	_, err := openNetwork(o, newInstruments())
	require.ErrorContains(t, err, "look up peer 2")
	o.Peers, o.PeerListen = map[paxos.NodeID]string{1: "127.0.0.1:1"}, "192.0.2.1:7"
	_, err = openNetwork(o, newInstruments())
	require.ErrorContains(t, err, "listen for peers")
}
