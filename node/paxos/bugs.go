package paxos

import (
	"fmt"
	"strings"
	"time"
)

// A Bug is a mistake that people really made, planted by replacing one rule. It exists so that the
// harness can be tested: a harness that does not find it finds nothing.
type Bug struct {
	// Name is what a node is started with to have it.
	Name string
	// Mistake says in a line what is wrong.
	Mistake string
	// SeenIn names where it happened.
	SeenIn string
	plant  func(*Rules)
}

// Bugs returns the catalogue, in the order of the protocol.
func Bugs() []Bug { return append(append(acceptorBugs(), proposerBugs()...), answerBugs()...) }

// BugNamed returns the rules with the named bug planted, the correct ones for no name.
func BugNamed(name string) (Rules, error) {
	rules := Correct()
	if name == "" {
		return rules, nil
	}
	var names []string
	for _, bug := range Bugs() {
		if bug.Name == name {
			bug.plant(&rules)
			return rules, nil
		}
		names = append(names, bug.Name)
	}
	return Rules{}, fmt.Errorf("unknown bug %q (there are: %s)", name, strings.Join(names, ", "))
}

func acceptorBugs() []Bug {
	return []Bug{{
		Name:    "accept-below-promise",
		Mistake: "an acceptor compares an accept with what it accepted, not with what it promised",
		SeenIn:  "the acceptor's invariant (P1a) itself",
		plant: func(r *Rules) {
			r.MayAccept = func(a Acceptor, b Ballot) bool { return !b.Less(a.Accepted.Ballot) }
		},
	}, {
		Name:    "accept-unchecked",
		Mistake: "an acceptor compares an accept with nothing",
		SeenIn:  "the acceptor's invariant (P1a) itself",
		plant: func(r *Rules) {
			r.MayAccept = func(Acceptor, Ballot) bool { return true }
		},
	}, {
		Name:    "accept-keeps-old-promise",
		Mistake: "accepting a proposal does not raise the promise to its ballot",
		SeenIn:  "scylladb#6139",
		plant: func(r *Rules) {
			r.PromiseOnAccept = func(a Acceptor, _, _ Ballot) Ballot { return a.Promised }
		},
	}, {
		Name:    "forget-promise",
		Mistake: "a promise is never written to disk",
		SeenIn:  "Paxos Made Live, 2007; akka-raft#56",
		plant:   func(r *Rules) { r.DurablePromise = false },
	}, {
		Name:    "forget-accepted",
		Mistake: "an accepted proposal is written to disk and not synced before it is answered",
		SeenIn:  "etcd#14140",
		plant:   func(r *Rules) { r.DurableAccept = false },
	}, {
		Name:    "amnesia",
		Mistake: "a node whose disk was wiped takes part again under the same identity",
		SeenIn:  "palantir/atlasdb#1504",
		plant:   func(r *Rules) { r.MayTakePart = func(bool) bool { return true } },
	}, {
		Name:    "damage-is-end",
		Mistake: "damage in the middle of the log is taken for its end",
		SeenIn:  "pebble#453; Alagappan and others, FAST 2018",
		plant:   func(r *Rules) { r.DamageIsRefused = false },
	}, {
		Name:    "learn-from-minority",
		Mistake: "a learner learns what fewer than a majority accepted",
		SeenIn:  "the learner's definition itself",
		plant:   func(r *Rules) { r.LearnQuorum = func(int) int { return 1 } },
	}, {
		Name:    "redecide",
		Mistake: "a learner replaces what it learned by a later acceptance",
		SeenIn:  "the stability of a decision itself",
		plant: func(r *Rules) {
			r.MayLearnAgain = true
			r.LearnQuorum = func(int) int { return 1 }
		},
	}}
}

