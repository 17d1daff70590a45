package harness

import (
	"context"
	"maps"
	"slices"

	"ordeal/results"
)

// draw keeps pictures of a run that violates, unless somebody waits for its end. That they cannot
// be drawn is a finding like others: it masks no worse one.
func (t Test) draw(ctx context.Context, run *results.Run) {
	if t.Draw == nil || run.Verdict != results.Violation || ctx.Err() != nil {
		return
	}
	t.stage(run, "draw the run")
	files, err := t.Draw(ctx, *run)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err == nil {
			err = t.Directory.Write(name, files[name])
			run.Drawings = append(run.Drawings, name)
		}
	}
	if err != nil && ctx.Err() == nil {
		run.Find(results.Finding{Verdict: results.Harness, What: "draw the run: " + err.Error()})
	}
}
