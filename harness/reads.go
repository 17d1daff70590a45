package harness

import (
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
	// answered holds every key that was to be read, and whether it was.
	answered map[string]bool
	result   results.FinalReads
}

func (d *driver) beginReads() {
	d.phase = phaseReads
	d.mark(history.MarkReads, "", "")
	d.reads.source = d.workload.FinalReads()
	d.reads.answered = make(map[string]bool)
	d.reads.readers = readersPerNode * len(d.env.Nodes())
	d.env.After(readsTimeout, func() { d.reads.overdue = true })
	for range d.reads.readers {
		process := d.newProcess()
		d.read(&process)
	}
}

// read lets one reader take the next read, until there is none or the time is over.
func (d *driver) read(process *int) {
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
	d.reads.result.Asked++
	d.call(op, process, func(done history.Operation) {
		d.reads.answered[done.Key] = d.reads.answered[done.Key] || done.Outcome == history.OK
		if done.Outcome == history.OK {
			d.reads.result.Answered++
		}
		d.read(process)
	})
}

// leave notes a key that there is no time for: it is unread unless another read of it was answered.
func (f *finalReads) leave(key string) {
	if _, known := f.answered[key]; !known {
		f.answered[key] = false
	}
}

// endReads counts the keys that were not read: those that nobody answered for, and those that are
// left.
func (d *driver) endReads() {
	for {
		op, ok := d.reads.source.Next()
		if !ok {
			break
		}
		d.reads.leave(op.Key)
	}
	for _, answered := range d.reads.answered {
		if !answered {
			d.reads.result.Unread++
		}
	}
	d.mark(history.MarkEnd, "", "")
	d.phase = phaseDone
}
