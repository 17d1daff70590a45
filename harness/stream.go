package harness

import (
	"context"
	"errors"
	"io"
	"slices"

	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
)

// partMax is how many operations a part has that is judged at a time, unless one key has more.
const partMax = 1 << 16

// A census says how many operations each key has, so that it is known when a key is complete. It is
// what is held of every key: its name and a number.
type census struct {
	counts map[string]int
	// finals are the final reads. Each key may have one at the very end of the record, long after
	// the others, and would be held until then; there are as many as were made in ten seconds.
	finals     map[string][]history.Operation
	operations int
}

func newCensus() *census {
	return &census{
		counts: make(map[string]int), finals: make(map[string][]history.Operation),
	}
}

func (c *census) count(op *history.Operation) {
	c.operations++
	if op.Final {
		c.finals[op.Key] = append(c.finals[op.Key], *op)
		return
	}
	c.counts[op.Key]++
}

// keys returns how many keys there are.
func (c *census) keys() int {
	keys := len(c.counts)
	for key := range c.finals {
		if c.counts[key] == 0 {
			keys++
		}
	}
	return keys
}

// A sorter makes whole keys out of operations in the order in which they ended, and parts out of
// keys. It holds the keys that are not complete: of a workload whose keys are replaced, those that
// were in use at the same time.
type sorter struct {
	*census
	open map[string][]history.Operation
	part [][]history.Operation
	size int
	// left is how many operations are still to come, also those of keys that are open.
	left int
	// judge takes a part.
	judge func(part [][]history.Operation, left int) error
}

func newSorter(
	c *census, judge func(part [][]history.Operation, left int) error,
) *sorter {
	return &sorter{
		census: c, open: make(map[string][]history.Operation), left: c.operations, judge: judge,
	}
}

// add adds an operation to its key.
func (s *sorter) add(op *history.Operation) error {
	if op.Final {
		return nil // it is held already
	}
	ops := s.open[op.Key]
	if ops == nil {
		ops = make([]history.Operation, 0, s.counts[op.Key]+len(s.finals[op.Key]))
	}
	ops = append(ops, *op)
	if len(ops) < s.counts[op.Key] {
		s.open[op.Key] = ops
		return nil
	}
	delete(s.open, op.Key)
	return s.whole(append(ops, s.finals[op.Key]...))
}

// whole adds all operations of a key.
func (s *sorter) whole(ops []history.Operation) error {
	s.part = append(s.part, ops)
	s.size += len(ops)
	s.left -= len(ops)
	if s.size < partMax {
		return nil
	}
	return s.flush()
}

// end adds the keys that have final reads only.
func (s *sorter) end() error {
	for key, ops := range s.finals {
		if s.counts[key] > 0 {
			continue
		}
		if err := s.whole(ops); err != nil {
			return err
		}
	}
	return s.flush()
}

// flush hands over the part that there is.
func (s *sorter) flush() error {
	part := s.part
	s.part, s.size = nil, 0
	return s.judge(part, s.left)
}

// errOver ends the reading of a record when nothing more would be judged.
var errOver = errors.New("the check is over")

// judgeRecord is Judge for operations that do not fit in memory. They are judged in parts, as they
// are read, and what is held is the part, the keys that are open and a name and a number of every
// key. The time for reading is not the check's. With an error, which says why not all could be
// read, the check is what was judged until then: what is illegal in it is so.
func judgeRecord(
	ctx context.Context,
	modelName string, operations source, c *census, events []history.Event, budget Budget,
) (*results.Check, []results.Finding, error) {
	model, err := linearizability.ModelNamed(modelName)
	if err != nil {
		return nil, nil, err
	}
	parts := linearizability.Begin(ctx, model, budget.options())
	defer parts.Close()
	check := &results.Check{Model: modelName}
	if modelName == linearizability.Decision().Name() {
		check.Decisions = &linearizability.DecisionReport{}
	}
	keys := 0
	s := newSorter(c, func(part [][]history.Operation, left int) error {
		over := parts.Over()
		if over && (check.Decisions == nil || ctx.Err() != nil) {
			return errOver
		}
		// What was decided is compared without a search, however long the rest took.
		if err := judgeDecisions(check.Decisions, part, events); err != nil || over {
			return err
		}
		keys += len(part)
		return parts.Add(part, left)
	})
	if err = operations.each(ctx, s.add); err == nil {
		err = s.end()
	} else if !errors.Is(err, errOver) {
		err = errors.Join(err, s.flush()) // the keys that are whole
	}
	if errors.Is(err, errOver) {
		err = nil
	}
	parts.Leave(c.keys() - keys)
	check.Linearizability = parts.End()
	if d := check.Decisions; d != nil && d.Keys < c.keys() && d.Verdict != linearizability.Illegal {
		d.Verdict = linearizability.Unknown
	}
	return check, found(check, events, c.operations), err
}

// A Judged history is what was found out about one in a file.
type Judged struct {
	// Record lacks the operations that ended.
	history.Record
	Counts   results.Operations
	Check    *results.Check
	Findings []results.Finding
}

// JudgeFile judges one of Ordeal's histories as Judge does, without holding it: it is read twice,
// and what is in memory is what judgeRecord says. It must be the same both times: of a file that is
// still written, what it had at first. The name is how errors call it; modelName is the model, ""
// for the one that the history names.
func JudgeFile(
	ctx context.Context, file io.ReaderAt, name, modelName string, budget Budget,
) (Judged, error) {
	var j Judged
	keys := newCensus()
	read := 0
	count := func(op *history.Operation) error {
		keys.count(op)
		j.Counts.Count(*op)
		if read++; read%readAtOnce == 0 {
			return ctx.Err()
		}
		return nil
	}
	var err error
	if j.Record, err = history.Scan(fromStart(file), name, count); err != nil {
		return j, err
	}
	open := j.Operations()
	if err := inMemory(open).each(ctx, count); err != nil {
		return j, err
	}
	if modelName == "" {
		modelName = j.Header.Model
	}
	j.Check, j.Findings, err = judgeRecord(ctx, modelName,
		onDisk{file: file, name: name, rest: open, count: keys.operations}, keys, j.Events, budget)
	return j, err
}

// judgeDecisions adds what is found out about the decisions of a part, if they are asked for.
func judgeDecisions(
	report *linearizability.DecisionReport, part [][]history.Operation, events []history.Event,
) error {
	if report == nil {
		return nil
	}
	one, err := linearizability.CheckDecision(slices.Concat(part...), events)
	if err == nil {
		report.Add(one)
	}
	return err
}
