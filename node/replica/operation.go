package replica

import (
	"slices"

	"ordeal/node/paxos"
)

// An operation is a client's request on its way.
type operation struct {
	request Request
	stamp   paxos.Stamp
	// A read asks first; reading tells that it still does, and that no ballot was begun.
	reading  bool
	reader   paxos.Reader
	proposer paxos.Proposer
	// result is what is answered once the proposal in hand is chosen.
	result paxos.Result
	// unsettled: an accept that carries the stamp was sent, and no higher ballot was chosen since.
	unsettled bool
	// attempt counts the refusals.
	attempt int
	// deadline and retry are timers.
	deadline, retry uint64
}

// request takes a client's request: what this node can say alone is answered at once.
func (r *Replica) request(e Request) {
	in := r.peek(e.Key)
	switch {
	case e.Learn:
		r.answerLearn(in, e)
		return
	case e.Local, e.Change.Kind == paxos.ChangeRead && r.config.Rules.ReadLocally:
		state := in.acceptor.Accepted.State
		result := paxos.Result{Present: state.Present, Content: state.Content}
		r.effect(Answer{Number: e.Number, Outcome: Done, Result: result})
		return
	case r.waiting >= RequestsMax:
		r.stats.NotApplied++
		r.effect(Answer{Number: e.Number, Outcome: NotApplied, Reason: "too many requests waiting"})
		return
	}
	in = r.at(e.Key)
	r.waiting++
	r.counter++
	op := &operation{
		request:  e,
		stamp:    paxos.Stamp{Node: r.config.Self, Boot: r.config.Boot, Sequence: r.counter},
		proposer: paxos.NewProposer(&r.config.Rules, len(r.config.Nodes)),
	}
	op.deadline = r.after(r.config.RequestTimeout, (*Replica).expire, in, op)
	in.queue = append(in.queue, op)
	if in.queue[0] == op {
		r.start(in, op)
	}
}

// answerLearn says what the learner knows. One that knows nothing asks the acceptors, so that it
// may know next time: what they had told it may have been lost.
func (r *Replica) answerLearn(in *instance, e Request) {
	state, known := in.learner.Learned()
	result := paxos.Result{Present: known, Content: state.Content}
	r.effect(Answer{Number: e.Number, Outcome: Done, Result: result})
	if known {
		return
	}
	reader := paxos.NewReader(&r.config.Rules, len(r.config.Nodes), r.nextNonce())
	for _, node := range r.config.Nodes {
		m, _ := reader.Request(r.config.Self, node, in.key)
		r.send(Send{Message: m, Request: e.Number})
	}
}

// start sets the first operation of a queue going.
func (r *Replica) start(in *instance, op *operation) {
	if op.request.Change.Kind != paxos.ChangeRead {
		r.begin(in, op)
		return
	}
	op.reading = true
	op.reader = paxos.NewReader(&r.config.Rules, len(r.config.Nodes), r.nextNonce())
	r.ask(in, op)
}

// begin takes a ballot: one whose phase 1 is done already where there is one, else a new one.
func (r *Replica) begin(in *instance, op *operation) {
	op.reading = false
	r.stats.Ballots++
	// This node's own acceptor has promised a higher ballot since: another node took the key over,
	// and a proposal would be refused, and its outcome unsettled, for nothing.
	if in.promised.Ballot.Less(in.acceptor.Promised) {
		in.promised = paxos.Proposal{}
	}
	resumed := in.promised
	if resumed.Ballot.IsZero() {
		op.proposer.Prepare(r.nextBallot())
		r.ask(in, op)
		return
	}
	// The promise is spent before its accept is sent: whatever becomes of that, the ballot must
	// never carry another value.
	if !r.config.Rules.KeepSpentPromise {
		in.promised = paxos.Proposal{}
	}
	r.stats.Resumed++
	op.proposer.Resume(resumed.Ballot)
	r.propose(in, op, resumed, nil)
}

// ask sends the request of the phase in hand to every node that has not answered it, now and
// whenever the time for retransmission is over.
func (r *Replica) ask(in *instance, op *operation) {
	for _, node := range r.config.Nodes {
		m, ok := op.proposer.Request(r.config.Self, node, in.key)
		if op.reading {
			m, ok = op.reader.Request(r.config.Self, node, in.key)
		}
		if ok {
			r.send(Send{Message: m, Request: op.request.Number})
		}
	}
	op.retry = r.after(r.config.Retransmit, (*Replica).ask, in, op)
}

