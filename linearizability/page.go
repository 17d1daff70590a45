package linearizability

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"

	"ordeal/history"
)

// pageOperationsMax is how many operations a page shows: each costs a browser some eight
// elements.
const pageOperationsMax = 400

// pageMemory bounds the memory of these searches, in bytes.
const pageMemory = 512 << 20

// pageTime bounds the two searches for a page, each: the one for what to show, if there is too
// much, and the one for the orders that are shown.
const pageTime = 5 * time.Second

// Page writes porcupine's own page of one key, in HTML: its operations, and the longest orders
// that are legal as far as they go. Operations that do not matter are left out, as they are for
// the check, and those of unknown outcome that did happen end where that was first seen.
//
// At most 400 operations are shown, and a note on the page says how many are not: of more, the
// ones around the violation, or the first ones if there is none. The search for the orders ends
// after some seconds, or with 512 MiB of memory, and then the page shows how far it came.
//
// All operations must be of one key, and valid: an error wraps ErrInvalid otherwise.
func Page(w io.Writer, model Model, ops []history.Operation) error {
	if err := validate(model, ops); err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	jobs := partition(model, ops)
	if len(jobs) != 1 {
		return fmt.Errorf("draw a key: %w: there are operations of %d keys, want those of one",
			ErrInvalid, len(jobs))
	}
	g := newGuard(pageMemory)
	defer g.close()
	all := jobs[0].ops
	drawn := prepare(all)
	if len(drawn.all) > pageOperationsMax {
		drawn = prepare(window(all, g))
	}
	if !drawn.possible {
		// A return before its call is not for porcupine: it sees the same from what was recorded.
		drawn.calls = newCalls(operationsOf(drawn.calls))
	}
	if err := draw(w, drawn.calls, len(all)-len(drawn.all), g); err != nil {
		return fmt.Errorf("draw key %s: %w", jobs[0].key, err)
	}
	return nil
}

// window returns at most pageOperationsMax of ops, which are more: if they are illegal, those
// that make up the violation, and the latest of the others before it that can be shown with them.
func window(ops []*history.Operation, g *guard) []*history.Operation {
	judge := newSchedule(context.Background(), pageTime, 1, g).explainer(1)
	s := &shrinker{judge: judge, ops: ops, detached: map[int64]bool{}}
	s.cutSuffix()
	p := prepare(s.ops)
	before := operationsOf(p.calls)
	if judge(before, true) != Illegal {
		return first(before)
	}
	s.ops = before
	s.reduce(p.exact())
	small := map[int64]bool{}
	for _, op := range s.ops {
		small[op.ID] = true
	}
	excess := max(0, len(before)-pageOperationsMax)
	around := without(before, p.exact(), func(i int) bool {
		if small[before[i].ID] || excess == 0 {
			return false
		}
		excess--
		return true
	})
	if len(around) <= pageOperationsMax && judge(around, true) == Illegal {
		return around
	}
	return first(s.ops)
}

// first returns the operations until there are as many as a page can show.
func first(ops []*history.Operation) []*history.Operation {
	if len(ops) <= pageOperationsMax {
		return ops
	}
	return prefix(ops[:pageOperationsMax], ops[pageOperationsMax].Call-1)
}

// draw writes the page of c, with a note that so many operations are not shown.
func draw(w io.Writer, c *calls, hidden int, g *guard) error {
	t := g.enter(len(c.all))
	defer g.leave(t)
	model := porcupineModel(c, t.refuse)
	model.DescribeOperation = func(input, _ any) string {
		one := input.(*call)
		if one.op.Outcome == history.OK {
			return told(one.op)
		}
		return asked(one.op) + " (outcome unknown)"
	}
	model.DescribeOperationMetadata = func(metadata any) string { return metadata.(string) }
	names := c.names()
	model.DescribeState = func(state any) string { return names[state.(int)] }
	operations := porcupineOperations(c)
	rows := map[int]int{}
	for i := range c.all {
		op := c.all[i].op
		row, known := rows[op.Process]
		if !known {
			row = len(rows)
			rows[op.Process] = row
		}
		operations[i].ClientId = row
		operations[i].Metadata = "operation " + strconv.FormatInt(op.ID, 10) + ": " + describe(op)
	}
	_, info := porcupine.CheckOperationsVerbose(model, operations, pageTime)
	// To draw, the steps that were found are taken again, and none may be refused any more.
	model.Step = porcupineModel(c, func() bool { return false }).Step
	info.AddAnnotations([]porcupine.Annotation{{
		Tag: "note", End: int64(2 * len(operations)),
		Description: strconv.Itoa(hidden) + " operations of the key are not shown",
		Details: "The axis shows the order of calls and returns, not the time between them. " +
			"A row is a process.",
	}})
	return porcupine.Visualize(model, info, w)
}

// names returns what people call the values.
func (c *calls) names() []string {
	names := make([]string, c.values)
	names[nothing] = text(history.Value{})
	for i := range c.all {
		one := &c.all[i]
		if v, ok := one.writes(); ok {
			names[v] = text(one.op.Value)
		}
		if seen, ok := one.seenValue(); ok {
			v, _ := one.observes()
			names[v] = text(seen)
		}
		if one.op.Kind == history.CompareAndSet {
			names[one.expected] = text(one.op.Expected)
		}
	}
	return names
}

// operationsOf returns the operations behind the calls.
func operationsOf(c *calls) []*history.Operation {
	ops := make([]*history.Operation, len(c.all))
	for i := range c.all {
		ops[i] = c.all[i].op
	}
	return ops
}
