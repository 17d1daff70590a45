package harness

import (
	"fmt"
	"slices"
	"time"

	"ordeal/history"
	"ordeal/results"
	"ordeal/workloads"
)

const (
	// readsTimeout is how long the final reads may take together.
	readsTimeout = 10 * time.Second
	// readersPerNode is how many final reads there are at a time for each node.
	readersPerNode = 4
)

// finalReads look, once the load is over, at what every key holds: what a fault damaged may show
// only now (21 % of the partition failures in Alquraan et al., OSDI 2018, left lasting damage).
type finalReads struct {
	source  *workloads.FinalReads
	readers int
	overdue bool
	// answered holds every key that was to be read, and whether it was; nodes the same for nodes.
	answered, nodes map[string]bool
	result          results.FinalReads
}

func (d *driver) beginReads() {
	if d.plan.Recovery == 0 {
		d.lastLook()
		return
	}
	d.phase = phaseReads
	d.mark(history.MarkReads, "", "")
	if d.majorityLost() {
		d.lastLook()
		return
	}
	d.reads.source = d.workload.FinalReads(d.survivors())
	d.reads.answered = make(map[string]bool)
	d.reads.nodes = make(map[string]bool)
	d.reads.readers = readersPerNode * len(d.survivors())
	d.env.After(readsTimeout, func() { d.reads.overdue = true })
	d.await(phaseReads, readsTimeout+d.plan.Timeout+answerMargin, "wait for the final reads")
	provers := len(d.recovery.proofs)
	for i := range d.reads.readers {
		process := d.newProcess()
		d.read(d.plan.Clients+provers+i, &process)
	}
}

// read lets one reader take the next read, until there is none or the time is over.
func (d *driver) read(client int, process *int) {
	if d.phase != phaseReads {
		return
	}
	op, ok := d.reads.source.Next()
	if !ok || d.reads.overdue {
		if ok {
			d.reads.leave(op.Key)
		}
		d.reads.readers--
		if d.reads.readers == 0 {
			d.endReads()
		}
		return
	}
	op.Client = client
	d.reads.result.Asked++
	d.call(op, process, func(done history.Operation) {
		ok := done.Outcome == history.OK
		d.reads.answered[done.Key] = d.reads.answered[done.Key] || ok
		d.reads.nodes[done.Node] = d.reads.nodes[done.Node] || ok
		if ok {
			d.reads.result.Answered++
		}
		d.read(client, process)
	})
}

// leave notes a key that there is no time for: it is unread unless another read of it was answered.
func (f *finalReads) leave(key string) {
	if _, known := f.answered[key]; !known {
		f.answered[key] = false
	}
}

// endReads counts the keys that were not read: those that nobody answered for, and those that are
// left. Nodes that answered for none are named.
func (d *driver) endReads() {
	// Of the keys that are left, which may be all that were ever used, no list is made: the reads of
	// a key come one after the other.
	last := ""
	for op, ok := d.reads.source.Next(); ok; op, ok = d.reads.source.Next() {
		if _, known := d.reads.answered[op.Key]; !known && op.Key != last {
			d.reads.result.Unread++
		}
		last = op.Key
	}
	for _, answered := range d.reads.answered {
		if !answered {
			d.reads.result.Unread++
		}
	}
	for _, node := range d.env.Nodes() {
		if answered, asked := d.reads.nodes[node]; asked && !answered {
			d.reads.result.Silent = append(d.reads.result.Silent, node)
		}
	}
	d.lastLook()
}

// lastLook asks every node that is not lost once more whether it is up, and listens for those that
// have just ended: a node may die of the very last operation.
func (d *driver) lastLook() {
	d.phase = phaseLast
	nodes := d.survivors()
	waiting := len(nodes)
	d.await(phaseLast, d.plan.Timeout+answerMargin, "wait for a last sign of every node")
	if waiting == 0 {
		d.end()
	}
	for _, node := range nodes {
		d.env.Probe(node, func(err error) {
			if err != nil && !slices.Contains(d.reads.result.Silent, node) {
				d.log.Warn("a node is down at the end", "node", node, "error", err)
				d.reads.result.Silent = append(d.reads.result.Silent, node)
			}
			if waiting--; waiting > 0 {
				return
			}
			if len(d.reads.result.Silent) > 0 {
				d.env.After(exitGrace, d.end)
				return
			}
			d.end()
		})
	}
}

func (d *driver) end() {
	if d.phase == phaseLast {
		d.mark(history.MarkEnd, "", fmt.Sprintf("%d operations", d.counts.Total))
		d.phase = phaseDone
	}
}
