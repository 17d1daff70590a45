package paxos

// A Reader asks acceptors, without promising anything, what they accepted last. Where a majority of
// them reports the same ballot as the highest, that proposal is chosen, and it was the newest
// chosen one at some moment since the question: whatever was chosen before has an acceptor in
// common with this majority, and that one would have reported a ballot at least as high. So the
// read is done in one round trip. Otherwise the newest value must be completed first, by a ballot.
//
// Only reports with the Reader's own nonce count: an answer to an older question says nothing about
// what was chosen since. Promises are not compared: a promise chooses nothing.
type Reader struct {
	rules   *Rules
	nodes   int
	nonce   uint64
	votes   Votes
	reports []Proposal
}

// NewReader returns a reader for a question that no other has asked.
func NewReader(rules *Rules, nodes int, nonce uint64) Reader {
	return Reader{rules: rules, nodes: nodes, nonce: nonce}
}

// Report counts a Report and tells whether it completed a majority.
func (r *Reader) Report(m Message) bool {
	before := r.votes.Count()
	if m.Nonce != r.nonce || before >= r.rules.PromiseQuorum(r.nodes) {
		return false
	}
	votes := r.rules.Vote(r.votes, m.From)
	if votes == r.votes {
		return false
	}
	r.votes = votes
	if r.reports == nil {
		r.reports = make([]Proposal, 0, r.rules.PromiseQuorum(r.nodes))
	}
	r.reports = append(r.reports, m.Proposal)
	return r.votes.Count() >= r.rules.PromiseQuorum(r.nodes)
}

// Nonce returns what ties the reports that count to the question.
func (r *Reader) Nonce() uint64 { return r.nonce }

// Missing returns how many more acceptors must report.
func (r *Reader) Missing() int { return r.rules.PromiseQuorum(r.nodes) - r.votes.Count() }

// Result returns the newest proposal that was reported, and whether the read may return its state.
func (r *Reader) Result() (newest Proposal, confirmed bool) {
	newest = r.rules.Adopt(r.reports)
	return newest, r.rules.MayAnswerRead(r.reports, newest.Ballot, r.nodes)
}

// Request returns the query to an acceptor that has not answered it, and whether there is one.
func (r *Reader) Request(from, to NodeID, key Key) (Message, bool) {
	if r.votes.Has(to) {
		return Message{}, false
	}
	return Message{Kind: Query, From: from, To: to, Key: key, Nonce: r.nonce}, true
}
