package agent

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// ownNetwork puts the test into a network namespace of its own, where nftables rules harm nobody.
// It is the thread that changes sides: it is never unlocked, so that it ends with the test.
func ownNetwork(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if errors.Is(err, unix.EPERM) {
		t.Skip("making a network namespace is not permitted here")
	}
	require.NoError(t, err)
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	require.NoError(t, err)
	defer func() { _ = unix.Close(socket) }()
	request, err := unix.NewIfreq("lo")
	require.NoError(t, err)
	require.NoError(t, unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, request))
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	require.NoError(t, unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request))
}

// open opens the firewall, or skips the test where the kernel has none.
func open(t *testing.T) firewall {
	t.Helper()
	f, err := openFirewall()
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPROTONOSUPPORT) {
		t.Skipf("this kernel has no nftables: %v", err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.close()) })
	return f
}

// A wire sends datagrams from addresses to one socket, all on loopback.
type wire struct {
	t        *testing.T
	receiver *net.UDPConn
	senders  map[netip.Addr]*net.UDPConn
}

func newWire(t *testing.T, port int, senders ...netip.Addr) *wire {
	t.Helper()
	listen := func(address netip.AddrPort) *net.UDPConn {
		socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
		require.NoError(t, err)
		t.Cleanup(func() { _ = socket.Close() })
		return socket
	}
	w := &wire{
		t: t, receiver: listen(netip.AddrPortFrom(loopback(100), uint16(port))),
		senders: make(map[netip.Addr]*net.UDPConn),
	}
	for _, address := range senders {
		w.senders[address] = listen(netip.AddrPortFrom(address, 0))
	}
	return w
}

// arrives sends a datagram and tells whether it got through. On loopback it has by the time that
// sending returns, or never will.
func (w *wire) arrives(from netip.Addr) bool {
	w.t.Helper()
	to := w.receiver.LocalAddr().(*net.UDPAddr)
	_, err := w.senders[from].WriteToUDP([]byte("here"), to)
	require.NoError(w.t, err, "a sender must not see that it is cut")
	require.NoError(w.t, w.receiver.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, _, err = w.receiver.ReadFromUDP(make([]byte, 10))
	return err == nil
}

func TestFirewallDropsAndCounts(t *testing.T) {
	ownNetwork(t)
	a, b := loopback(1), loopback(2)
	f := open(t)
	require.NoError(t, f.watch([]netip.Addr{a, b}))
	w := newWire(t, 9, a, b)
	require.True(t, w.arrives(a))
	require.True(t, w.arrives(b))

	require.NoError(t, f.drop([]netip.Addr{a}))
	require.False(t, w.arrives(a))
	require.True(t, w.arrives(b))
	counted, err := f.read()
	require.NoError(t, err)
	require.Equal(t, map[netip.Addr]counts{
		a: {arrived: 1, cut: true, dropped: 1}, b: {arrived: 2},
	}, counted)

	// What stays dropped keeps its counter, and nothing slips through the change.
	require.NoError(t, f.drop([]netip.Addr{b, a}))
	require.False(t, w.arrives(a))
	require.False(t, w.arrives(b))
	counted, err = f.read()
	require.NoError(t, err)
	require.EqualValues(t, 2, counted[a].dropped)
	require.EqualValues(t, 1, counted[b].dropped)

	require.NoError(t, f.drop(nil))
	require.True(t, w.arrives(a))
	require.True(t, w.arrives(b))
	counted, err = f.read()
	require.NoError(t, err)
	require.Equal(t, counts{arrived: 2}, counted[a])
}

func TestFirewallIsAdopted(t *testing.T) {
	ownNetwork(t)
	a := loopback(1)
	first := open(t)
	require.NoError(t, first.watch([]netip.Addr{a}))
	require.NoError(t, first.drop([]netip.Addr{a}))
	w := newWire(t, 9, a)
	require.False(t, w.arrives(a))

	second := open(t)
	require.False(t, w.arrives(a), "opening changes nothing")
	require.NoError(t, second.watch([]netip.Addr{a}))
	counted, err := second.read()
	require.NoError(t, err)
	require.Equal(t, counts{cut: true, dropped: 2}, counted[a])
	require.NoError(t, second.drop(nil))
	require.True(t, w.arrives(a))
}

func TestFirewallCountsNoProbes(t *testing.T) {
	ownNetwork(t)
	a := loopback(1)
	f := open(t)
	require.NoError(t, f.watch([]netip.Addr{a}))
	probes := newWire(t, ProbePort, a)
	require.True(t, probes.arrives(a))
	counted, err := f.read()
	require.NoError(t, err)
	require.Zero(t, counted[a].arrived)
	require.NoError(t, f.drop([]netip.Addr{a}))
	require.False(t, probes.arrives(a), "a cut drops them all the same")
}

// After an error the firewall goes on with a new connection.
func TestFirewallSurvivesAnError(t *testing.T) {
	ownNetwork(t)
	a := loopback(1)
	f := open(t).(*nft)
	require.NoError(t, f.watch([]netip.Addr{a}))
	require.Error(t, f.try(func() error {
		f.connection.AddRule(matchNothing(f))
		return f.connection.Flush()
	}))
	require.NoError(t, f.drop([]netip.Addr{a}))
	require.False(t, newWire(t, 9, a).arrives(a))
}

// A kernel that does not answer is an error after a while, and one that ends the worker.
func TestFirewallWaitsForNoAnswerForEver(t *testing.T) {
	ownNetwork(t)
	f := open(t).(*nft)
	require.ErrorIs(t, f.try(func() error {
		_, err := f.socket.Receive() // nothing was asked
		return err
	}), errWedged)
	_, err := f.read()
	require.NoError(t, err, "the time for the next begins anew")
}

// matchNothing is a rule for a chain that does not exist.
func matchNothing(f *nft) *nftables.Rule {
	return &nftables.Rule{Table: f.table, Chain: &nftables.Chain{Name: "none", Table: f.table}}
}
