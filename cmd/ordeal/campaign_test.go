package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/results"
)

// What cannot be kept is a failure of its own, and what was found is told all the same.
func TestWhatCannotBeKeptIsTold(t *testing.T) {
	root := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(root, nil, 0o644))
	report := harness.CampaignReport{Groups: []harness.CampaignGroup{
		{Class: "stale read", Verdict: results.Violation, Plan: plan.Swarm(1, ""), What: "k0 is stale",
			Trace: results.Trace{Events: 1, Hash: "1"}},
		{Class: "a plan", Verdict: results.Harness, What: "it could not be run"},
	}}
	kept, failures := keepGroups(t.Context(), report, root)
	require.Empty(t, kept)
	require.Len(t, failures, 1)
	require.Equal(t, results.Harness, failures[0].Verdict)
	require.Contains(t, failures[0].What, "cannot be kept")
	var text bytes.Buffer
	writeCampaign(&text, report, kept, true)
	require.Contains(t, text.String(), "k0 is stale")
	require.Contains(t, text.String(), "not kept")

	// Another run than the one that was found is not kept in its place.
	kept, failures = keepGroups(t.Context(), report, t.TempDir())
	require.Empty(t, kept)
	require.Contains(t, failures[0].What, "is not the same the second time")
}

// What Ordeal failed at is no detection, and makes no matrix good.
func TestFailuresMakeNoMatrixGood(t *testing.T) {
	for _, c := range []struct {
		cell harness.MatrixCell
		want results.Verdict
	}{
		{harness.MatrixCell{Bug: "livelock", Seeds: 2, Found: 2}, results.Pass},
		{harness.MatrixCell{Bug: "livelock", Seeds: 2, Found: 1}, results.Inconclusive},
		{harness.MatrixCell{Seeds: 2, Found: 1}, results.Violation},
		{harness.MatrixCell{Bug: "livelock", Seeds: 2, Found: 2, Worst: results.Harness,
			Others: map[string]int{"harness: the loop": 1}}, results.Harness},
		{harness.MatrixCell{Seeds: 2, Worst: results.Inconclusive,
			Others: map[string]int{"inconclusive: not recovered": 1}}, results.Inconclusive},
	} {
		err := verdictOfMatrix([]harness.MatrixCell{c.cell})
		if c.want == results.Pass {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, verdictError(c.want), err, "%+v", c.cell)
	}
}