func proposerBugs() []Bug {
	return []Bug{{
		Name:    "ignore-accepted",
		Mistake: "the proposer ignores the accepted proposals that promises report (P2c)",
		SeenIn:  "CASSANDRA-6012",
		plant:   func(r *Rules) { r.Adopt = func([]Proposal) Proposal { return Proposal{} } },
	}, {
		Name:    "adopt-any-value",
		Mistake: "the proposer adopts some accepted value, not that of the highest ballot",
		SeenIn:  "CrystalBall, NSDI 2009",
		plant:   func(r *Rules) { r.Adopt = adoptFirst },
	}, {
		Name:    "shared-ballots",
		Mistake: "two nodes can use the same ballot: it lacks the node's identity",
		SeenIn:  "CrystalBall, NSDI 2009",
		plant: func(r *Rules) {
			r.NextBallot = func(round uint64, _ NodeID, _ uint64) Ballot {
				return Ballot{Round: round + 1, Node: 1, Boot: 1}
			}
		},
	}, {
		Name:    "small-quorum",
		Mistake: "a minority of acceptances counts as chosen",
		SeenIn:  "denizalti/paxosmmc#11",
		plant:   func(r *Rules) { r.AcceptQuorum = func(n int) int { return n / 2 } },
	}, {
		Name:    "half-quorum",
		Mistake: "(n+1)/2 for n/2+1: right for odd numbers of nodes, wrong for even ones",
		SeenIn:  "bigeasy/paxos#37",
		plant: func(r *Rules) {
			half := func(n int) int { return (n + 1) / 2 }
			r.PromiseQuorum, r.AcceptQuorum, r.LearnQuorum = half, half, half
		},
	}, {
		Name:    "count-duplicates",
		Mistake: "a repeated answer of one acceptor counts twice",
		SeenIn:  "jjzhang/booth#47",
		plant:   func(r *Rules) { r.Vote = Votes.add },
	}, {
		Name:    "stale-ballot-cache",
		Mistake: "the promise of the one-round-trip write is used again after an unknown outcome",
		SeenIn:  "gryadka, in JavaScript",
		plant:   func(r *Rules) { r.KeepSpentPromise = true },
	}, {
		Name:    "livelock",
		Mistake: "no jitter, and no jump to the ballot that a refusal names",
		SeenIn:  "TigerBeetle, 2023-07-06",
		plant: func(r *Rules) {
			r.LearnRound = func(highest, _ uint64) uint64 { return highest }
			r.Backoff = func(_ int, limit, _ time.Duration, _ func(int64) int64) time.Duration {
				return limit
			}
		},
	}}
}

func answerBugs() []Bug {
	always := func([]Proposal, Ballot, int) bool { return true }
	return []Bug{{
		Name:    "local-read",
		Mistake: "the default read is served from one node",
		SeenIn:  "etcd#741; Consul's default mode",
		plant:   func(r *Rules) { r.ReadLocally = true },
	}, {
		Name:    "read-without-write-back",
		Mistake: "a quorum read returns the highest value though no majority has it",
		SeenIn:  "CASSANDRA-12126",
		plant:   func(r *Rules) { r.MayAnswerRead = always },
	}, {
		Name:    "failed-cas-without-write-back",
		Mistake: "a compare-and-set reports the value that failed it though no majority has it",
		SeenIn:  "scylladb#6299",
		plant:   func(r *Rules) { r.MayAnswerCondition = always },
	}, {
		Name:    "blind-retry",
		Mistake: "an operation of unknown outcome is applied again",
		SeenIn:  "Jepsen on jetcd 0.8.2",
		plant:   func(r *Rules) { r.IsApplied = func(State, Stamp) bool { return false } },
	}, {
		Name:    "unknown-as-failed",
		Mistake: "a node answers \"not applied\" after an accept of unknown outcome",
		SeenIn:  "jepsen#596, in a client",
		plant:   func(r *Rules) { r.IsNotApplied = func(bool) bool { return true } },
	}}
}

// adoptFirst takes the first report that is not empty, whatever its ballot.
func adoptFirst(reports []Proposal) Proposal {
	for _, report := range reports {
		if !report.Ballot.IsZero() {
			return report
		}
	}
	return Proposal{}
}
