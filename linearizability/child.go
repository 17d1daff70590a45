package linearizability

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"ordeal/history"
)

// A search can need any amount of memory. The guard watches over it, but it measures from inside,
// and whatever else is short for the process (an address space that ulimit bounds, a container's
// limit) ends it without asking. So a search that is not over soon goes on in a process of its own,
// a child, with a limit that the kernel enforces: what the child dies of, the parent survives, with
// the history and with the verdicts of all other keys.

const (
	// shortSearch is how long a key is searched in this process, and shortSearchMax how many calls it
	// may have for that: nearly every key needs less, and a child takes some 20 ms to start. In this
	// time a search of that size cannot take much.
	shortSearch    = 100 * time.Millisecond
	shortSearchMax = 1_000
	// childShare is what the child's guard has of the budget: three quarters. The kernel's limit is
	// the budget.
	childShare, childShareOf = 3, 4
	// childGrace is how much later than its limit a child may answer.
	childGrace = 200 * time.Millisecond
)

// A childRequest is what a child reads.
type childRequest struct {
	Model      string        `json:"model"`
	Operations []recordedOp  `json:"operations"`
	Limit      time.Duration `json:"limit"`
	Memory     int64         `json:"memory"`
	// Explain asks to explain the violation that the operations are known to be.
	Explain bool `json:"explain"`
}

// A recordedOp is an operation with what its own JSON leaves out.
type recordedOp struct {
	Operation  history.Operation `json:"operation"`
	Call       int64             `json:"call"`
	Return     int64             `json:"return"`
	CallTime   time.Duration     `json:"callTime"`
	ReturnTime time.Duration     `json:"returnTime"`
}

// A childAnswer is what it writes.
type childAnswer struct {
	Verdict     Verdict     `json:"verdict"`
	Short       shortage    `json:"short"`
	LegalPrefix int         `json:"legalPrefix"`
	Peak        int64       `json:"peak"`
	Explanation Explanation `json:"explanation"`
}

func newChildRequest(ops []*history.Operation, limit time.Duration, memory int64) childRequest {
	r := childRequest{Limit: limit, Memory: memory, Operations: make([]recordedOp, len(ops))}
	r.Model = Register().name
	for i, op := range ops {
		if op.Kind == history.Propose {
			r.Model = Decision().name
		}
		r.Operations[i] = recordedOp{*op, op.Call, op.Return, op.CallTime, op.ReturnTime}
	}
	return r
}

// ServeSearch is the main function of a child: it reads one request, searches, and writes the
// answer. It is for the command that Options.Child returns, and should be called soon after the
// process began. It ends early, with an error, when in is closed: whoever asked is gone.
func ServeSearch(ctx context.Context, in io.Reader, out io.Writer) error {
	var request childRequest
	decoder := json.NewDecoder(in)
	if err := decoder.Decode(&request); err != nil {
		return fmt.Errorf("read what to search: %w", err)
	}
	if err := limitMemory(request.Memory); err != nil {
		return fmt.Errorf("limit the memory of the search: %w", err)
	}
	model, err := ModelNamed(request.Model)
	if err != nil {
		return fmt.Errorf("read what to search: %w", err)
	}
	ops := make([]history.Operation, len(request.Operations))
	for i, r := range request.Operations {
		ops[i] = r.Operation
		ops[i].Call, ops[i].Return = r.Call, r.Return
		ops[i].CallTime, ops[i].ReturnTime = r.CallTime, r.ReturnTime
	}
	if err := validate(model, ops); err != nil {
		return fmt.Errorf("read what to search: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		_, err := io.Copy(io.Discard, io.MultiReader(decoder.Buffered(), in))
		cancel(errors.Join(errors.New("whoever asked is gone"), err))
	}()
	answer := request.answer(ctx, ops)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := json.NewEncoder(out).Encode(answer); err != nil {
		return fmt.Errorf("write what was found: %w", err)
	}
	return nil
}

func (r childRequest) answer(ctx context.Context, ops []history.Operation) childAnswer {
	g := newGuard(r.Memory * childShare / childShareOf)
	defer g.close()
	s := newSchedule(ctx, r.Limit, 1, g)
	pointers := make([]*history.Operation, len(ops))
	for i := range ops {
		pointers[i] = &ops[i]
	}
	j := &job{ops: pointers, prepared: prepare(pointers)}
	var answer childAnswer
	if r.Explain {
		j.key = ops[0].Key
		answer.Explanation = j.explain(s.explainer(1))
	} else {
		answer.Verdict, answer.Short = s.search(j, r.Limit)
		answer.LegalPrefix = j.legalPrefix
	}
	answer.Peak = g.usage().PeakBytes
	return answer
}

// ask has a child answer a request. The error wraps errChildDied when the child ended without an
// answer: above all when a limit from outside left it less memory than the budget.
func (s *schedule) ask(request childRequest) (childAnswer, error) {
	ctx, cancel := context.WithTimeout(s.ctx, request.Limit+childGrace)
	defer cancel()
	text, err := json.Marshal(request)
	if err != nil {
		return childAnswer{}, fmt.Errorf("ask another process to search: %w", err)
	}
	command := s.child(ctx)
	var out bytes.Buffer
	var said complaint
	command.Stdout, command.Stderr, command.WaitDelay = &out, &said, childGrace
	// The input stays open until the child has ended: it takes the end for ours.
	in, err := command.StdinPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return childAnswer{}, fmt.Errorf("start another process to search: %w", err)
	}
	go func() { _, _ = in.Write(append(text, '\n')) }()
	err = command.Wait()
	var answer childAnswer
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &answer)
	}
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return childAnswer{}, ctx.Err()
	}
	return childAnswer{}, fmt.Errorf("%w: %w%s", errChildDied, err, said.line())
}

var errChildDied = errors.New("the process that searched died")

// A complaint keeps the beginning of what a child writes on standard error, which is where a Go
// program says what it died of.
type complaint struct {
	mu   sync.Mutex
	text []byte
}

// complaintMax is how much that is, in bytes.
const complaintMax = 4 << 10

func (c *complaint) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p[:min(len(p), complaintMax-len(c.text))]...)
	return len(p), nil
}

// line returns the first line, after a colon, or nothing.
func (c *complaint) line() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	line, _, _ := strings.Cut(strings.TrimSpace(string(c.text)), "\n")
	if line == "" {
		return ""
	}
	return ": " + line
}
