package workloads

import (
	"strconv"

	"ordeal/history"
)

// The mix of the decision workload's operations, in percent; the rest are proposals for old keys.
const (
	decisionProposals = 35
	decisionLearns    = 40
	decisionLateAsks  = 17
)

// recentDecisions is how many retired keys of each place every learner is asked for at the end.
const recentDecisions = 4

// decision is the workload of single decisions: on each key a few clients propose values, each its
// own, and the learners of their nodes are asked what was chosen, before, while and after that is
// decided. One operation in four goes back to an old key, mostly one retired not long ago and now
// and then a very old one: its learners must still say the same (17 percent of all), and so must
// whoever proposes something else (8 percent). Besides, when a key was replaced the learner of each
// node is asked for it.
type decision struct {
	clients
	*places
	// proposed counts the values that were handed out, in the whole run.
	proposed int
}

func newDecision(o Options) *decision {
	return &decision{
		clients: newClients("decision", o),
		places:  newPlaces("d", o),
	}
}

func (*decision) Name() string  { return "decision" }
func (*decision) Model() string { return "decision" }

func (*decision) Kinds() []history.Kind {
	return []history.Kind{history.Propose, history.Learn}
}

// Next draws four numbers for every operation but a parting one, so that the client's own ones do
// not depend on how many keys are retired, or when.
func (w *decision) Next(client int) (history.Operation, bool) {
	if !w.has(client) {
		return history.Operation{}, false
	}
	if key, parting := w.partings.next(client); parting {
		return history.Operation{
			Client: client, Node: w.node(client), Kind: history.Learn, Key: key,
		}, true
	}
	r := w.streams[client]
	place, kind := r.IntN(len(w.retired)), r.IntN(100)
	ago := 1 + r.IntN(1<<r.IntN(10)) // from 1 to 512, half of them at most 9
	operation := history.Operation{Client: client, Node: w.node(client), Kind: history.Learn}
	switch {
	case kind < decisionProposals:
		operation.Kind = history.Propose
		operation.Key, _ = w.use(place)
	case kind < decisionProposals+decisionLearns:
		operation.Key, _ = w.use(place)
	case kind < decisionProposals+decisionLearns+decisionLateAsks:
		operation.Key = w.old(place, ago)
	default:
		operation.Kind = history.Propose
		operation.Key = w.old(place, ago)
	}
	if operation.Kind == history.Propose {
		operation.Value = w.next()
	}
	return operation, true
}

// old returns the key that stood at a place so many keys ago, or the first one if there were less.
func (w *decision) old(place, ago int) string {
	return w.key(place, min(ago, w.retired[place]))
}

// Completed does nothing: no operation depends on what was decided.
func (*decision) Completed(history.Operation) {}

// Recovery proposes a value for every live key through the node, which must answer with what was
// chosen, and asks the node's learner.
func (w *decision) Recovery(node string) []history.Operation {
	var operations []history.Operation
	for place := range w.retired {
		key := w.key(place, 0)
		operations = append(operations,
			history.Operation{Node: node, Kind: history.Propose, Key: key, Value: w.next()},
			history.Operation{Node: node, Kind: history.Learn, Key: key})
	}
	return operations
}

// FinalReads proposes a value for each live key at every node, which reads the decision where there
// is one, and asks every learner for it; then it asks every learner for the decisions that were
// made shortly before, and one learner for each of the others.
func (w *decision) FinalReads(nodes []string) *FinalReads {
	return newFinalReads(w.places, nodes, finalPlan{
		live:    []history.Kind{history.Propose, history.Learn},
		retired: history.Learn,
		recent:  recentDecisions,
		value:   w.next,
	})
}

// next returns a value that was never proposed in this run.
func (w *decision) next() history.Value {
	w.proposed++
	return history.NewValue(strconv.Itoa(w.proposed))
}
