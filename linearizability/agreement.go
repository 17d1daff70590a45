package linearizability

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ordeal/history"
)

// A DecisionReport is what CheckDecision found out.
type DecisionReport struct {
	// Verdict is Legal or Illegal; Unknown where not all keys were looked at and nothing was found.
	Verdict Verdict `json:"verdict"`
	Keys    int     `json:"keys"`
	// Told and Learned are how many proposals and learners told of a decision.
	Told    int `json:"told"`
	Learned int `json:"learned"`
	// Violations are at most one of each property and key, and 1,000 in all; Unlisted counts what
	// was found beyond that.
	Violations []Explanation `json:"violations,omitempty"`
	Unlisted   int           `json:"unlisted,omitempty"`
}

// decisionsListedMax is how many violations a report lists.
const decisionsListedMax = 1000

// Add adds what was found out about other keys of the same history.
func (r *DecisionReport) Add(other DecisionReport) {
	r.Keys, r.Told, r.Learned = r.Keys+other.Keys, r.Told+other.Told, r.Learned+other.Learned
	if other.Verdict == Illegal || r.Verdict == "" {
		r.Verdict = other.Verdict
	}
	fits := min(len(other.Violations), decisionsListedMax-len(r.Violations))
	r.Violations = append(r.Violations, other.Violations[:fits]...)
	r.Unlisted += other.Unlisted + len(other.Violations) - fits
}

// CheckDecision judges what was said about the decisions of single-decree consensus (Lamport,
// Paxos Made Simple, section 1), by proposers and by the learners of all nodes:
//
//   - agreement: all decisions of a key that anybody was told of are equal;
//   - validity: a decision was proposed on its key, by an operation that was called before
//     anybody was told of it and that did not certainly fail;
//   - stability: once a node's learner has learned, it goes on knowing. Learned and later nothing
//     is allowed only across a restart of the node in between, which events tell of: a fault on
//     the node of a kind that ends processes, or a mark that it ended unasked.
//
// Learners may know nothing yet, so this is not linearizability; Check with Decision judges the
// proposals by that as well. The events may be the whole record. Errors wrap ErrInvalid.
func CheckDecision(
	ops []history.Operation, events []history.Event,
) (DecisionReport, error) {
	var bounded DecisionReport
	report, err := checkDecision(ops, events)
	bounded.Add(report)
	return bounded, err
}

func checkDecision(
	ops []history.Operation, events []history.Event,
) (DecisionReport, error) {
	if err := validate(Decision(), ops); err != nil {
		return DecisionReport{}, fmt.Errorf("check the decisions: %w", err)
	}
	report := DecisionReport{Verdict: Legal}
	keys := map[string]*decisionKey{}
	for i := range ops {
		k := keys[ops[i].Key]
		if k == nil {
			k = &decisionKey{}
			keys[ops[i].Key] = k
		}
		report.count(k.add(&ops[i]))
	}
	report.Keys = len(keys)
	restarts := restartsOf(events)
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		k := keys[name]
		for _, find := range []func() (finding, bool){
			k.agreement, k.validity,
			func() (finding, bool) { return k.stability(restarts) },
		} {
			if f, found := find(); found {
				report.Verdict = Illegal
				report.Violations = append(report.Violations, f.explanation(name, k.all))
			}
		}
	}
	return report, nil
}

func (r *DecisionReport) count(op *history.Operation) {
	switch {
	case op.Outcome != history.OK || !op.Returned.IsSet():
	case op.Kind == history.Propose:
		r.Told++
	default:
		r.Learned++
	}
}

// A decisionKey is what was said about one key.
type decisionKey struct {
	all []*history.Operation
	// told are the operations that told of a decision, and learned the learners' answers, those
	// that knew nothing too.
	told, learned []*history.Operation
}

func (k *decisionKey) add(op *history.Operation) *history.Operation {
	k.all = append(k.all, op)
	if op.Outcome == history.OK && (op.Kind == history.Propose || op.Returned.IsSet()) {
		k.told = append(k.told, op)
	}
	if op.Outcome == history.OK && op.Kind == history.Learn {
		k.learned = append(k.learned, op)
	}
	return op
}

// agreement compares all with the one that was told first.
func (k *decisionKey) agreement() (finding, bool) {
	slices.SortFunc(k.told, byReturn)
	var first *history.Operation
	for _, op := range k.told {
		switch {
		case !op.Returned.IsSet():
		case first == nil:
			first = op
		case op.Returned != first.Returned:
			f := finding{class: TwoWinners, guilty: answer(op), other: answer(first)}
			if first.Return < op.Call {
				f.class = DecisionChanged
			}
			return f, true
		}
	}
	return finding{}, false
}