// answered takes an acceptor's answer to the operation in flight.
func (r *Replica) answered(in *instance, m *paxos.Message) {
	if len(in.queue) == 0 {
		return
	}
	op := in.queue[0]
	switch {
	case m.Kind == paxos.Report && op.reading && op.reader.Report(*m):
		r.drop(op.retry)
		r.reported(in, op)
	case m.Kind == paxos.Promise && op.proposer.Promise(*m):
		r.drop(op.retry)
		found, reports := op.proposer.Recovered()
		r.propose(in, op, found, reports)
	case m.Kind == paxos.Accepted && op.proposer.Accepted(*m):
		if next, ok := op.proposer.Next(); ok {
			in.promised = paxos.Proposal{Ballot: next, State: op.proposer.Proposed()}
		}
		r.finish(in, op, Answer{Outcome: Done, Result: op.result})
	case m.Kind == paxos.Refusal && op.proposer.Refused(*m):
		r.drop(op.retry)
		r.refused(in, op)
	}
}

// reported answers a read that a majority's reports confirm, and completes the newest value by a
// ballot otherwise.
func (r *Replica) reported(in *instance, op *operation) {
	newest, confirmed := op.reader.Result()
	if !confirmed {
		r.stats.SlowReads++
		r.begin(in, op)
		return
	}
	r.stats.FastReads++
	result := paxos.Result{Present: newest.State.Present, Content: newest.State.Content}
	r.finish(in, op, Answer{Outcome: Done, Result: result})
}

// propose applies the operation to the state that was found and begins phase 2, unless the
// operation changes nothing and the reports show that what it saw is chosen. The reports are nil
// where phase 1 was carried along: then they show nothing.
func (r *Replica) propose(
	in *instance, op *operation, found paxos.Proposal, reports []paxos.Proposal,
) {
	rules, change := &r.config.Rules, op.request.Change
	after, changed, result := change.Apply(found.State, op.stamp)
	applied := op.unsettled && rules.IsApplied(found.State, op.stamp)
	if applied {
		after, changed, result = found.State, false, change.Done()
	}
	op.result = result
	if !changed && !op.unsettled && reports != nil {
		may := rules.MayAnswerCondition
		if change.Kind == paxos.ChangeRead {
			may = rules.MayAnswerRead
		}
		if may(reports, found.Ballot, len(r.config.Nodes)) {
			r.finish(in, op, Answer{Outcome: Done, Result: result})
			return
		}
	}
	op.unsettled = op.unsettled || changed
	op.proposer.Propose(after, r.promiseAlong(in, changed))
	r.ask(in, op)
}

// promiseAlong returns the ballot to be promised along with a proposal that changes a register, so
// that this node's next change of it needs one round trip only. Where other nodes change it first
// the promise costs them nothing: with the accept they learn of its round, and take higher ones.
func (r *Replica) promiseAlong(in *instance, changed bool) paxos.Ballot {
	if !changed || in.key.Space != paxos.Registers {
		return paxos.Ballot{}
	}
	return r.nextBallot()
}

// refused gives the ballot up and, after a random wait, takes a higher one.
func (r *Replica) refused(in *instance, op *operation) {
	r.stats.Refused++
	in.promised = paxos.Proposal{}
	op.attempt++
	c := &r.config
	wait := c.Rules.Backoff(op.attempt, c.BackoffLimit, c.BackoffMost, c.Random.Int64N)
	op.retry = r.after(wait, (*Replica).begin, in, op)
}

// expire gives up an operation whose time is over and says what is certain about it.
func (r *Replica) expire(in *instance, op *operation) {
	answer := Answer{Outcome: Unknown, Reason: "timed out after an accept that may have arrived"}
	if r.config.Rules.IsNotApplied(op.unsettled) {
		answer = Answer{Outcome: NotApplied, Reason: "timed out, and no accept of it was sent"}
	}
	r.finish(in, op, answer)
}

// finish answers an operation, wherever it stands in the queue, and starts the next one if it was
// the one in flight.
func (r *Replica) finish(in *instance, op *operation, answer Answer) {
	r.drop(op.deadline)
	r.drop(op.retry)
	r.waiting--
	switch answer.Outcome {
	case Done:
		r.stats.Done++
	case NotApplied:
		r.stats.NotApplied++
	default:
		r.stats.Unknown++
	}
	answer.Number = op.request.Number
	r.effect(answer)
	place := slices.Index(in.queue, op)
	in.queue = slices.Delete(in.queue, place, place+1)
	if place == 0 && len(in.queue) > 0 {
		r.start(in, in.queue[0])
	}
}
