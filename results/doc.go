// Package results is what a run leaves behind: the record of it, and the directory that the record,
// the history, the schedule and the logs are kept in.
//
//	results/runs/
//	  latest -> 20261123-153012-7f3a
//	  20261123-153012-7f3a/
//	    run.json        the record: plan, verdict and why, counts, faults, recovery, check
//	    history.jsonl   every operation and fault, as it happened
//	    schedule.yaml   the scenario with resolved faults: what to pass to --scenario
//	    logs/           n1.log … and ordeal.log
//	    KEY.html        porcupine's pages of the first keys that violate
//	    sequence.svg    of a simulated run that violates: the sequence diagram of the first key that
//	    sequence.txt    does, as a picture and as text
//
// The directory is there from the start of a run, and the history grows as things happen, so that
// nothing is lost when a run is killed. run.json says "unfinished" until the run is over.
package results
