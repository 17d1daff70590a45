package store

import (
	"errors"
	"fmt"
	"iter"

	"ordeal/node/paxos"
	"ordeal/node/wal"
)

// ErrStaysOut is returned by Open for a disk that is not formatted: the node that finds it takes no
// role, for good.
var ErrStaysOut = errors.New(
	"disk is not formatted: what this node promised is lost, so it takes no part")

// Opened is what a node begins a life with.
type Opened struct {
	Log       *wal.Log
	Recovered wal.Recovered
	// Acceptors are those that the log held, for replica.New.
	Acceptors iter.Seq2[paxos.Key, paxos.Acceptor]
	// Forgot tells that the node has formatted its own disk, which only a planted bug lets it do.
	Forgot bool
}

// Open opens the log of a node's disk for the node's next life. The error is or wraps ErrStaysOut,
// unless the rules let a node that remembers nothing take part, or what wal.Open and Acceptors
// return.
func Open(files wal.FileSystem, id wal.Identity, rules *paxos.Rules) (o Opened, err error) {
	damage := wal.RefuseDamage(rules.DamageIsRefused)
	o.Log, o.Recovered, err = wal.Open(files, id, damage)
	remembers := !errors.Is(err, wal.ErrUnformatted)
	if !rules.MayTakePart(remembers) {
		return Opened{}, ErrStaysOut
	}
	if !remembers {
		o.Forgot = true
		if err = wal.Format(files, id); err == nil {
			o.Log, o.Recovered, err = wal.Open(files, id, damage)
		}
	}
	if err != nil {
		return Opened{}, fmt.Errorf("open the log: %w", err)
	}
	if o.Acceptors, err = Acceptors(o.Recovered.Records); err != nil {
		return Opened{}, errors.Join(fmt.Errorf("read the log: %w", err), o.Log.Close())
	}
	return o, nil
}
