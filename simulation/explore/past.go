package explore

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"ordeal/history"
	"ordeal/linearizability"
)

// A past is what clients have seen: which operations were called, which were answered, and which of
// them had been answered when another was called. That is all of a history that its judgement
// depends on.
type past struct {
	ops     []pastOp
	returns uint8
}

// A pastOp is one operation. Calls and returns are counted by the returns before them.
type pastOp struct {
	callOf
	node             uint8
	called, returned uint8
	value            uint8
	applied, refused bool
}

// pasts are those that were met, by name.
type pasts struct {
	decree bool
	// unseen: what clients see plays no part, and no more is kept than what can be called next.
	unseen  bool
	all     []past
	tallies []tally
	byCode  map[string]uint32
	buffer  []byte
}

// A tally is what bounds and goals need of a past.
type tally struct {
	// swapped counts the compare-and-sets that applied and were answered.
	swapped int
	// touched is the first return of an operation that wrote or saw a value, 0 for none. Late ones
	// were called after that: late and lateSwaps count those that were answered.
	touched         uint8
	late, lateSwaps int
	// values is how many values were touched by operations that were answered; seen tells that one
	// was seen.
	values  int
	seen    bool
	judged  bool
	classes []string
}

// tallyOf counts.
func tallyOf(ops []pastOp) (t tally) {
	done := func(op pastOp) bool { return op.returned > 0 && !op.refused }
	touched := uint8(0)
	proven := prove(ops)
	for i, op := range ops {
		if proven>>i&1 == 1 {
			touched |= 1<<op.number | 1<<op.expected
		}
		wrote, saw := uint8(0), op.value
		if op.kind == history.Write || op.applied {
			wrote = op.number
		}
		if op.applied {
			saw = op.expected
		}
		if !done(op) || wrote|saw == 0 {
			continue
		}
		touched |= 1<<wrote | 1<<saw
		t.seen = t.seen || saw > 0
		if t.touched == 0 || op.returned < t.touched {
			t.touched = op.returned
		}
	}
	t.values = bits.OnesCount8(touched &^ 1)
	for i, op := range ops {
		late := t.touched > 0 && op.called >= t.touched && done(op)
		if done(op) && op.applied || proven>>i&1 == 1 {
			t.swapped++
		}
		if proven>>i&1 == 1 && t.touched > 0 && op.called >= t.touched {
			t.lateSwaps++
		}
		if late {
			t.late++
		}
		if late && op.applied {
			t.lateSwaps++
		}
	}
	return t
}

// prove returns the set of the compare-and-sets, by place, that were not answered and are known to
// have applied: an answered operation saw their value, or one of them did (package linearizability,
// bound.go).
func prove(ops []pastOp) (proven uint8) {
	for _, op := range ops {
		if op.returned == 0 || op.refused {
			continue
		}
		seen := op.value
		if op.applied {
			seen = op.expected
		}
		for seen > 0 {
			writer := ops[seen-1]
			if writer.kind != history.CompareAndSet || writer.returned > 0 {
				break
			}
			proven |= 1 << (seen - 1)
			seen = writer.expected
		}
	}
	return proven
}

func newPasts(decree, unseen bool) *pasts {
	p := &pasts{decree: decree, unseen: unseen, byCode: make(map[string]uint32)}
	p.name(past{})
	return p
}

// name returns the name of a past. It keeps it if it is new.
func (p *pasts) name(of past) uint32 {
	code := p.buffer[:0]
	for _, op := range of.ops {
		code = append(code, op.number, op.expected, op.node, op.called, op.returned, op.value)
		flags := byte(0)
		if op.applied {
			flags |= 1
		}
		if op.refused {
			flags |= 2
		}
		code = append(append(code, flags), op.kind[0])
	}
	p.buffer = code
	id, known := p.byCode[string(code)]
	if known {
		return id
	}
	of.ops = slices.Clone(of.ops)
	id = uint32(len(p.all))
	p.all, p.tallies = append(p.all, of), append(p.tallies, tallyOf(of.ops))
	p.byCode[string(code)] = id
	return id
}

