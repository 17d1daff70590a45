package paxos

import "time"

// Rules are the decisions that the protocol's safety and progress rest on, one named function or
// switch each. Correct returns the right ones; a bug of the catalogue replaces one.
type Rules struct {
	// PromiseQuorum is how many acceptors of n must promise, or report, and AcceptQuorum how many
	// must accept. Any two quorums have an acceptor in common: that is what makes a later ballot
	// find what an earlier one chose (P2c).
	PromiseQuorum func(n int) int
	AcceptQuorum  func(n int) int
	// LearnQuorum is how many acceptors must have accepted one proposal before a learner calls it
	// chosen.
	LearnQuorum func(n int) int
	// Vote counts an acceptor's answer: once, however often it is repeated.
	Vote func(votes Votes, from NodeID) Votes

	// MayPromise: an acceptor promises a ballot that is not lower than what it promised before. An
	// equal one is the same question again.
	MayPromise func(a Acceptor, ballot Ballot) bool
	// MayAccept: "an acceptor can accept a proposal numbered n iff it has not responded to a
	// prepare request having a number greater than n" (P1a).
	MayAccept func(a Acceptor, ballot Ballot) bool
	// PromiseOnAccept is what an acceptor has promised once it accepted a ballot, with the
	// proposer's next one carried along: both, hence the higher.
	PromiseOnAccept func(a Acceptor, ballot, next Ballot) Ballot
	// DurablePromise: a promise is on disk before it is given.
	DurablePromise bool
	// DurableAccept: a proposal that was accepted is on disk, synced, before that is said. "An
	// acceptor records its intended response in stable storage before actually sending the
	// response" (2.5). One that is only written survives the end of its process and not that of its
	// machine: then the crash of one acceptor takes back what a majority had accepted, and a later
	// ballot does not find it.
	DurableAccept bool
	// MayTakePart: a node takes part only while it remembers, that is, while its disk holds what it
	// had promised and accepted. What was promised is never forgotten: "an acceptor must remember
	// this information even if it fails and then restarts" (2.2). One that does not is another
	// acceptor under the name of the first, and may be all that two quorums have in common.
	MayTakePart func(remembers bool) bool
	// DamageIsRefused: a log that is damaged where no crash can have torn it is not used, and its
	// node stays out. What stood there was synced and may have been said, so that it was promised
	// or accepted for good; an acceptor that goes on without it has forgotten a part, as one whose
	// disk was wiped has forgotten all (2.2).
	DamageIsRefused bool

	// Adopt picks, of the proposals that a quorum of promises reported, the one whose state must be
	// proposed: that of the highest-numbered one; the zero Proposal where there is none (P2c).
	Adopt func(reports []Proposal) Proposal
	// NextBallot makes the ballot after the highest round that was seen. No two nodes and no two
	// lives of a node can make the same.
	NextBallot func(highestRound uint64, self NodeID, boot uint64) Ballot
	// LearnRound takes over a round that a message named, so that the next ballot is higher.
	LearnRound func(highestRound, named uint64) uint64
	// Backoff is how long a proposer that was refused waits: a random share of a limit that
	// doubles, so that of two duelling proposers one gets through. random(n) is uniform in [0, n).
	Backoff func(attempt int, limit, most time.Duration, random func(n int64) int64) time.Duration

	// MayAnswerRead: a read may be answered from the reports of a quorum, asked after it began,
	// when the newest proposal among them is chosen: a quorum reports it.
	MayAnswerRead func(reports []Proposal, newest Ballot, n int) bool
	// MayAnswerCondition is the same for a compare-and-set whose condition failed: what it saw is a
	// read.
	MayAnswerCondition func(reports []Proposal, newest Ballot, n int) bool
	// ReadLocally: the default read is answered from this node's own acceptor. Never right.
	ReadLocally bool

	// IsApplied tells whether an operation is already part of a recovered state: then an earlier
	// ballot of it got through, and it must not be applied again.
	IsApplied func(s State, stamp Stamp) bool
	// IsNotApplied tells whether an operation that ran out of time certainly has no effect: when no
	// acceptor was ever asked to accept it, or a higher ballot without it was chosen since.
	IsNotApplied func(maybeAccepted bool) bool
	// KeepSpentPromise: a promise that came with the acceptance before is kept after a proposal was
	// made under it. Never right: one ballot, one value.
	KeepSpentPromise bool
	// MayLearnAgain: a learner takes another value for one that it has learned. Never right.
	MayLearnAgain bool
}

// Correct returns the rules of the protocol.
func Correct() Rules {
	return Rules{
		PromiseQuorum:      majority,
		AcceptQuorum:       majority,
		LearnQuorum:        majority,
		Vote:               voteOnce,
		MayPromise:         func(a Acceptor, b Ballot) bool { return !b.Less(a.Promised) },
		MayAccept:          func(a Acceptor, b Ballot) bool { return !b.Less(a.Promised) },
		PromiseOnAccept:    promiseHigher,
		DurablePromise:     true,
		DurableAccept:      true,
		MayTakePart:        func(remembers bool) bool { return remembers },
		DamageIsRefused:    true,
		Adopt:              adoptHighest,
		NextBallot:         nextOwn,
		LearnRound:         func(highest, named uint64) uint64 { return max(highest, named) },
		Backoff:            jitteredBackoff,
		MayAnswerRead:      quorumReports,
		MayAnswerCondition: quorumReports,
		IsApplied:          State.Has,
		IsNotApplied:       func(maybeAccepted bool) bool { return !maybeAccepted },
	}
}

func majority(n int) int { return n/2 + 1 }

func voteOnce(votes Votes, from NodeID) Votes {
	if votes.Has(from) {
		return votes
	}
	return votes.add(from)
}

func promiseHigher(a Acceptor, ballot, next Ballot) Ballot {
	return MaxBallot(a.Promised, MaxBallot(ballot, next))
}

func adoptHighest(reports []Proposal) Proposal {
	var highest Proposal
	for _, report := range reports {
		if highest.Ballot.Less(report.Ballot) {
			highest = report
		}
	}
	return highest
}

func nextOwn(highestRound uint64, self NodeID, boot uint64) Ballot {
	return Ballot{Round: highestRound + 1, Node: self, Boot: boot}
}

func quorumReports(reports []Proposal, newest Ballot, n int) bool {
	same := 0
	for _, report := range reports {
		if report.Ballot == newest {
			same++
		}
	}
	return same >= majority(n)
}

// jitteredBackoff waits between nothing and a limit that doubles with each attempt, up to most
// ("full jitter").
func jitteredBackoff(
	attempt int, limit, most time.Duration, random func(int64) int64,
) time.Duration {
	for ; attempt > 1 && limit < most; attempt-- {
		limit *= 2
	}
	return time.Duration(random(int64(min(limit, most)) + 1))
}
