package harness

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ordeal/history"
	"ordeal/results"
)

// proofRetry is how long the proof of a node's recovery waits after a failure.
const proofRetry = 100 * time.Millisecond

// A recovery is the proof that the healed cluster serves again: each node answers, and then each
// live key is written and read through it. The load goes on meanwhile, so that operations of
// unknown outcome do not pile up at the end of the history.
type recovery struct {
	begun  time.Duration
	proofs []*proof
	result results.Recovery
}

// A proof is one node's.
type proof struct {
	node    string
	client  int
	process int
	// proved holds the keys that were written and read through the node.
	proved map[string]bool
	// why is what went wrong last, left how many keys were to be proved when the node was asked last.
	why  string
	left int
	// succeeded is when an operation of it did so last, or when it began; stuck is the longest time
	// without any success before that.
	succeeded, stuck time.Duration
	took             time.Duration
	done             bool
}

// maybeRecover begins the proof once the time for faults is up and the last one is healed.
func (d *driver) maybeRecover() {
	unfinished := func(f *fault) bool { return !f.finished }
	if d.phase != phaseLoad || !d.timeIsUp || d.listing > 0 ||
		slices.ContainsFunc(d.faults, unfinished) {
		return
	}
	if d.plan.Recovery == 0 {
		d.drain()
		return
	}
	d.phase = phaseRecovery
	d.recovery.begun = d.now()
	d.recovery.result.Lost = d.lostNodes()
	if d.majorityLost() {
		d.mark(history.MarkRecovery, "", d.loss())
		d.recovery.result.Missing = d.loss()
		d.drain()
		return
	}
	d.mark(history.MarkRecovery, "", "")
	for i, node := range d.survivors() {
		p := &proof{
			node: node, client: d.plan.Clients + i, process: d.newProcess(),
			proved: make(map[string]bool), why: "it was not asked yet", succeeded: d.now(),
		}
		d.recovery.proofs = append(d.recovery.proofs, p)
		d.prove(p)
	}
	d.env.After(d.plan.Recovery, d.endRecovery)
}

// prove asks a node whether it is ready, and then for every live key.
func (d *driver) prove(p *proof) {
	if d.phase != phaseRecovery {
		return
	}
	d.env.Probe(p.node, func(err error) {
		if err != nil {
			d.retry(p, err.Error())
			return
		}
		left := slices.DeleteFunc(d.workload.Recovery(p.node), func(op history.Operation) bool {
			return p.proved[op.Key]
		})
		p.left = keysOf(left)
		d.proveKeys(p, left)
	})
}

// keysOf counts the keys of operations, of which those of one key follow each other.
func keysOf(operations []history.Operation) int {
	count := 0
	for i, op := range operations {
		if i == 0 || op.Key != operations[i-1].Key {
			count++
		}
	}
	return count
}

func (d *driver) retry(p *proof, why string) {
	p.why = why
	d.env.After(proofRetry, func() { d.prove(p) })
}

// proveKeys asks for one operation after another, and after a failure goes on with the keys that
// are left, and fresh values: an operation of unknown outcome is never asked again.
func (d *driver) proveKeys(p *proof, operations []history.Operation) {
	if d.phase != phaseRecovery {
		return
	}
	if len(operations) == 0 {
		p.done, p.took = true, d.now()-d.recovery.begun
		d.maybeProved()
		return
	}
	op := operations[0]
	op.Client = p.client
	d.call(op, &p.process, func(done history.Operation) {
		if done.Outcome != history.OK {
			d.retry(p, fmt.Sprintf("a %s of %s ended %s: %s",
				done.Kind, done.Key, done.Outcome, done.Error))
			return
		}
		p.stuck, p.succeeded = max(p.stuck, d.now()-p.succeeded), d.now()
		p.why = "time was up"
		rest := operations[1:]
		if p.proved[op.Key] = len(rest) == 0 || rest[0].Key != op.Key; p.proved[op.Key] {
			p.left--
		}
		d.proveKeys(p, rest)
	})
}

func (d *driver) maybeProved() {
	if slices.ContainsFunc(d.recovery.proofs, func(p *proof) bool { return !p.done }) {
		return
	}
	d.recovery.result.Proved = true
	d.endRecovery()
}

// endRecovery ends the load, when recovery was proved or its time is over.
func (d *driver) endRecovery() {
	if d.phase != phaseRecovery {
		return
	}
	r := &d.recovery.result
	r.Duration = d.now() - d.recovery.begun
	r.Nodes = make(map[string]time.Duration)
	var missing []string
	for _, p := range d.recovery.proofs {
		if p.done {
			r.Nodes[p.node] = p.took
		} else {
			r.Stuck = max(r.Stuck, p.stuck, d.now()-p.succeeded)
			missing = append(missing, p.missing())
		}
	}
	r.Missing = strings.Join(missing, "; ")
	d.log.Info("recovery", "proved", r.Proved, "duration", r.Duration, "missing", r.Missing)
	d.drain()
}

// missing says what a node did not serve.
func (p *proof) missing() string {
	switch p.left {
	case 0:
		return p.node + ": " + p.why
	case 1:
		return fmt.Sprintf("%s: 1 key is left: %s", p.node, p.why)
	default:
		return fmt.Sprintf("%s: %d keys are left: %s", p.node, p.left, p.why)
	}
}

// drain ends the load, and waits for what is in flight.
func (d *driver) drain() {
	d.phase = phaseDrain
	d.await(phaseDrain, d.plan.Timeout+answerMargin, "wait for the load to end")
	d.maybeDrained()
}

// maybeDrained begins the final reads once no operation is in flight.
func (d *driver) maybeDrained() {
	if d.phase == phaseDrain && d.inFlight == 0 {
		d.beginReads()
	}
}