// validity looks for the proposal of every decision.
func (k *decisionKey) validity() (finding, bool) {
	proposed := map[history.Value]*history.Operation{}
	for _, op := range k.all {
		if op.Kind != history.Propose || op.Outcome == history.Fail {
			continue
		}
		if first := proposed[op.Value]; first == nil || op.Call < first.Call {
			proposed[op.Value] = op
		}
	}
	slices.SortFunc(k.told, byReturn)
	for _, op := range k.told {
		first := proposed[op.Returned]
		guilty := answer(op)
		switch {
		case !op.Returned.IsSet():
			return finding{class: Contradiction, guilty: guilty}, true
		case first == nil:
			return finding{class: NeverWritten, guilty: guilty}, true
		case op.Return < first.Call:
			return finding{class: FromTheFuture, guilty: guilty, other: answer(first)}, true
		}
	}
	return finding{}, false
}

// stability looks for a learner that forgot. Of the answers that a node gave before one that
// knows nothing was asked for, the one that was asked for last leaves the least room for a
// restart.
func (k *decisionKey) stability(restarts map[string][]restart) (finding, bool) {
	askedFor := slices.SortedFunc(slices.Values(k.learned), byCall)
	answered := slices.SortedFunc(slices.Values(k.learned), byReturn)
	known := map[string]*history.Operation{}
	for _, op := range askedFor {
		for len(answered) > 0 && answered[0].Return < op.Call {
			before := answered[0]
			answered = answered[1:]
			last := known[before.Node]
			if before.Returned.IsSet() && (last == nil || last.Call < before.Call) {
				known[before.Node] = before
			}
		}
		before := known[op.Node]
		if op.Returned.IsSet() || before == nil {
			continue
		}
		between := func(r restart) bool { return r.from <= op.Return && r.to >= before.Call }
		if !slices.ContainsFunc(restarts[op.Node], between) {
			return finding{class: Forgotten, guilty: answer(op), other: answer(before)}, true
		}
	}
	return finding{}, false
}

// answer returns op as a call that tells what it was told.
func answer(op *history.Operation) *call {
	return &call{op: op, action: readAction, start: op.Call, end: op.Return}
}

func byReturn(a, b *history.Operation) int {
	return cmp.Or(cmp.Compare(a.Return, b.Return), cmp.Compare(a.ID, b.ID))
}

// explanation returns the finding as part of a report.
func (f finding) explanation(key string, all []*history.Operation) Explanation {
	e := Explanation{Key: key, Class: f.class, Sentence: f.sentence(all), Minimal: true}
	involved := []*history.Operation{f.guilty.op}
	if f.other != nil {
		involved = append(involved, f.other.op)
	}
	e.Operations = involveAll(involved...)
	return e
}

// A restart is when a node may have lost its memory, in indices of the record.
type restart struct {
	from, to int64
}

// harmless are the kinds of faults that leave a process as it is, with all that it knows. All
// others (kill, stop, wipe, crash, rot, broken-disk, and what may come) end it, as far as is known
// here: to excuse a learner that forgot without need misses a violation, and to accuse one that was
// restarted makes one up.
var harmless = []string{"partition", "pause", "packets", "slow-disk", "drift"}

// restartsOf returns the restarts of each node. A fault's is from when it was invoked until it
// was healed, or for good if it was not.
func restartsOf(events []history.Event) map[string][]restart {
	restarts := map[string][]restart{}
	began := map[string]history.Event{}
	end := func(begin history.Event, to int64) {
		for _, node := range begin.Fault.Nodes {
			restarts[node] = append(restarts[node], restart{from: begin.Index, to: to})
		}
	}
	for _, e := range events {
		switch {
		case e.Mark != nil &&
			(e.Mark.Name == history.MarkExit || e.Mark.Name == history.MarkKilled):
			restarts[e.Mark.Node] = append(restarts[e.Mark.Node], restart{e.Index, e.Index})
		case e.Fault == nil || slices.Contains(harmless, e.Fault.Kind):
		case e.Fault.Phase == history.Invoked:
			began[e.Fault.ID] = e
		case e.Fault.Phase == history.Skipped:
			delete(began, e.Fault.ID)
		case e.Fault.Phase == history.Healed:
			if begin, ok := began[e.Fault.ID]; ok {
				end(begin, e.Index)
				delete(began, e.Fault.ID)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(began)) {
		end(began[id], forever)
	}
	return restarts
}
