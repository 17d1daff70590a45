package replica

import (
	"encoding/binary"
	"maps"
	"slices"

	"ordeal/node/paxos"
)

// AppendState appends an encoding of all that determines what the node does from now on, whatever
// events come, but for its configuration, how long it waits before it tries again, and the names
// of its timers. Two nodes of one configuration with the same encoding, given the same events,
// send the same and answer the same. It is for telling states apart that a search has been in
// (package explore), and not for reading back.
func (r *Replica) AppendState(buffer []byte) []byte {
	nonce := r.nonce - r.config.Boot<<nonceBits
	for _, number := range []uint64{r.round, r.counter, nonce, uint64(r.waiting)} {
		buffer = binary.AppendUvarint(buffer, number)
	}
	buffer = binary.AppendUvarint(buffer, uint64(len(r.timers)))
	buffer = binary.AppendUvarint(buffer, uint64(len(r.keys)))
	for _, key := range slices.SortedFunc(maps.Keys(r.keys), paxos.Key.Compare) {
		in := r.keys[key]
		buffer = paxos.AppendAcceptor(paxos.AppendKey(buffer, in.key), in.acceptor)
		buffer = paxos.AppendProposal(in.learner.AppendState(buffer), in.promised)
		buffer = binary.AppendUvarint(buffer, uint64(len(in.queue)))
		for _, op := range in.queue {
			buffer = r.appendOperation(buffer, op)
		}
	}
	return buffer
}

// appendOperation encodes of the operation's timers whether they run. What they do then follows
// from the rest: the deadline expires the operation; the other begins a ballot where the one before
// was given up, and asks again otherwise.
func (r *Replica) appendOperation(buffer []byte, op *operation) []byte {
	buffer = binary.AppendUvarint(buffer, op.request.Number)
	buffer = paxos.AppendChange(paxos.AppendKey(buffer, op.request.Key), op.request.Change)
	for _, flag := range []bool{
		op.request.Local, op.request.Learn, op.reading, op.unsettled,
		r.Waits(op.deadline), r.Waits(op.retry),
	} {
		if flag {
			buffer = append(buffer, 1)
		} else {
			buffer = append(buffer, 0)
		}
	}
	buffer = paxos.AppendResult(paxos.AppendStamp(buffer, op.stamp), op.result)
	return op.proposer.AppendState(op.reader.AppendState(buffer))
}

// Waits tells whether the node waits for a timer: whether it was set, has not fired and was not
// dropped. Firing any other changes nothing.
func (r *Replica) Waits(timer uint64) bool {
	_, ok := r.timers[timer]
	return ok
}

// Progress is how far the operation in flight on a key has come; it is zero where there is none.
type Progress struct {
	// Awaited is what it waits for from acceptors, 0 where it waits to try again, and Missing how
	// many of them must answer. Those answers name Ballot, or Nonce where they are Reports.
	Awaited paxos.MessageKind
	Missing int
	Ballot  paxos.Ballot
	Nonce   uint64
	// Resumes tells that the next change needs no phase 1, as things stand.
	Resumes bool
}

// Progress returns that of a key.
func (r *Replica) Progress(key paxos.Key) (p Progress) {
	in := r.peek(key)
	p.Resumes = !in.promised.Ballot.IsZero()
	if len(in.queue) == 0 {
		return p
	}
	op := in.queue[0]
	if op.reading {
		p.Awaited, p.Missing, p.Nonce = paxos.Report, op.reader.Missing(), op.reader.Nonce()
		return p
	}
	p.Missing, p.Ballot = op.proposer.Missing(), op.proposer.Ballot()
	switch op.proposer.Stage() {
	case paxos.Preparing:
		p.Awaited = paxos.Promise
	case paxos.Accepting:
		p.Awaited = paxos.Accepted
	}
	return p
}
