package agent

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// loopback returns addresses of this machine that stand for nodes.
func loopback(last byte) netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 77, last}) }

// freePort returns a UDP port that is free on the loopback addresses.
func freePort(t *testing.T) uint16 {
	t.Helper()
	socket, err := net.ListenUDP("udp4", nil)
	require.NoError(t, err)
	defer func() { _ = socket.Close() }()
	return uint16(socket.LocalAddr().(*net.UDPAddr).Port)
}

// eventually asks until ok is true.
func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, time.Millisecond, what)
}

func TestProbersHearEachOther(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	port := freePort(t)
	one := netip.AddrPortFrom(loopback(1), port)
	two := netip.AddrPortFrom(loopback(2), port)
	p1, err := startProber(one, "n1", map[netip.Addr]string{two.Addr(): "n2"}, time.Millisecond)
	require.NoError(t, err)
	defer p1.close()
	_, arrived := p1.counts()
	require.EqualValues(t, -1, arrived["n2"].quiet(), "nothing yet")
	_, err = startProber(one, "n1", nil, time.Millisecond)
	require.Error(t, err, "the port is taken")
	p2, err := startProber(two, "n2", map[netip.Addr]string{one.Addr(): "n1"}, time.Millisecond)
	require.NoError(t, err)
	heard := func(p *prober, peer string) func() bool {
		return func() bool { _, arrived := p.counts(); return arrived[peer].count > 2 }
	}
	eventually(t, heard(p1, "n2"), "n1 hears n2")
	eventually(t, heard(p2, "n1"), "n2 hears n1")
	_, arrived = p1.counts()
	require.GreaterOrEqual(t, arrived["n2"].quiet(), int64(0))

	p2.close()
	p1.barrier()
	_, before := p1.counts()
	sent, _ := p1.counts()
	eventually(t, func() bool { now, _ := p1.counts(); return now > sent+3 }, "n1 goes on")
	_, after := p1.counts()
	require.Equal(t, before["n2"].count, after["n2"].count, "n2 is silent")
}

// What was sent before a barrier is counted after it.
func TestBarrierCountsWhatHadArrived(t *testing.T) {
	port := freePort(t)
	peer := netip.AddrPortFrom(loopback(2), port)
	p, err := startProber(netip.AddrPortFrom(loopback(1), port), "n1",
		map[netip.Addr]string{peer.Addr(): "n2"}, time.Hour)
	require.NoError(t, err)
	defer p.close()
	sender, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(peer))
	require.NoError(t, err)
	defer func() { _ = sender.Close() }()
	for i := range uint64(50) {
		data := probe{kind: kindProbe, number: i, sender: "n2"}.encode()
		_, err := sender.WriteToUDPAddrPort(data, netip.AddrPortFrom(loopback(1), port))
		require.NoError(t, err)
	}
	p.barrier()
	_, arrived := p.counts()
	require.EqualValues(t, 50, arrived["n2"].count)
}

func TestOnlyProbesOfTheAddressesOwnerCount(t *testing.T) {
	p := &prober{
		self: "n1", peers: map[netip.Addr]string{loopback(2): "n2"},
		arrived: make(map[string]arrivals), pending: make(map[uint64]chan struct{}),
	}
	p.count(probe{kind: kindProbe, sender: "n3"}, loopback(2))
	p.count(probe{kind: kindProbe, sender: "n2"}, loopback(3))
	p.count(probe{kind: kindBarrier, sender: "n2"}, loopback(2))
	require.Empty(t, p.arrived)
	p.count(probe{kind: kindProbe, sender: "n2"}, loopback(2))
	require.EqualValues(t, 1, p.arrived["n2"].count)
}
