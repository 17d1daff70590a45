package harness

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"ordeal/harness/plan"
	"ordeal/history/stream"
	"ordeal/results"
)

// A Matrix asks how soon campaigns find the mistakes that were planted, one after the other, each
// by several strategies and from several seeds. No campaign is told which mistake it is after. Rows
// without a mistake are the controls: what is found there is a false alarm.
type Matrix struct {
	// Bugs are the rows, "" for a control.
	Bugs       []string
	Strategies []plan.Strategy
	// Seeds is how many campaigns there are for each cell, with the seeds from 1; RunsMax is after
	// how many runs one gives up. A control always does all of these.
	Seeds, RunsMax int
	Start          func(plan.Plan) (Environment, error)
	// Workers is how many campaigns run at a time, as many as there are processors if it is 0. Each
	// uses one, so that what it counts is the same every time.
	Workers int
	// Progress is told of each cell that is done, how many there are and how many are done.
	Progress func(cell MatrixCell, done, of int)
}

// A MatrixCell is what came of the campaigns for one mistake by one strategy.
type MatrixCell struct {
	Bug      string        `json:"bug"`
	Strategy plan.Strategy `json:"strategy"`
	// Seeds is how many campaigns there were, and Found how many of them found a violation.
	Seeds int `json:"seeds"`
	Found int `json:"found"`
	// Runs, Events and Time are the medians, over those that found something, of what it took until
	// then; the others are the most. Events are those of all runs until then. Times are those of
	// one processor, others being busy with other campaigns.
	Runs       int           `json:"runs"`
	Events     uint64        `json:"events"`
	Time       time.Duration `json:"time"`
	RunsMost   int           `json:"runsMost"`
	EventsMost uint64        `json:"eventsMost"`
	TimeMost   time.Duration `json:"timeMost"`
	// Classes count what was found first.
	Classes map[string]int `json:"classes"`
	// Others count the campaigns that found something of a class that is no violation, and so no
	// detection: that Ordeal failed, or had no answer. Worst is the worst verdict of these.
	Others map[string]int  `json:"others,omitempty"`
	Worst  results.Verdict `json:"worst,omitempty"`
	// AllRuns and AllEvents count all runs of the cell, also those that found nothing.
	AllRuns   int    `json:"allRuns"`
	AllEvents uint64 `json:"allEvents"`

	all []CampaignGroup
	// cut tells that a campaign was cut short.
	cut bool
}

// Run fills the matrix, in the order of its rows and strategies.
func (m Matrix) Run(ctx context.Context) ([]MatrixCell, error) {
	var cells []MatrixCell
	for _, bug := range m.Bugs {
		for _, strategy := range m.Strategies {
			cells = append(cells, MatrixCell{
				Bug: bug, Strategy: strategy, Classes: make(map[string]int),
			})
		}
	}
	slots := make(chan struct{}, cmp.Or(m.Workers, runtime.GOMAXPROCS(0)))
	var group sync.WaitGroup
	var mu sync.Mutex
	var failed error
	done := 0
	for i := range cells {
		for seed := range m.Seeds {
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots }()
				report, err := m.campaign(ctx, cells[i].Bug, cells[i].Strategy, uint64(seed+1))
				mu.Lock()
				defer mu.Unlock()
				failed = cmp.Or(failed, err)
				cells[i].add(report)
				cells[i].cut = cells[i].cut || err != nil
				if cells[i].Seeds == m.Seeds && !cells[i].cut {
					done++
					cells[i].settle()
					if m.Progress != nil {
						m.Progress(cells[i], done, len(cells))
					}
				}
			})
		}
	}
	group.Wait()
	return cells, failed
}

// campaign is one campaign of a cell. A control goes on after a finding.
func (m Matrix) campaign(
	ctx context.Context, bug string, strategy plan.Strategy, seed uint64,
) (CampaignReport, error) {
	c := Campaign{
		Seed:  stream.Seed(seed, "matrix/"+string(strategy), 0),
		Start: m.Start, Workers: 1, Runs: m.RunsMax, Classes: 1,
		Draw: func(seed uint64) plan.Plan { return plan.SwarmBy(strategy, seed, bug) },
	}
	if bug == "" {
		c.Classes = 0
	}
	return c.Run(ctx)
}

// add counts a campaign.
func (c *MatrixCell) add(r CampaignReport) {
	c.Seeds++
	c.AllRuns += r.Runs
	c.AllEvents += r.Events
	var violations []CampaignGroup
	for _, g := range r.Groups {
		if g.Verdict == results.Violation {
			violations = append(violations, g)
			continue
		}
		if c.Others == nil {
			c.Others = make(map[string]int)
			c.Worst = g.Verdict
		}
		c.Others[string(g.Verdict)+": "+g.Class]++
		c.Worst = results.Worse(c.Worst, g.Verdict)
	}
	if len(violations) == 0 {
		return
	}
	first := slices.MinFunc(violations, func(a, b CampaignGroup) int {
		return cmp.Compare(a.First, b.First)
	})
	c.Found++
	c.Classes[first.Class]++
	c.all = append(c.all, first)
}

// settle makes the medians.
func (c *MatrixCell) settle() {
	if len(c.all) == 0 {
		return
	}
	median := func(by func(a, b CampaignGroup) int) (middle, last CampaignGroup) {
		slices.SortFunc(c.all, by)
		return c.all[(len(c.all)-1)/2], c.all[len(c.all)-1]
	}
	middle, last := median(func(a, b CampaignGroup) int { return cmp.Compare(a.First, b.First) })
	c.Runs, c.RunsMost = middle.First, last.First
	middle, last = median(func(a, b CampaignGroup) int {
		return cmp.Compare(a.FirstEvents, b.FirstEvents)
	})
	c.Events, c.EventsMost = middle.FirstEvents, last.FirstEvents
	middle, last = median(func(a, b CampaignGroup) int { return cmp.Compare(a.After, b.After) })
	c.Time, c.TimeMost = middle.After, last.After
	c.all = nil
}