// called returns the past after a call.
func (p *pasts) called(id uint32, node uint8, c callOf) uint32 {
	before := p.all[id]
	op := pastOp{callOf: c, node: node, called: before.returns}
	if p.unseen {
		op = pastOp{callOf: callOf{number: c.number, kind: history.Read}}
		if c.writes() {
			op.kind = history.Write
		}
	}
	ops := append(slices.Clone(before.ops), op)
	return p.name(past{ops, before.returns})
}

// answered returns the past after answers.
func (p *pasts) answered(id uint32, answers []answer) uint32 {
	if p.unseen || len(answers) == 0 {
		return id
	}
	next := past{slices.Clone(p.all[id].ops), p.all[id].returns}
	for _, a := range answers {
		next.returns++
		op := &next.ops[a.number-1]
		op.returned, op.refused = next.returns, a.refused
		switch {
		case a.refused || op.kind == history.Write:
		case op.kind == history.CompareAndSet && a.applied:
			op.applied = true
		default:
			op.value = a.value
		}
	}
	return p.name(next)
}

// menu returns the operations that may be called next: all kinds, with a value of their own.
func (p *pasts) menu(id uint32) []callOf {
	number := uint8(len(p.all[id].ops) + 1)
	if p.decree {
		return []callOf{
			{number: number, kind: history.Propose}, {number: number, kind: history.Learn},
		}
	}
	menu := []callOf{
		{number: number, kind: history.Write}, {number: number, kind: history.Read},
		{number: number, kind: history.CompareAndSet},
	}
	for _, op := range p.all[id].ops {
		if op.writes() {
			menu = append(menu, callOf{number, history.CompareAndSet, op.number})
		}
	}
	return menu
}

// classes returns what is wrong with what clients have seen: nothing, if it is legal.
func (p *pasts) classes(id uint32) []string {
	t := &p.tallies[id]
	if !t.judged {
		t.judged, t.classes = true, classesOf(p.operations(id), p.decree)
	}
	return t.classes
}

// operations returns a past as a history.
func (p *pasts) operations(id uint32) []history.Operation {
	var ops []history.Operation
	index := int64(0)
	of := p.all[id]
	for returns := range of.returns + 1 {
		for _, op := range of.ops {
			if op.called == returns {
				index++
				call := op.operation()
				call.Node, call.Call = fmt.Sprintf("n%d", op.node), index
				call.Return, call.Outcome = history.NoReturn, history.Info
				ops = append(ops, call)
			}
		}
		index++
		for i, op := range of.ops {
			if op.returned == returns+1 {
				ops[i].Return = index
				ops[i].Outcome, ops[i].Applied = history.OK, op.applied
				if op.refused {
					ops[i].Outcome = history.Fail
				}
				ops[i].Returned = valueOf(op.value)
			}
		}
	}
	return ops
}

// classesOf returns the classes of the violations of a history on one key, as the harness judges
// it. That a learner forgot is not looked at: nothing here tells of restarts.
func classesOf(ops []history.Operation, decree bool) (classes []string) {
	model := linearizability.Register()
	if decree {
		model = linearizability.Decision()
		report, err := linearizability.CheckDecision(ops, nil)
		if err != nil {
			panic(fmt.Sprintf("explore: %v", err))
		}
		for _, v := range report.Violations {
			if v.Class != linearizability.Forgotten {
				classes = append(classes, string(v.Class))
			}
		}
	}
	report, err := linearizability.Check(context.Background(), model, ops,
		linearizability.Options{Workers: 1})
	if err != nil || report.Verdict != linearizability.Legal &&
		report.Verdict != linearizability.Illegal {
		panic(fmt.Sprintf("explore: a history is %s (%v): %+v", report.Verdict, err, ops))
	}
	for _, v := range report.Violations {
		classes = append(classes, string(v.Class))
	}
	return classes
}
