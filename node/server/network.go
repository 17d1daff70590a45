package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"ordeal/node/paxos"
)

const (
	// queueMax bounds the messages that wait to be sent, and those that wait to be delivered. What
	// does not fit is lost, and counted.
	queueMax = 4096
	// socketBufferBytes is what the kernel is asked to hold either way.
	socketBufferBytes = 4 << 20
	// receiveErrorsMax bounds the receive errors in a row, after which the socket is of no use.
	receiveErrorsMax = 100
)

// A network sends and receives messages between peers. Sending never blocks and never fails: what
// cannot be sent is lost.
type network struct {
	conn      *net.UDPConn
	tag       clusterTag
	self      paxos.NodeID
	addresses map[paxos.NodeID]netip.AddrPort
	outgoing  chan paxos.Message
	received  chan paxos.Message
	closing   chan struct{}
	workers   sync.WaitGroup
	count     *instruments
}

func openNetwork(o Options, count *instruments) (*network, error) {
	addresses, err := resolve(o.Peers, o.Number)
	if err != nil {
		return nil, err
	}
	local, err := net.ResolveUDPAddr("udp", o.PeerListen)
	if err != nil {
		return nil, fmt.Errorf("listen for peers: %w", err)
	}
	conn, err := net.ListenUDP("udp", local)
	if err != nil {
		return nil, fmt.Errorf("listen for peers: %w", err)
	}
	// The kernel grants what it allows; less means more losses under load, nothing worse.
	_ = conn.SetReadBuffer(socketBufferBytes)
	_ = conn.SetWriteBuffer(socketBufferBytes)
	return &network{
		conn:      conn,
		tag:       tagOf(o.Cluster),
		self:      o.Number,
		addresses: addresses,
		outgoing:  make(chan paxos.Message, queueMax),
		received:  make(chan paxos.Message, queueMax),
		closing:   make(chan struct{}),
		count:     count,
	}, nil
}

// start begins to send and to receive. It reports to fatal when the socket has become unusable.
func (n *network) start(fatal chan<- error) {
	n.workers.Go(n.sendAll)
	n.workers.Go(func() { n.receiveAll(fatal) })
}

// close ends both directions and waits for them. It may be called whether or not start was.
func (n *network) close() {
	close(n.closing)
	_ = n.conn.Close()
	n.workers.Wait()
}

// send queues a message to a peer.
func (n *network) send(m paxos.Message) {
	select {
	case n.outgoing <- m:
	default:
		n.count.unsent.Inc()
	}
}

func (n *network) sendAll() {
	buffer := make([]byte, 0, DatagramMax)
	for {
		select {
		case <-n.closing:
			return
		case m := <-n.outgoing:
			datagram := appendDatagram(buffer[:0], n.tag, m)
			if _, err := n.conn.WriteToUDPAddrPort(datagram, n.addresses[m.To]); err != nil {
				n.count.unsent.Inc()
				continue
			}
			n.count.sent.Inc()
		}
	}
}

func (n *network) receiveAll(fatal chan<- error) {
	buffer := make([]byte, DatagramMax+1)
	for failures := 0; failures < receiveErrorsMax; {
		length, _, err := n.conn.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			failures++
			n.count.dropped(dropSocket)
			if failures == receiveErrorsMax {
				fatal <- fmt.Errorf("receive from peers: %d errors in a row: %w", failures, err)
			}
			continue
		}
		failures = 0
		if err := n.receive(buffer[:length]); err != nil {
			n.count.dropped(err.(dropReason))
		}
	}
}

// receive delivers a datagram. Its errors are dropReasons.
func (n *network) receive(datagram []byte) error {
	m, err := decodeDatagram(datagram, n.tag)
	if err != nil {
		return err
	}
	if _, known := n.addresses[m.From]; !known {
		return dropSender
	}
	if m.To != n.self {
		return dropReceiver
	}
	select {
	case n.received <- m:
		n.count.received.Inc()
		return nil
	default:
		return dropBusy
	}
}
