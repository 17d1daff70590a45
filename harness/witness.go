package harness

import (
	"fmt"
	"iter"
	"time"

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

// stuckMax is how long a healed cluster may take until one operation of a proof succeeds: many
// times the longest back-off of a node, and the time-outs between them.
const stuckMax = 10 * time.Second

// unrecovered is the verdict for a healed cluster that does not serve again within its time, and
// its class. Where time is virtual nothing else can have kept it busy: that a node makes no
// progress for long is its own mistake. One that does, and has not come to the end, is slow.
func unrecovered(run *results.Run) (results.Verdict, string) {
	if run.Trace != nil && run.Plan.DataLoss == "" && run.Recovery.Stuck >= stuckMax {
		return results.Violation, classProgress
	}
	return results.Inconclusive, classUnrecovered
}

// notRecovered is the finding of a healed cluster that does not serve again.
func notRecovered(run *results.Run) results.Finding {
	verdict, class := unrecovered(run)
	within := ""
	if run.Recovery.Duration > 0 {
		within = fmt.Sprintf(" within %v", run.Plan.Recovery)
	}
	stuck := ""
	if verdict == results.Violation {
		stuck = fmt.Sprintf(" (no progress for %s)", seconds(run.Recovery.Stuck))
	}
	return results.Finding{Verdict: verdict, Class: class, What: fmt.Sprintf(
		"the cluster did not recover%s%s: %s", within, stuck, run.Recovery.Missing)}
}
