package server

import (
	"net/http"
	"time"

	"ordeal/node/paxos"
	"ordeal/node/replica"
)

// An operation is what a request asks for.
type operation struct {
	// kind is the label that it is counted under.
	kind    string
	request replica.Request
	// done makes the reply of the result.
	done func(paxos.Result) any
}

// A parser makes an operation of a request, once its path and method are known.
type parser func(w http.ResponseWriter, r *http.Request) (operation, *mistake)

// operate serves a kind of operations. It waits for the outcome however long the client stays: what
// was begun is not cancelled.
func (n *node) operate(parse parser) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		op, wrong := parse(w, r)
		if wrong != nil {
			wrong.reply(w)
			return
		}
		start := time.Now()
		answer := replica.Answer{Outcome: replica.NotApplied, Reason: n.refusal}
		if n.loop != nil {
			answer = n.loop.perform(op.request)
		}
		n.count.requested(op.kind, answer.Outcome, start)
		switch answer.Outcome {
		case replica.Done:
			reply(w, http.StatusOK, op.done(answer.Result))
		case replica.NotApplied:
			reply(w, http.StatusServiceUnavailable, outcomeOf(answer))
		default:
			reply(w, http.StatusGatewayTimeout, outcomeOf(answer))
		}
	}
}

// parseRead is GET /v1/registers/{key}.
func parseRead(_ http.ResponseWriter, r *http.Request) (operation, *mistake) {
	key, wrong := keyOf(r, paxos.Registers)
	if wrong != nil {
		return operation{}, wrong
	}
	local, wrong := consistencyOf(r)
	if wrong != nil {
		return operation{}, wrong
	}
	if wrong = noBody(r); wrong != nil {
		return operation{}, wrong
	}
	kind := "read"
	if local {
		kind = "local read"
	}
	return operation{
		kind: kind,
		request: replica.Request{
			Key: key, Change: paxos.Change{Kind: paxos.ChangeRead}, Local: local,
		},
		done: func(result paxos.Result) any { return valueReply{textOf(result)} },
	}, nil
}

// parseWrite is PUT /v1/registers/{key}.
func parseWrite(w http.ResponseWriter, r *http.Request) (operation, *mistake) {
	key, content, wrong := keyAndValue(w, r, paxos.Registers)
	change := paxos.Change{Kind: paxos.ChangeWrite, Content: content}
	return operation{
		kind:    "write",
		request: replica.Request{Key: key, Change: change},
		done:    func(result paxos.Result) any { return valueReply{textOf(result)} },
	}, wrong
}

// parseCompareAndSet is POST /v1/registers/{key}/compare-and-set.
func parseCompareAndSet(w http.ResponseWriter, r *http.Request) (operation, *mistake) {
	key, wrong := keyOf(r, paxos.Registers)
	if wrong != nil {
		return operation{}, wrong
	}
	if wrong = noParameters(r); wrong != nil {
		return operation{}, wrong
	}
	body, wrong := readBody(w, r, "expected", "value")
	if wrong != nil {
		return operation{}, wrong
	}
	expected := body["expected"]
	change := paxos.Change{Kind: paxos.ChangeCompareAndSet, ExpectNothing: expected.null}
	if change.Content, wrong = body["value"].content("value"); wrong != nil {
		return operation{}, wrong
	}
	if !change.ExpectNothing {
		if change.Expected, wrong = expected.content("expected"); wrong != nil {
			return operation{}, wrong
		}
	}
	return operation{
		kind:    "compare-and-set",
		request: replica.Request{Key: key, Change: change},
		done: func(result paxos.Result) any {
			return swapReply{Applied: result.Swapped, Value: textOf(result)}
		},
	}, nil
}

// parsePropose is PUT and POST /v1/decrees/{key}.
func parsePropose(w http.ResponseWriter, r *http.Request) (operation, *mistake) {
	key, content, wrong := keyAndValue(w, r, paxos.Decrees)
	change := paxos.Change{Kind: paxos.ChangePropose, Content: content}
	return operation{
		kind:    "propose",
		request: replica.Request{Key: key, Change: change},
		done:    func(result paxos.Result) any { return chosenReply{textOf(result)} },
	}, wrong
}

// parseLearn is GET /v1/decrees/{key}.
func parseLearn(_ http.ResponseWriter, r *http.Request) (operation, *mistake) {
	key, wrong := keyOf(r, paxos.Decrees)
	return operation{
		kind:    "learn",
		request: replica.Request{Key: key, Learn: true},
		done:    func(result paxos.Result) any { return learnedReply{textOf(result)} },
	}, wrong
}

// keyAndValue returns the key that the path names and the value that the body holds.
func keyAndValue(w http.ResponseWriter, r *http.Request, space paxos.Space) (
	key paxos.Key, content []byte, wrong *mistake,
) {
	if key, wrong = keyOf(r, space); wrong != nil {
		return key, nil, wrong
	}
	if wrong = noParameters(r); wrong != nil {
		return key, nil, wrong
	}
	body, wrong := readBody(w, r, "value")
	if wrong != nil {
		return key, nil, wrong
	}
	content, wrong = body["value"].content("value")
	return key, content, wrong
}
