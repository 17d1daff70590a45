package paxos

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/node/fields"
)

// The encoding of a role's state has every field in it but what does not change.
func TestTheEncodingOfAStateHasAllOfIt(t *testing.T) {
	rules := Correct()
	votes := Votes{}.add(1)
	state := State{Present: true, Content: []byte("v"), Applied: []Stamp{{1, 1, 1}}}
	reports := []Proposal{{ballot(1), state}}
	p := Proposer{
		rules: &rules, nodes: 3, stage: Accepting, ballot: ballot(2), promises: votes,
		reports: reports, proposed: state, next: ballot(3), accepts: votes, nexts: votes,
	}
	requireAll(t, &p, p.AppendState)
	r := Reader{rules: &rules, nodes: 3, nonce: 1, votes: votes, reports: reports}
	requireAll(t, &r, r.AppendState)
	l := Learner{known: true, learned: state, votes: map[Ballot]Votes{ballot(1): votes}}
	requireAll(t, &l, l.AppendState)
	c := Change{Kind: ChangeWrite, Content: []byte("v"), Expected: []byte("w")}
	requireAll(t, &c, func(b []byte) []byte { return AppendChange(b, c) })
	s := Stamp{1, 1, 1}
	requireAll(t, &s, func(b []byte) []byte { return AppendStamp(b, s) })
	result := Result{Content: []byte("v")}
	requireAll(t, &result, func(b []byte) []byte { return AppendResult(b, result) })
	proposal := reports[0]
	requireAll(t, &proposal, func(b []byte) []byte { return AppendProposal(b, proposal) })
}

func requireAll(t *testing.T, pointer any, encode func([]byte) []byte) {
	t.Helper()
	before, changes := string(encode(nil)), 0
	left := func(path string) bool {
		return strings.HasSuffix(path, ".rules") || strings.HasSuffix(path, ".nodes")
	}
	fields.Each(pointer, left, func(path string) {
		require.NotEqual(t, before, string(encode(nil)), "%T%s is not in it", pointer, path)
		changes++
	})
	require.Equal(t, before, string(encode(nil)))
	require.Greater(t, changes, 2)
}

// What a proposer and a reader wait for grows less with each answer that counts.
func TestHowManyAnswersAreMissing(t *testing.T) {
	s := newSynod(3)
	p := NewProposer(&s.rules, 3)
	require.Zero(t, p.Missing())
	p.Prepare(ballot(1))
	require.Equal(t, 2, p.Missing())
	p.Promise(s.prepare(1, ballot(1)))
	require.Equal(t, 1, p.Missing())
	p.Promise(s.prepare(2, ballot(1)))
	require.Zero(t, p.Missing())
	p.Propose(value("v"), Ballot{})
	require.Equal(t, 2, p.Missing())

	r := NewReader(&s.rules, 3, 7)
	require.Equal(t, uint64(7), r.Nonce())
	require.Equal(t, 2, r.Missing())
	r.Report(Message{Kind: Report, From: 1, Nonce: 7})
	require.Equal(t, 1, r.Missing())
}
