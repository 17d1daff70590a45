package linearizability

import (
	"slices"
	"time"

	"ordeal/history"
)

// explain makes the violation on an illegal key one that a person can follow.
func (j *job) explain(judge judge) Explanation {
	s := j.shrink(judge)
	e := Explanation{
		Key:       j.key,
		Confirmed: judge(s.ops, false) == Illegal,
		Minimal:   !s.unsure,
	}
	found := classify(prepare(s.ops).calls, j.prepared.calls)
	e.Class, e.Sentence = found.class, found.sentence(j.ops)
	recorded := map[int64]*history.Operation{}
	for _, op := range s.ops {
		recorded[op.ID] = op
	}
	for _, op := range j.ops {
		if recorded[op.ID] != nil {
			recorded[op.ID] = op
		}
	}
	for _, op := range s.ops {
		in := involve(recorded[op.ID])
		in.Open = op.Return == history.NoReturn && recorded[op.ID].Return != history.NoReturn
		in.Detached = s.detached[op.ID]
		e.Operations = append(e.Operations, in)
	}
	return e
}

// explain explains one of the violations that are still to be explained, here or in a child.
func (s *schedule) explain(j *job, remaining int) Explanation {
	if !j.inChild {
		return j.explain(s.explainer(remaining))
	}
	request := newChildRequest(j.ops, time.Until(s.explained)/time.Duration(remaining),
		int64(s.guard.allowance))
	request.Explain = true
	answer, err := s.ask(request)
	if err != nil {
		found := finding{class: NotOrdered}
		return Explanation{Key: j.key, Class: found.class, Sentence: found.sentence(j.ops)}
	}
	s.guard.saw(answer.Peak)
	return answer.Explanation
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
