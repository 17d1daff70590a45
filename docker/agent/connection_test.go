package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// A far is the agent's end of a connection.
type far struct {
	t        *testing.T
	requests *bufio.Scanner
	out      *io.PipeWriter
	in       *io.PipeReader
}

// connect returns both ends of a connection, and what the near one is told unasked.
func connect(t *testing.T) (*Connection, *far, chan Response) {
	t.Helper()
	inReader, inWriter := io.Pipe()
	outReader, outWriter := io.Pipe()
	notices := make(chan Response, 10)
	c := NewConnection(inReader, outWriter, func(r Response) { notices <- r })
	f := &far{t: t, requests: bufio.NewScanner(outReader), out: inWriter, in: outReader}
	t.Cleanup(f.close)
	return c, f, notices
}

func (f *far) close() {
	_ = f.out.Close()
	_ = f.in.Close()
}

// next returns the next request.
func (f *far) next() Request {
	f.t.Helper()
	require.True(f.t, f.requests.Scan())
	var request Request
	require.NoError(f.t, json.Unmarshal(f.requests.Bytes(), &request))
	return request
}

// say writes a line.
func (f *far) say(line string) {
	f.t.Helper()
	_, err := io.WriteString(f.out, line+"\n")
	require.NoError(f.t, err)
}

func (f *far) answer(response Response) {
	f.t.Helper()
	line, err := json.Marshal(response)
	require.NoError(f.t, err)
	f.say(string(line))
}

// An outcome is what a call returned.
type outcome struct {
	report Report
	err    error
}

// start calls without waiting.
func start(ctx context.Context, c *Connection, request Request) <-chan outcome {
	result := make(chan outcome, 1)
	go func() {
		report, err := c.Call(ctx, request)
		result <- outcome{report, err}
	}()
	return result
}

func TestAnswersFindTheirCalls(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c, f, _ := connect(t)
	first := start(t.Context(), c, Request{Configuration: Configuration{Node: "first"}})
	one := f.next()
	second := start(t.Context(), c, Request{Configuration: Configuration{Node: "second"}})
	two := f.next()
	f.answer(Response{ID: two.ID, Report: Report{Sent: 2}})
	f.answer(Response{ID: 99}) // of nobody
	f.say(`{"id":1,"repo`)     // a worker died on it
	f.answer(Response{ID: one.ID, Report: Report{Sent: 1}, Error: "no"})
	require.Equal(t, outcome{report: Report{Sent: 2}}, <-second)
	failed := <-first
	require.EqualError(t, failed.err, "the agent says: no")
	require.EqualValues(t, 1, failed.report.Sent)
	f.close()
	<-c.Closed()
}

func TestRequestsAreSentAgainToTheNextWorker(t *testing.T) {
	c, f, notices := connect(t)
	drop := []string{"n2"}
	result := start(t.Context(), c, Request{Drop: &drop})
	lost := f.next()
	f.answer(Response{Report: Report{Worker: 2}})
	again := f.next()
	require.Equal(t, lost, again)
	require.Equal(t, 2, (<-notices).Report.Worker)
	f.answer(Response{ID: again.ID, Report: Report{Worker: 2}})
	require.NoError(t, (<-result).err)
	f.answer(Response{ID: again.ID}) // twice, since it was sent twice
}

func TestCallsEndWithTheStream(t *testing.T) {
	c, f, _ := connect(t)
	result := start(t.Context(), c, Request{})
	f.next()
	f.close()
	require.ErrorIs(t, (<-result).err, ErrClosed)
	_, err := c.Call(t.Context(), Request{})
	require.ErrorIs(t, err, ErrClosed)
}

func TestCallsEndWithTheirContext(t *testing.T) {
	c, f, _ := connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	result := start(ctx, c, Request{})
	f.next()
	cancel()
	require.ErrorIs(t, (<-result).err, context.Canceled)
	require.Empty(t, c.pending)
}

// An agent that reads nothing holds nobody up, and what nobody waits for any more is not sent when
// it reads again.
func TestCallsEndWithTheirContextWhileWriting(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	c, f, _ := connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	stuck := start(ctx, c, Request{}) // a pipe has no room: its write goes on
	cancel()
	require.ErrorIs(t, (<-stuck).err, context.Canceled)
	other, stop := context.WithCancel(t.Context())
	stop()
	_, err := c.Call(other, Request{})
	require.ErrorIs(t, err, context.Canceled)

	result := start(t.Context(), c, Request{Configuration: Configuration{Node: "last"}})
	last := f.next()
	for last.Configuration.Node != "last" {
		last = f.next()
	}
	require.EqualValues(t, 3, last.ID)
	f.answer(Response{ID: last.ID})
	require.NoError(t, (<-result).err)
	f.close()
	<-c.Closed()
}

// After a line that is too long the stream is over, and whoever writes to it is not held up.
func TestTooLongLinesEndTheConnection(t *testing.T) {
	c, f, _ := connect(t)
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(f.out, strings.Repeat("x", 2*lineMax)+"\n{}\n")
		written <- err
	}()
	<-c.Closed()
	require.NoError(t, <-written)
	_, err := c.Call(t.Context(), Request{})
	require.ErrorIs(t, err, ErrClosed)
}

func TestHolderRestartsItsWorker(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log strings.Builder
	var numbers []int
	hold(ctx, &log, func(number int) error {
		numbers = append(numbers, number)
		if number == 3 {
			cancel()
		}
		return errors.New("killed")
	})
	require.Equal(t, []int{1, 2, 3}, numbers)
	require.Equal(t, "worker 1 ended (killed), starting the next\n"+
		"worker 2 ended (killed), starting the next\n", log.String())
}
