package simulation

import (
	"fmt"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/node/paxos"
	"ordeal/node/replica"
)

// clients are the connections between the nodes and their clients, which no fault touches.
type clients struct {
	// called counts the operations of each client.
	called map[int]uint64
}

// A call is one operation on its way.
type call struct {
	op      history.Operation
	node    *node
	number  uint64
	request replica.Request
	result  history.Result
	ended   bool
	done    func(history.Result)
}

func newClients() clients { return clients{called: make(map[int]uint64)} }

// clientShift is where the client's number stands in that of its operation.
const clientShift = 32

// Invoke starts an operation on op.Node and calls done exactly once, within timeout. Numbers of
// requests are made of the client and of how many it called before, or of the operation's own
// number: they name the same operation when others are left out.
func (w *World) Invoke(
	op history.Operation, timeout time.Duration, done func(history.Result),
) {
	n, known := w.byName[op.Node]
	if !known {
		w.post(func() { done(failed("there is no node %s", op.Node)) })
		return
	}
	number := uint64(op.Number)
	if number == 0 {
		w.clients.called[op.Client]++
		number = w.clients.called[op.Client]
	}
	c := &call{
		op: op, node: n, done: done, request: RequestOf(op),
		number: uint64(op.Client+1)<<clientShift | number,
	}
	c.request.Number = c.number
	w.tellCall(KindCall, c)
	e := w.queue.push(w.now + w.clients.travel(w, c, decideRequestDelay))
	e.kind, e.node, e.call = happensRequest, int32(n.index), c
	e = w.queue.push(w.now + int64(timeout))
	e.kind, e.node, e.call = happensGivingUp, int32(n.index), c
}

// RequestOf returns what a node makes of an operation that reaches it over HTTP, without a number.
// It panics for a kind that there is not.
func RequestOf(op history.Operation) replica.Request {
	r := replica.Request{Key: paxos.Key{Name: op.Key}}
	content := []byte(op.Value.Text())
	switch op.Kind {
	case history.Read:
		r.Change = paxos.Change{Kind: paxos.ChangeRead}
	case history.Write:
		r.Change = paxos.Change{Kind: paxos.ChangeWrite, Content: content}
	case history.CompareAndSet:
		r.Change = paxos.Change{
			Kind: paxos.ChangeCompareAndSet, Content: content,
			Expected: []byte(op.Expected.Text()), ExpectNothing: !op.Expected.IsSet(),
		}
	case history.Propose:
		r.Key.Space = paxos.Decrees
		r.Change = paxos.Change{Kind: paxos.ChangePropose, Content: content}
	case history.Learn:
		r.Key.Space, r.Learn = paxos.Decrees, true
	default:
		panic(fmt.Sprintf("simulation: an operation of kind %q", op.Kind))
	}
	return r
}

// travel is how long a request or its answer takes.
func (t *clients) travel(w *World, c *call, kind decision) int64 {
	return spread(quantiles[nemesis.Narrow], int64(w.conditions.Delay)/2,
		w.roll(kind, uint64(c.node.index), c.number, 0))
}

// reply lets the end of a call travel to its client.
func (t *clients) reply(w *World, c *call, r history.Result) {
	c.result = r
	w.tellCall(KindRespond, c)
	e := w.queue.push(w.now + t.travel(w, c, decideReplyDelay))
	e.kind, e.node, e.call = happensReply, int32(c.node.index), c
}

// takeAnswer lets a node's answer travel. What it says is what docker/system makes of the answer
// over HTTP: done is ok, not applied is fail, unknown is info.
func (t *clients) takeAnswer(w *World, c *call, a replica.Answer) {
	switch a.Outcome {
	case replica.Done:
		t.reply(w, c, resultOf(c.op, a.Result))
	case replica.NotApplied:
		t.reply(w, c, failed("not applied: %s", a.Reason))
	default:
		t.reply(w, c, unknown("%s cannot tell: %s", c.node.name, a.Reason))
	}
}

// refuse is what a client meets at a node without a process: no connection was ever obtained.
func (t *clients) refuse(w *World, c *call) {
	t.reply(w, c, failed("no connection to %s: connection refused", c.node.name))
}

// reset is the end of a connection whose process ends: the request may have been carried out.
func (t *clients) reset(w *World, c *call) {
	t.reply(w, c, unknown("no answer from %s: connection reset by peer", c.node.name))
}

// answer ends a call, unless its client has given it up.
func (t *clients) answer(w *World, c *call) (calledBack bool) {
	if c.ended {
		w.tellCall(KindLate, c)
		return false
	}
	c.ended = true
	w.noteCall(happensReply, c)
	c.done(c.result)
	return true
}

// giveUp ends a call whose time is over.
func (t *clients) giveUp(w *World, c *call) (calledBack bool) {
	if c.ended {
		return false
	}
	c.ended = true
	c.result = unknown("no answer from %s: timed out", c.node.name)
	w.noteCall(happensGivingUp, c)
	c.done(c.result)
	return true
}

// resultOf says what a client was told, as history has it.
func resultOf(op history.Operation, r paxos.Result) history.Result {
	result := history.Result{Outcome: history.OK}
	switch {
	case op.Kind == history.Write:
	case op.Kind == history.CompareAndSet && r.Swapped:
		result.Applied = true
	case r.Present:
		result.Returned = history.NewValue(string(r.Content))
	}
	return result
}

func failed(format string, arguments ...any) history.Result {
	return history.Result{Outcome: history.Fail, Error: fmt.Sprintf(format, arguments...)}
}

func unknown(format string, arguments ...any) history.Result {
	return history.Result{Outcome: history.Info, Error: fmt.Sprintf(format, arguments...)}
}
