package linearizability

import (
	"slices"

	"ordeal/history"
)

// explain makes the violation on a key one that a person can follow. The operations are illegal.
func explain(key string, ops []*history.Operation, judge judge) Explanation {
	s := shrink(ops, judge)
	small, whole := prepare(s.ops), prepare(ops)
	e := Explanation{
		Key:       key,
		Confirmed: judge(s.ops, false) == Illegal,
		Minimal:   !s.unsure,
	}
	found := classify(small.calls, whole.calls)
	e.Class, e.Sentence = found.class, found.sentence(ops)
	recorded := map[int64]*history.Operation{}
	for _, op := range ops {
		recorded[op.ID] = op
	}
	for _, op := range s.ops {
		in := involve(recorded[op.ID])
		in.Open = op.Return == history.NoReturn && recorded[op.ID].Return != history.NoReturn
		in.Detached = s.detached[op.ID]
		e.Operations = append(e.Operations, in)
	}
	return e
}

// involve returns op as part of an explanation.
func involve(op *history.Operation) Involved {
	return Involved{
		Operation: *op, Call: op.Call, Return: op.Return,
		CallTime: op.CallTime, ReturnTime: op.ReturnTime, Text: describe(op),
	}
}

// involveAll returns ops in the order of their calls.
func involveAll(ops ...*history.Operation) []Involved {
	slices.SortFunc(ops, byCall)
	ops = slices.Compact(ops)
	all := make([]Involved, len(ops))
	for i, op := range ops {
		all[i] = involve(op)
	}
	return all
}
