package agent

import (
	"errors"
	"net/netip"
)

// errWedged is wrapped by the errors of a firewall that the kernel does not answer. A worker with
// such a one ends: the next has a new one.
var errWedged = errors.New("the kernel does not answer")

// A firewall drops and counts what arrives from some addresses. It is not safe for concurrent use.
type firewall interface {
	// watch makes sure that arrivals from each of the addresses are counted.
	watch(peers []netip.Addr) error
	// drop makes peers the whole set of addresses whose packets are dropped, all at once. A drop
	// that was in force before and stays so is not touched.
	drop(peers []netip.Addr) error
	// read returns what was counted, by the sender's address.
	read() (map[netip.Addr]counts, error)
	// close releases what the firewall holds. Its rules stay in force.
	close() error
}

// counts is what came from one address.
type counts struct {
	// arrived counts the packets that got through, without probes.
	arrived uint64
	// cut tells whether packets are being dropped, and dropped how many were since the cut.
	cut     bool
	dropped uint64
}
