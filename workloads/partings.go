package workloads

// partingsMax is how many retired keys wait at most for being asked through one node. A node whose
// clients keep up needs a few places; one that answers nothing for a while is asked for the newest
// keys later.
const partingsMax = 64

// partings are the keys that were replaced at their places and are to be asked for once more,
// through every node that a client calls: what a fault damaged shows soon after it, and not only at
// the end of the run, when there is no time for all keys. A client of the node asks before it goes
// on with operations of its own. Nobody asks twice, whatever the answer.
type partings struct {
	nodes int
	// waiting holds for each node that has a client the keys that wait, the longest first, at most
	// partingsMax.
	waiting [][]string
}

func newPartings(o Options) *partings {
	return &partings{
		nodes: len(o.Nodes), waiting: make([][]string, min(len(o.Nodes), o.Clients)),
	}
}

// add lets a key wait at every node that has a client. Where too many wait already, the one that
// waited longest is left out.
func (p *partings) add(key string) {
	for node, keys := range p.waiting {
		if len(keys) == partingsMax {
			copy(keys, keys[1:])
			keys = keys[:partingsMax-1]
		}
		p.waiting[node] = append(keys, key)
	}
}

// next returns the key that a client is to ask its node for, if one waits there.
func (p *partings) next(client int) (key string, ok bool) {
	node := client % p.nodes
	keys := p.waiting[node]
	if len(keys) == 0 {
		return "", false
	}
	key = keys[0]
	copy(keys, keys[1:])
	p.waiting[node] = keys[:len(keys)-1]
	return key, true
}
