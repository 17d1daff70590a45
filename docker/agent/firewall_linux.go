package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// nft is a firewall in a table of its own, called ordeal. Its chain "cuts" stands at the earliest
// place (prerouting, priority raw), before connections are tracked, so that established flows are
// cut too; its chain "arrivals" stands at input, behind it, so that what it counts has arrived.
//
// Each rule about a peer carries the peer's address as its comment: that is how rules are found
// again, by the worker that made them and by the next one.
type nft struct {
	connection *nftables.Conn
	socket     *netlink.Conn // what connection talks through
	table      *nftables.Table
	cuts       *nftables.Chain
	arrivals   *nftables.Chain
}

// answerLimit is how long the kernel may take for one exchange, which is done in a millisecond.
const answerLimit = 2 * time.Second

// openFirewall opens the table, and makes it where there is none.
func openFirewall() (firewall, error) {
	f := &nft{}
	f.table = &nftables.Table{Name: "ordeal", Family: nftables.TableFamilyIPv4}
	accept := nftables.ChainPolicyAccept
	f.cuts = &nftables.Chain{
		Name: "cuts", Table: f.table, Type: nftables.ChainTypeFilter, Policy: &accept,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw,
	}
	f.arrivals = &nftables.Chain{
		Name: "arrivals", Table: f.table, Type: nftables.ChainTypeFilter, Policy: &accept,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter,
	}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// open connects and makes the table and what is always in it. Making what is there changes nothing.
func (f *nft) open() error {
	connection, err := nftables.New(nftables.AsLasting(),
		nftables.WithSockOptions(func(socket *netlink.Conn) error {
			f.socket = socket
			return socket.SetDeadline(time.Now().Add(answerLimit))
		}))
	if err != nil {
		return fmt.Errorf("opening a netlink socket: %w", err)
	}
	f.connection = connection
	connection.AddTable(f.table)
	connection.AddChain(f.cuts)
	connection.AddChain(f.arrivals)
	if err := connection.Flush(); err != nil {
		return errors.Join(fmt.Errorf("making the nftables table: %w", err), f.close())
	}
	rules, err := connection.GetRules(f.table, f.arrivals)
	if err != nil {
		return errors.Join(fmt.Errorf("listing nftables rules: %w", err), f.close())
	}
	if len(rules) > 0 {
		return nil
	}
	// The first rule lets probes pass the counters: what is counted is the node's own.
	connection.AddRule(&nftables.Rule{Table: f.table, Chain: f.arrivals, Exprs: matchProbe()})
	if err := connection.Flush(); err != nil {
		return errors.Join(fmt.Errorf("adding the rule for probes: %w", err), f.close())
	}
	return nil
}

func (f *nft) close() error { return f.connection.CloseLasting() }

func (f *nft) watch(peers []netip.Addr) error {
	return f.try(func() error {
		watched, err := f.rules(f.arrivals)
		if err != nil {
			return err
		}
		for _, peer := range peers {
			if _, ok := watched[peer]; !ok {
				f.add(f.arrivals, peer, &expr.Counter{})
			}
		}
		return f.connection.Flush()
	})
}

func (f *nft) drop(peers []netip.Addr) error {
	return f.try(func() error {
		dropped, err := f.rules(f.cuts)
		if err != nil {
			return err
		}
		wanted := make(map[netip.Addr]bool)
		for _, peer := range peers {
			wanted[peer] = true
			if _, ok := dropped[peer]; !ok {
				f.add(f.cuts, peer, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop})
			}
		}
		for peer, rule := range dropped {
			if wanted[peer] {
				continue
			}
			if err := f.connection.DelRule(rule); err != nil {
				return err
			}
		}
		return f.connection.Flush()
	})
}

func (f *nft) read() (map[netip.Addr]counts, error) {
	all := make(map[netip.Addr]counts)
	err := f.try(func() error {
		arrivals, err := f.rules(f.arrivals)
		if err != nil {
			return err
		}
		cuts, err := f.rules(f.cuts)
		if err != nil {
			return err
		}
		for peer, rule := range arrivals {
			all[peer] = counts{arrived: packets(rule)}
		}
		for peer, rule := range cuts {
			of := all[peer]
			of.cut, of.dropped = true, packets(rule)
			all[peer] = of
		}
		return nil
	})
	return all, err
}

// try runs one exchange with the kernel. After an error answers may be left in the socket, to be
// taken for those of the next exchange: so the connection is replaced.
func (f *nft) try(exchange func() error) error {
	deadline := time.Now().Add(answerLimit)
	if err := f.socket.SetDeadline(deadline); err != nil {
		return fmt.Errorf("bounding an exchange with nftables: %w", err)
	}
	err := exchange()
	if err == nil {
		return nil
	}
	if !time.Now().Before(deadline) { // some of the library's errors do not tell
		return fmt.Errorf("changing or reading nftables: %w: %w", errWedged, err)
	}
	return errors.Join(fmt.Errorf("changing or reading nftables: %w", err), f.close(), f.open())
}

// rules returns the rules of a chain that are about a peer.
func (f *nft) rules(chain *nftables.Chain) (map[netip.Addr]*nftables.Rule, error) {
	all, err := f.connection.GetRules(f.table, chain)
	if err != nil {
		return nil, err
	}
	byPeer := make(map[netip.Addr]*nftables.Rule)
	for _, rule := range all {
		comment, ok := userdata.GetString(rule.UserData, userdata.TypeComment)
		if !ok {
			continue
		}
		peer, err := netip.ParseAddr(comment)
		if err != nil {
			return nil, fmt.Errorf("a rule of somebody else's in the table: %w", err)
		}
		byPeer[peer] = rule
	}
	return byPeer, nil
}

// add puts a rule for all that comes from peer at the end of chain, with the next flush.
func (f *nft) add(chain *nftables.Chain, peer netip.Addr, then ...expr.Any) {
	f.connection.AddRule(&nftables.Rule{
		Table: f.table, Chain: chain,
		Exprs:    append(matchSource(peer), then...),
		UserData: userdata.AppendString(nil, userdata.TypeComment, peer.String()),
	})
}

// packets returns the count of the rule's counter.
func packets(rule *nftables.Rule) uint64 {
	for _, e := range rule.Exprs {
		if counter, ok := e.(*expr.Counter); ok {
			return counter.Packets
		}
	}
	return 0
}

// matchSource matches packets whose source address is peer: four bytes at offset 12 of the IPv4
// header (RFC 791, 3.1).
func matchSource(peer netip.Addr) []expr.Any {
	return []expr.Any{
		&expr.Payload{
			DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4,
		},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: peer.AsSlice()},
	}
}

// matchProbe accepts UDP datagrams to ProbePort: two bytes at offset 2 of the UDP header (RFC 768).
func matchProbe() []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_UDP}},
		&expr.Payload{
			DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2,
		},
		&expr.Cmp{
			Op: expr.CmpOpEq, Register: 1,
			Data: binary.BigEndian.AppendUint16(nil, ProbePort),
		},
		&expr.Counter{},
		&expr.Verdict{Kind: expr.VerdictAccept},
	}
}
