package server

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ordeal/node/paxos"
)

// ParsePeers reads a list of peers, "1=10.0.0.2:7000,2=10.0.0.3:7000": the number and the UDP
// address of every node of the cluster. It does not look hosts up.
func ParsePeers(list string) (map[paxos.NodeID]string, error) {
	peers := make(map[paxos.NodeID]string)
	for entry := range strings.SplitSeq(list, ",") {
		left, address, found := strings.Cut(entry, "=")
		if !found {
			return nil, fmt.Errorf("peer %q is not NUMBER=HOST:PORT", entry)
		}
		number, err := strconv.ParseUint(left, 10, 16)
		if err != nil || number < 1 || number > paxos.NodesMax {
			return nil, fmt.Errorf("peer %q: its number is not in 1 to %d", entry, paxos.NodesMax)
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("peer %q: its address is not HOST:PORT: %w", entry, err)
		}
		if _, twice := peers[paxos.NodeID(number)]; twice {
			return nil, fmt.Errorf("peer %d is listed twice", number)
		}
		peers[paxos.NodeID(number)] = address
	}
	return peers, nil
}

// FormatPeers writes the list that ParsePeers reads, ordered by number.
func FormatPeers(peers map[paxos.NodeID]string) string {
	var entries []string
	for _, number := range numbers(peers) {
		entries = append(entries, fmt.Sprintf("%d=%s", number, peers[number]))
	}
	return strings.Join(entries, ",")
}

func numbers(peers map[paxos.NodeID]string) []paxos.NodeID {
	return slices.Sorted(maps.Keys(peers))
}

// resolve looks up the addresses of all peers but self.
func resolve(peers map[paxos.NodeID]string, self paxos.NodeID) (
	map[paxos.NodeID]netip.AddrPort, error,
) {
	addresses := make(map[paxos.NodeID]netip.AddrPort)
	for number, address := range peers {
		if number == self {
			continue
		}
		resolved, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return nil, fmt.Errorf("look up peer %d: %w", number, err)
		}
		addresses[number] = resolved.AddrPort()
	}
	return addresses, nil
}

// jitter returns the source of a node's random waits: of one seed, no two nodes and no two lives of
// a node wait alike.
func jitter(seed uint64, self paxos.NodeID, boot uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, boot<<16|uint64(self)))
}
