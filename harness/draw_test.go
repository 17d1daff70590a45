package harness

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/results"
)

func TestARunThatViolatesIsDrawn(t *testing.T) {
	directory, err := results.Create(t.TempDir(), "run")
	require.NoError(t, err)
	drawn := 0
	test := Test{Directory: directory, Log: silent, Draw: func(
		context.Context, results.Run,
	) (map[string][]byte, error) {
		drawn++
		return map[string][]byte{"b.txt": []byte("b"), "a.svg": []byte("a")}, nil
	}}
	run := results.Run{Verdict: results.Pass}
	test.draw(t.Context(), &run)
	require.Zero(t, drawn)

	run.Find(results.Finding{Verdict: results.Violation})
	stopped, stop := context.WithCancel(t.Context())
	stop()
	test.draw(stopped, &run)
	require.Zero(t, drawn, "nobody waits for a picture")

	test.draw(t.Context(), &run)
	require.Equal(t, []string{"a.svg", "b.txt"}, run.Drawings)
	text, err := os.ReadFile(directory.Path("b.txt"))
	require.NoError(t, err)
	require.Equal(t, "b", string(text))

	test.Draw = func(context.Context, results.Run) (map[string][]byte, error) {
		return nil, errors.New("no ink")
	}
	test.draw(t.Context(), &run)
	require.Equal(t, results.Violation, run.Verdict, "what cannot be drawn masks nothing")
	require.Equal(t, "draw the run: no ink", run.Findings[1].What)
}
