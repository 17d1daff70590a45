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
	if err := results.Creatable(o.results); err != nil {
		return usage(fmt.Errorf("--results: %w", err))
	}
	status := newStatus(cmd.ErrOrStderr(), o.quiet)
	status.title(fmt.Sprintf("ordeal replay %s · seed %d · timings in the simulator\n%s",
		r.directory.ID, r.plan.Seed, r.plan))
	report, err := timings(cmd.Context(), r, status, o.budget, o.runs, enoughClasses)
	status.clear()
	if err != nil && cmd.Context().Err() == nil {
		return err
	}
	return telling{o.results, o.json, o.quiet, r.plan.Seed}.tell(cmd, report, err)
}

// enoughClasses is after how many classes of violations a search ends that has found none of those
// that are wanted: one mistake shows in several ways, and which is seen depends on who looks when.
const enoughClasses = 2

// timings runs a recorded run with many timings in the simulator, until one has a violation that it
// was convicted of, or any if there is none, or until so many classes of others were found, 0 for
// no limit, or the budget is spent.
func timings(
	ctx context.Context, r recorded, status *status, budget time.Duration, runs, others int,
) (harness.CampaignReport, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(campaignGarbage))
	base := r.slowed()
	c := harness.Campaign{
		Seed: base.Seed, Start: startSimulated, Time: budget, Runs: runs, Wanted: r.classes(),
		Classes:  others,
		Draw:     func(seed uint64) plan.Plan { return plan.Vary(base, seed) },
		Progress: func(r harness.CampaignReport) { status.campaign(r) },
	}
	if len(c.Wanted) == 0 {
		c.Classes = 1
	}
	return c.Run(ctx)
}
