package server

import (
	"errors"
	"fmt"
	"time"

	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/node/wal"
)

// ErrOptions is wrapped by the errors for options that cannot be.
var ErrOptions = errors.New("invalid options")

// Options are what a node is started with.
type Options struct {
	// Name is the node's name, such as "n2", and Cluster the cluster's: 1 to 255 bytes. The disk
	// must have been formatted for both.
	Name, Cluster string
	// Number is the node's place among Peers.
	Number paxos.NodeID
	// Peers are the UDP addresses, host:port, of all nodes of the cluster; the node's own is not
	// used. Hosts are looked up once, at the start.
	Peers map[paxos.NodeID]string
	// Listen is the TCP address for clients and PeerListen the UDP address for peers, host:port.
	Listen, PeerListen string
	// DataDir holds the node's log.
	DataDir string
	// Bug names the mistake of the catalogue (paxos.Bugs) that the node makes, "" for none.
	Bug string
	// Seed is that of the jitter.
	Seed uint64
	// RequestTimeout is how long an operation may take, 0 for replica.DefaultConfig's.
	RequestTimeout time.Duration
	// ReadTimeout is how long a client may take to send its request, 0 for 10 seconds.
	ReadTimeout time.Duration
}

func (o Options) identity() wal.Identity {
	return wal.Identity{Cluster: o.Cluster, Node: o.Name}
}

// rules checks the options and returns the rules that the node follows.
func (o Options) rules() (paxos.Rules, error) {
	rules, err := paxos.BugNamed(o.Bug)
	switch _, member := o.Peers[o.Number]; {
	case err != nil:
		return rules, fmt.Errorf("%w: %w", ErrOptions, err)
	case len(o.Name) == 0 || len(o.Name) > wal.IdentityMaxBytes:
		return rules, fmt.Errorf("%w: the node's name has %d bytes, not 1 to %d",
			ErrOptions, len(o.Name), wal.IdentityMaxBytes)
	case len(o.Cluster) == 0 || len(o.Cluster) > wal.IdentityMaxBytes:
		return rules, fmt.Errorf("%w: the cluster's name has %d bytes, not 1 to %d",
			ErrOptions, len(o.Cluster), wal.IdentityMaxBytes)
	case !member:
		return rules, fmt.Errorf("%w: node number %d is not among the peers %s",
			ErrOptions, o.Number, FormatPeers(o.Peers))
	case o.RequestTimeout < 0:
		return rules, fmt.Errorf("%w: the request timeout %s is negative",
			ErrOptions, o.RequestTimeout)
	case o.ReadTimeout < 0:
		return rules, fmt.Errorf("%w: the read timeout %s is negative", ErrOptions, o.ReadTimeout)
	}
	for number := range o.Peers {
		if number < 1 || number > paxos.NodesMax {
			return rules, fmt.Errorf("%w: peer number %d is not in 1 to %d",
				ErrOptions, number, paxos.NodesMax)
		}
	}
	return rules, nil
}

// config returns the replica's configuration in the node's life with that boot number.
func (o Options) config(rules paxos.Rules, boot uint64) replica.Config {
	c := replica.DefaultConfig
	c.Self = o.Number
	c.Nodes = numbers(o.Peers)
	c.Boot = boot
	c.Rules = rules
	c.Random = jitter(o.Seed, o.Number, boot)
	if o.RequestTimeout > 0 {
		c.RequestTimeout = o.RequestTimeout
	}
	return c
}
