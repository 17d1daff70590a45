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
	}}
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
