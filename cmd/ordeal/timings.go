package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/results"
)

// searchTimings looks in the simulator for the violation of a run of containers, and keeps what it
// finds.
func searchTimings(cmd *cobra.Command, r recorded, o replayOptions) error {
	status := newStatus(cmd.ErrOrStderr(), o.quiet)
	status.title(fmt.Sprintf("ordeal replay %s · seed %d · timings in the simulator\n%s",
		r.directory.ID, r.plan.Seed, r.plan))
	report, err := timings(cmd.Context(), r, status, o.budget, o.runs)
	status.clear()
	if err != nil && cmd.Context().Err() == nil {
		return err
	}
	kept, failed := keepGroups(cmd.Context(), report, o.results)
	if failed != nil {
		return failed
	}
	if o.json {
		if err := writeJSON(cmd.OutOrStdout(), campaignRecord{report, kept}); err != nil {
			return err
		}
	}
	verdict := report.Verdict()
	if err != nil && verdict != results.Violation {
		verdict = results.Interrupted
	}
	writeCampaign(cmd.ErrOrStderr(), report, kept, o.quiet)
	fmt.Fprintf(cmd.ErrOrStderr(), "%s (exit %d) · seed %d\n", verdict, verdict.ExitCode(),
		r.plan.Seed)
	return ended(verdict)
}

// enoughClasses is after how many classes of violations a search ends that has found none of those
// that are wanted: one mistake shows in several ways, and which is seen depends on who looks when.
const enoughClasses = 2

// timings runs a recorded run with many timings in the simulator, until one has a violation that it
// was convicted of, or any if there is none, or until enough of others were found, or the budget is
// spent.
func timings(
	ctx context.Context, r recorded, status *status, budget time.Duration, runs int,
) (harness.CampaignReport, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(campaignGarbage))
	base := r.slowed()
	c := harness.Campaign{
		Seed: base.Seed, Start: startSimulated, Time: budget, Runs: runs, Wanted: r.classes(),
		Classes:  enoughClasses,
		Draw:     func(seed uint64) plan.Plan { return plan.Vary(base, seed) },
		Progress: func(r harness.CampaignReport) { status.campaign(r) },
	}
	if len(c.Wanted) == 0 {
		c.Classes = 1
	}
	return c.Run(ctx)
}
