package harness

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/linearizability"
	"ordeal/results"
)

// A key without a verdict is named, with why and with what is known of it all the same; one on
// which the checkers disagree is a failure of Ordeal's own.
func TestKeysWithoutAVerdictAreFindings(t *testing.T) {
	report := linearizability.Report{Keys: []linearizability.KeyReport{
		{Key: "a", Verdict: linearizability.Legal},
		{Key: "b", Verdict: linearizability.Disputed, Operations: 3, Reason: "two say two things"},
		{Key: "c", Verdict: linearizability.Unknown, Operations: 900, Reason: "out of time",
			LegalPrefix: 256},
	}, Counts: linearizability.KeyCounts{Legal: 1, Disputed: 1, Unknown: 1}}
	found := undecidedKeys(report)
	require.Len(t, found, 2)
	require.Equal(t, results.Finding{
		Verdict: results.Harness,
		What:    "the check of b (3 operations) contradicts itself: two say two things",
	}, found[0])
	require.Equal(t, results.Inconclusive, found[1].Verdict)
	require.Equal(t, "the check has no answer for c (900 operations): out of time", found[1].What)
	require.Equal(t, []string{
		"values were written more than once, so only a search can tell",
		"no answer is impossible by itself", "the 256 operations that ended first are legal",
	}, found[1].Detail)
}

// What is not listed is counted all the same, and decides the verdict.
func TestKeysThatAreNotListedAreFindings(t *testing.T) {
	report := linearizability.Report{
		Keys: []linearizability.KeyReport{
			{Key: "a", Verdict: linearizability.Illegal}, {Key: "b", Verdict: linearizability.Illegal},
			{Key: "c", Verdict: linearizability.Unknown, Reason: "out of time"},
		},
		Violations: []linearizability.Explanation{{Key: "a"}},
		Counts:     linearizability.KeyCounts{Illegal: 5, Unknown: 4, Disputed: 2},
	}
	found := append(illegalKeys(report), undecidedKeys(report)...)
	found = append(found, illegalDecisions(linearizability.DecisionReport{Unlisted: 7})...)
	require.Equal(t, []results.Verdict{
		results.Violation, results.Violation, results.Inconclusive, results.Inconclusive,
		results.Harness, results.Violation,
	}, []results.Verdict{
		found[0].Verdict, found[1].Verdict, found[2].Verdict, found[3].Verdict, found[4].Verdict,
		found[5].Verdict,
	})
	require.Equal(t, "4 more keys are not linearizable: b, …", found[1].What)
	require.Equal(t, "the check has no answer for 3 more keys: they are not listed, or it ended "+
		"before their turn", found[3].What)
	require.Equal(t, "the check of 2 more keys contradicts itself", found[4].What)
	require.Equal(t, "7 more violations of decisions", found[5].What)
}
