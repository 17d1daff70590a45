package system

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"ordeal/history"
)

// connectionsMax bounds the connections of one client to its node; an operation beyond waits for
// one within its own time.
const connectionsMax = 256

// A registerClient speaks the node's interface for clients. It does nothing behind the caller's
// back that would blur an outcome: no proxy, no redirects, and never an Idempotency-Key, which
// would make Go's client send writes again by itself.
type registerClient struct {
	endpoint Endpoint
	http     *http.Client
}

func newRegisterClient(e Endpoint) *registerClient {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{}).DialContext,
		DisableCompression:  true,
		MaxIdleConnsPerHost: connectionsMax,
		MaxConnsPerHost:     connectionsMax,
		IdleConnTimeout:     time.Minute,
	}
	return &registerClient{endpoint: e, http: &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
}

// Do runs an operation; see outcome for how it ends.
func (c *registerClient) Do(ctx context.Context, op history.Operation) history.Result {
	method, path, document := requestOf(op)
	if method == "" {
		return failed("a register has no operation %q", op.Kind)
	}
	var body io.Reader
	if document != nil {
		data, err := json.Marshal(document)
		if err != nil {
			return failed("encode the request: %s", err)
		}
		body = bytes.NewReader(data)
	}
	return outcome(op, c.endpoint, c.send(ctx, method, path, body))
}

// Ready asks for the node's health.
func (c *registerClient) Ready(ctx context.Context) error {
	r := c.send(ctx, http.MethodGet, "/healthz", nil)
	if r.err != nil {
		return fmt.Errorf("%s does not answer: %s", c.endpoint.Node, plain(r.err))
	}
	if r.status == http.StatusServiceUnavailable && saysLost(r.body) {
		return fmt.Errorf("%s %w: %s", c.endpoint.Node, ErrLost, reasonIn(r.body))
	}
	if r.status != http.StatusOK {
		return fmt.Errorf("%s is not ready: %s", c.endpoint.Node, reasonIn(r.body))
	}
	return nil
}

// Close ends idle connections.
func (c *registerClient) Close() { c.http.CloseIdleConnections() }

// send sends one request and reads its answer.
func (c *registerClient) send(ctx context.Context, method, path string, body io.Reader) reply {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	request, err := http.NewRequestWithContext(ctx, method, "http://"+c.endpoint.Address+path, body)
	if err != nil {
		return reply{err: err}
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return reply{connected: connected.Load(), err: err}
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := readAnswer(answer.Body)
	return reply{connected: true, err: err, status: answer.StatusCode, body: data}
}

// requestOf returns the request that an operation is; document is nil where there is no body, and
// method "" for an operation that there is not.
func requestOf(op history.Operation) (method, path string, document any) {
	type valueBody struct {
		Value history.Value `json:"value"`
	}
	register, decree := "/v1/registers/"+segment(op.Key), "/v1/decrees/"+segment(op.Key)
	switch op.Kind {
	case history.Read:
		return http.MethodGet, register, nil
	case history.Write:
		return http.MethodPut, register, valueBody{op.Value}
	case history.CompareAndSet:
		return http.MethodPost, register + "/compare-and-set", struct {
			Expected history.Value `json:"expected"`
			Value    history.Value `json:"value"`
		}{op.Expected, op.Value}
	case history.Propose:
		return http.MethodPost, decree, valueBody{op.Value}
	case history.Learn:
		return http.MethodGet, decree, nil
	default:
		return "", "", nil
	}
}

// segment escapes a key as one segment of a path. A segment of dots alone would be taken for a
// parent directory.
func segment(key string) string {
	if strings.Trim(key, ".") == "" {
		return strings.ReplaceAll(key, ".", "%2E")
	}
	return url.PathEscape(key)
}
