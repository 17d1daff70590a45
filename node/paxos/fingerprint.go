package paxos

import (
	"encoding/binary"
	"maps"
	"slices"
)

// The AppendState methods append an encoding of all that a role holds, but for its rules and the
// number of nodes, which do not change. Two of one kind, under the same rules, with the same
// encoding do the same from then on, whatever they are told. It is for telling states apart that a
// search has been in, and not for reading back.

// AppendState appends an encoding of what the proposer holds.
func (p *Proposer) AppendState(buffer []byte) []byte {
	buffer = append(buffer, byte(p.stage))
	buffer = appendBallot(buffer, p.ballot)
	buffer = p.promises.appendState(buffer)
	buffer = appendProposals(buffer, p.reports)
	buffer = appendProposal(buffer, Proposal{State: p.proposed})
	buffer = appendBallot(buffer, p.next)
	buffer = p.accepts.appendState(buffer)
	return p.nexts.appendState(buffer)
}

// AppendState appends an encoding of what the reader holds.
func (r *Reader) AppendState(buffer []byte) []byte {
	buffer = binary.AppendUvarint(buffer, r.nonce)
	buffer = r.votes.appendState(buffer)
	return appendProposals(buffer, r.reports)
}

// AppendState appends an encoding of what the learner holds.
func (l *Learner) AppendState(buffer []byte) []byte {
	buffer = appendProposal(append(buffer, bit(l.known)), Proposal{State: l.learned})
	buffer = binary.AppendUvarint(buffer, uint64(len(l.votes)))
	for _, ballot := range slices.SortedFunc(maps.Keys(l.votes), Ballot.Compare) {
		buffer = l.votes[ballot].appendState(appendBallot(buffer, ballot))
	}
	return buffer
}

func (v Votes) appendState(buffer []byte) []byte {
	buffer = binary.AppendUvarint(buffer, uint64(v.voters))
	return binary.AppendUvarint(buffer, uint64(v.count))
}

// appendProposals keeps the order: a planted bug may depend on it.
func appendProposals(buffer []byte, proposals []Proposal) []byte {
	buffer = binary.AppendUvarint(buffer, uint64(len(proposals)))
	for _, p := range proposals {
		buffer = appendProposal(buffer, p)
	}
	return buffer
}

// AppendChange appends an encoding of a change.
func AppendChange(buffer []byte, c Change) []byte {
	buffer = append(buffer, byte(c.Kind), bit(c.ExpectNothing))
	return appendBytes(appendBytes(buffer, c.Content), c.Expected)
}

// AppendStamp appends an encoding of a stamp.
func AppendStamp(buffer []byte, s Stamp) []byte {
	buffer = binary.AppendUvarint(buffer, uint64(s.Node))
	return binary.AppendUvarint(binary.AppendUvarint(buffer, s.Boot), s.Sequence)
}

// AppendProposal appends an encoding of a proposal.
func AppendProposal(buffer []byte, p Proposal) []byte { return appendProposal(buffer, p) }

// AppendResult appends an encoding of a result.
func AppendResult(buffer []byte, r Result) []byte {
	return appendBytes(append(buffer, bit(r.Present), bit(r.Swapped)), r.Content)
}

func bit(on bool) byte {
	if on {
		return 1
	}
	return 0
}
