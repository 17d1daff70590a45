package harness

import (
	"iter"

	"ordeal/results"
)

// A Witness is an environment in which time is virtual and everything can be seen. What it adds to
// an Environment is asked for when the run is over.
type Witness interface {
	// Violations returns what was seen of the nodes that no correct system does, whether or not a
	// client could have noticed: its class, and a sentence that names the node and the time.
	Violations() iter.Seq2[string, string]
	// Trace returns how many events there were, and a hash of them, of their order and times. Equal
	// hashes are equal runs.
	Trace() (events uint64, hash string)
}

// testify puts what the environment has seen into the record.
func testify(run *results.Run, env Environment) {
	witness, ok := env.(Witness)
	if !ok {
		return
	}
	events, hash := witness.Trace()
	run.Trace = &results.Trace{Events: events, Hash: hash}
	for class, what := range witness.Violations() {
		run.Find(results.Finding{Verdict: results.Violation, Class: class, What: what})
	}
}

// unrecovered is the verdict for a healed cluster that does not serve again within its time. Where
// time is virtual nothing else can have kept it busy: that it makes no progress is its own mistake.
func unrecovered(run *results.Run) results.Verdict {
	if run.Trace != nil && run.Plan.DataLoss == "" {
		return results.Violation
	}
	return results.Inconclusive
}
