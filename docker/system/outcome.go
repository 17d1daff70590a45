package system

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"ordeal/history"
)

// A reply is how a request over HTTP ended, as far as its client can tell.
type reply struct {
	// connected tells whether the request ever had a connection. It is true as soon as one was
	// obtained once: Go's client sends a GET again, silently, when a connection that it had kept
	// turns out to be closed, so that the last error says nothing about what was sent before.
	connected bool
	// err is why there is no whole answer, nil when there is one.
	err error
	// status and body are the answer.
	status int
	body   []byte
}

// outcome is the one place that says which error is definite and which is not. An operation that
// ended Fail certainly had no effect and never will have one; whatever leaves a doubt is Info:
//
//	what happened                                          outcome
//	no connection was ever obtained, of the node itself    fail: nothing was sent
//	the same of a port forwarder                           info: it is not the node's own word
//	a connection was obtained, and then any error          info: the request may have arrived
//	200 with an answer that makes sense                    ok
//	200 with any other                                     info
//	4xx                                                    fail: refused before it was begun
//	503 whose body says "not applied"                      fail: the node's own word
//	503 otherwise                                          info: somebody else's word
//	504, and whatever else                                 info
//
// A read that got no answer is Info too. It has no effect either way; the checker drops it.
func outcome(op history.Operation, e Endpoint, r reply) history.Result {
	switch {
	case r.err != nil && !r.connected && !e.Forwarded:
		return failed("no connection to %s: %s", e.Node, plain(r.err))
	case r.err != nil && !r.connected:
		return unknown("no connection to the port forwarded to %s: %s", e.Node, plain(r.err))
	case r.err != nil:
		return unknown("no answer from %s: %s", e.Node, plain(r.err))
	case r.status == http.StatusOK:
		result, err := resultOf(op, r.body)
		if err != nil {
			return unknown("%s answered 200 without sense: %s", e.Node, err)
		}
		return result
	case r.status >= 400 && r.status < 500:
		return failed("%s refused the request: %d %s", e.Node, r.status, reasonIn(r.body))
	case r.status == http.StatusServiceUnavailable && saysNotApplied(r.body):
		return failed("not applied: %s", reasonIn(r.body))
	case r.status == http.StatusGatewayTimeout:
		return unknown("%s cannot tell: %s", e.Node, reasonIn(r.body))
	default:
		return unknown("%s answered %d: %s", e.Node, r.status, reasonIn(r.body))
	}
}

func failed(format string, arguments ...any) history.Result {
	return history.Result{Outcome: history.Fail, Error: fmt.Sprintf(format, arguments...)}
}

func unknown(format string, arguments ...any) history.Result {
	return history.Result{Outcome: history.Info, Error: fmt.Sprintf(format, arguments...)}
}

// plain strips what net/http puts around an error: the method and the address say nothing new.
func plain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timed out"
	}
	if errors.Is(err, context.Canceled) {
		return "given up"
	}
	var around *url.Error
	if errors.As(err, &around) {
		err = around.Err
	}
	return err.Error()
}
