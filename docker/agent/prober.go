package agent

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync"
	"time"
)

// barrierLimit is how long a barrier may take: longer than a loaded machine needs to pass a
// datagram to itself, and short beside a fault.
const barrierLimit = 200 * time.Millisecond

// A prober sends datagrams to all peers and counts theirs. Its methods are safe for concurrent use.
type prober struct {
	socket *net.UDPConn
	self   string
	port   uint16
	peers  map[netip.Addr]string // read-only
	stop   chan struct{}
	wait   sync.WaitGroup

	mu       sync.Mutex
	sent     uint64
	arrived  map[string]arrivals
	barriers uint64                   // the number of the last barrier
	pending  map[uint64]chan struct{} // barriers under way
}

// arrivals is what came from one peer.
type arrivals struct {
	count uint64
	last  time.Time
}

// quiet returns the milliseconds since the last probe arrived, -1 if none has.
func (a arrivals) quiet() int64 {
	if a.count == 0 {
		return -1
	}
	return time.Since(a.last).Milliseconds()
}

// startProber listens at address, and probes the peers each interval on the same port until close
// is called.
func startProber(
	address netip.AddrPort, self string, peers map[netip.Addr]string, interval time.Duration,
) (*prober, error) {
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address))
	if err != nil {
		return nil, fmt.Errorf("listening for probes: %w", err)
	}
	p := &prober{
		socket: socket, self: self, peers: maps.Clone(peers),
		port:    uint16(socket.LocalAddr().(*net.UDPAddr).Port),
		stop:    make(chan struct{}),
		arrived: make(map[string]arrivals), pending: make(map[uint64]chan struct{}),
	}
	p.wait.Go(p.receive)
	p.wait.Go(func() { p.send(interval) })
	return p, nil
}

// close stops probing.
func (p *prober) close() {
	close(p.stop)
	_ = p.socket.Close() // nothing is buffered in it that could be lost
	p.wait.Wait()
}

// counts returns the rounds sent and the probes that arrived, by sender.
func (p *prober) counts() (sent uint64, arrived map[string]arrivals) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent, maps.Clone(p.arrived)
}

// barrier returns once everything that had arrived in the socket before the call has been counted,
// by sending a datagram through it. Without it, what arrived before a cut could be counted after.
func (p *prober) barrier() {
	passed := make(chan struct{})
	p.mu.Lock()
	p.barriers++
	number := p.barriers
	p.pending[number] = passed
	p.mu.Unlock()
	data := probe{kind: kindBarrier, number: number, sender: p.self}.encode()
	// A loss makes the measurement that follows less sharp, and never wrong in a cut's favour.
	_, _ = p.socket.WriteToUDPAddrPort(data, netip.AddrPortFrom(p.loopback(), p.port))
	limit := time.NewTimer(barrierLimit)
	defer limit.Stop()
	select {
	case <-passed:
	case <-limit.C:
	case <-p.stop:
	}
	p.mu.Lock()
	delete(p.pending, number)
	p.mu.Unlock()
}

// loopback returns the address at which the prober reaches itself.
func (p *prober) loopback() netip.Addr {
	address := p.socket.LocalAddr().(*net.UDPAddr).AddrPort().Addr()
	if address.IsUnspecified() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return address
}

func (p *prober) send(interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for round := uint64(1); ; round++ {
		data := probe{kind: kindProbe, number: round, sender: p.self}.encode()
		for peer := range p.peers {
			// An error on sending is a loss like any other: what counts is what arrives.
			_, _ = p.socket.WriteToUDPAddrPort(data, netip.AddrPortFrom(peer, p.port))
		}
		p.mu.Lock()
		p.sent = round
		p.mu.Unlock()
		select {
		case <-ticker.C:
		case <-p.stop:
			return
		}
	}
}

func (p *prober) receive() {
	buffer := make([]byte, probeMax+1)
	for {
		n, from, err := p.socket.ReadFromUDPAddrPort(buffer)
		select {
		case <-p.stop:
			return
		default:
		}
		if err != nil {
			continue // such as the echo of a datagram that found no listener
		}
		if datagram, err := decodeProbe(buffer[:n]); err == nil {
			p.count(datagram, from.Addr().Unmap())
		}
	}
}

// count takes in one datagram. A probe counts only when it names the node whose address it bears.
func (p *prober) count(datagram probe, from netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch datagram.kind {
	case kindProbe:
		if name, ok := p.peers[from]; ok && name == datagram.sender {
			p.arrived[name] = arrivals{count: p.arrived[name].count + 1, last: time.Now()}
		}
	case kindBarrier:
		if passed, ok := p.pending[datagram.number]; ok && datagram.sender == p.self {
			close(passed)
			delete(p.pending, datagram.number)
		}
	}
}
