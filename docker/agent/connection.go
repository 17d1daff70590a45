package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// ErrClosed is returned by calls over a stream that ended: the agent is gone, or was never there.
var ErrClosed = errors.New("the stream to the agent has ended")

// A Connection is the harness's end of the stream to one agent. It is safe for concurrent use.
type Connection struct {
	notify func(Response)

	writing sync.Mutex
	out     io.Writer

	mu      sync.Mutex
	last    int64
	pending map[int64]call
	closed  chan struct{}
}

// A call is a request that has not been answered yet.
type call struct {
	line   []byte
	answer chan Response
}

// NewConnection returns a connection that reads responses from in and writes requests to out. It
// reads until in ends, which is for the caller to bring about; after a line that is too long it
// takes the stream for ended, and reads on only so that nobody waits for a reader. What a worker
// says unasked, when it starts or heals by itself, is given to notify, which must not block; before
// a starting worker's greeting is, everything unanswered is sent again.
func NewConnection(in io.Reader, out io.Writer, notify func(Response)) *Connection {
	c := &Connection{
		notify: notify, out: out,
		pending: make(map[int64]call), closed: make(chan struct{}),
	}
	go c.read(in)
	return c
}

// Closed is closed when the stream has ended.
func (c *Connection) Closed() <-chan struct{} { return c.closed }

// Call sends a request, whose ID it sets, and returns the report that answers it. The report is
// also valid with an error that the agent answered, and zero with ErrClosed and when ctx was done
// first.
func (c *Connection) Call(ctx context.Context, request Request) (Report, error) {
	c.mu.Lock()
	c.last++
	request.ID = c.last
	line, err := json.Marshal(request)
	if err != nil {
		c.mu.Unlock()
		return Report{}, fmt.Errorf("writing a request to the agent: %w", err)
	}
	answer := make(chan Response, 1)
	line = append(line, '\n')
	c.pending[request.ID] = call{line: line, answer: answer}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.pending, request.ID)
	}()
	// An agent that does not read must not hold its caller up beyond ctx. What is being written then
	// goes on until the stream ends.
	written := make(chan error, 1)
	go func() { written <- c.write(request.ID, line) }()
	select {
	case err := <-written:
		if err != nil {
			return Report{}, err
		}
	case <-c.closed:
		return Report{}, ErrClosed
	case <-ctx.Done():
		return Report{}, fmt.Errorf("writing to the agent: %w", ctx.Err())
	}
	select {
	case response := <-answer:
		if response.Error != "" {
			return response.Report, fmt.Errorf("the agent says: %s", response.Error)
		}
		return response.Report, nil
	case <-c.closed:
		return Report{}, ErrClosed
	case <-ctx.Done():
		return Report{}, fmt.Errorf("waiting for the agent's answer: %w", ctx.Err())
	}
}

// write writes a request when the stream has room for it, unless nobody waits for its answer then.
func (c *Connection) write(id int64, line []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	_, wanted := c.pending[id]
	c.mu.Unlock()
	if !wanted {
		return nil
	}
	if _, err := c.out.Write(line); err != nil {
		return fmt.Errorf("writing to the agent: %w (%w)", err, ErrClosed)
	}
	return nil
}

// read hands out responses until the stream ends.
func (c *Connection) read(in io.Reader) {
	// Whoever fills the stream must not wait for a reader that has given up.
	defer func() { _, _ = io.Copy(io.Discard, in) }()
	defer close(c.closed)
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, lineMax)
	for scanner.Scan() {
		var response Response
		if json.Unmarshal(scanner.Bytes(), &response) != nil {
			continue // a line that a worker died on
		}
		if response.ID == 0 {
			// Sending again happens elsewhere: a reader that waits for room to write in can be
			// waiting for itself.
			go c.sendAgain()
			c.notify(response)
			continue
		}
		c.mu.Lock()
		call, ok := c.pending[response.ID]
		delete(c.pending, response.ID)
		c.mu.Unlock()
		if ok {
			call.answer <- response
		}
	}
}

// sendAgain repeats all requests without an answer, in their order.
func (c *Connection) sendAgain() {
	c.mu.Lock()
	again := maps.Clone(c.pending)
	c.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(again)) {
		if c.write(id, again[id].line) != nil {
			return // the stream is ending, and the calls with it
		}
	}
}
