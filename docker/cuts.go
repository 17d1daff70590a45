package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ordeal/docker/agent"
	"ordeal/history"
	"ordeal/nemesis"
)

const (
	// probesMin is how many probes must have been sent on a link since its cut before their absence
	// shows anything.
	probesMin = 3
	// cutLimit is how long the measuring of a new cut may take, and healLimit that of a heal.
	cutLimit  = 2 * time.Second
	healLimit = 3 * time.Second
	// quietMax is how long ago a probe may have arrived on a link that is said to have worked.
	quietMax = time.Second
)

// cuts is the network's faults. Faults may overlap: what a receiver drops is the union of what all
// faults cut, and healing one leaves the others in force.
type cuts struct {
	agents map[string]*beside

	// mu is held while rules are changed, so that the agents are told in one order.
	mu  sync.Mutex
	set *cutSet
	// since holds what the agents reported when each fault in force began, and mending the heals
	// that are not proved yet.
	since   map[string]reports
	mending map[string]*mending
}

// reports is what the agents said, by their node.
type reports map[string]agent.Report

func newCuts(c *Cluster) *cuts {
	k := &cuts{
		agents: make(map[string]*beside), set: newCutSet(c.Nodes()),
		since: make(map[string]reports), mending: make(map[string]*mending),
	}
	for _, n := range c.nodes {
		k.agents[n.member.Name] = n.beside
	}
	return k
}

// inject cuts the links of f.Cut, and returns when it is shown that they are cut, and all others
// are not, or when cutLimit has passed.
func (k *cuts) inject(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	links, err := linksOf(f.Cut, k.set.nodes)
	if err != nil {
		return history.Evidence{}, err
	}
	found, since, open, err := k.cut(ctx, f.ID, links)
	if err != nil {
		return history.Evidence{Measurements: found}, err
	}
	during, err := k.await(ctx, cutLimit, func(now reports) (measurements, bool) {
		cut, enough := measureCut(links, since, now, "during")
		others, carrying := measureOpen(links, k.untouched(open), since, now)
		return append(cut, others...), enough && carrying
	})
	return append(found, during...).evidence(), err
}

// cut changes the rules. It returns what was seen before, the reports that later ones are compared
// with, and the links that no fault cuts.
func (k *cuts) cut(
	ctx context.Context, fault string, links []link,
) (measurements, reports, map[link]int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, active := k.since[fault]; active {
		return nil, nil, nil, fmt.Errorf("%w: it has begun already", nemesis.ErrPrecondition)
	}
	before, err := k.ask(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	seen := measureBefore(links, before, k.set)
	receivers := k.set.add(fault, links)
	k.since[fault] = before
	delete(k.mending, fault)
	if _, err := k.apply(ctx, receivers); err != nil {
		return seen, nil, nil, err
	}
	since, err := k.ask(ctx)
	if err != nil {
		return seen, nil, nil, err
	}
	k.since[fault] = since
	return seen, since, k.set.open(), nil
}

// heal ends a fault's cuts, except on links that others cut too. Just before, it measures that the
// fault was in force to its end; then it waits for probes on the links that are open again. Until
// they were seen the heal is unproved, which is an error, and a further one goes on with it.
func (k *cuts) heal(ctx context.Context, f nemesis.Fault) (history.Evidence, error) {
	m, err := k.mend(ctx, f.ID)
	if m == nil {
		return history.Evidence{Shown: true}, nil
	}
	if err != nil {
		return history.Evidence{Measurements: m.end}, err
	}
	after, err := k.await(ctx, healLimit, func(now reports) (measurements, bool) {
		return measureHealed(m.links, k.untouched(m.freed), m.since, now)
	})
	evidence := append(slices.Clone(m.end), after...).evidence()
	if err == nil && !evidence.Shows("after") {
		err = fmt.Errorf("no probe came through on some of the links within %v", healLimit)
	}
	if err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.mending, f.ID)
	}
	return evidence, err
}

// A mending is a heal that has begun and is not proved yet.
type mending struct {
	links []link
	// end is what was measured just before the rules were changed for the first time.
	end measurements
	// changed is true once they are changed at all receivers. Then since holds the reports that
	// later ones are compared with, and freed the links that are open now.
	changed bool
	since   reports
	freed   map[link]int
}

// mend measures the end of a fault and changes the rules, as far as that was not done before. It
// returns nil if the fault is not in force. When the rules could not be changed the fault stays in
// force here, so that its heal can be tried again.
func (k *cuts) mend(ctx context.Context, fault string) (*mending, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	m := k.mending[fault]
	if m == nil {
		began, active := k.since[fault]
		if !active {
			return nil, nil
		}
		m = &mending{links: k.set.faults[fault]}
		m.end = k.measureEnd(ctx, fault, m.links, began)
		k.mending[fault] = m
	}
	if m.changed {
		return m, nil
	}
	fresh, err := k.apply(ctx, k.set.remove(fault))
	if err != nil {
		k.set.add(fault, m.links)
		return m, err
	}
	delete(k.since, fault)
	m.changed, m.since, m.freed = true, fresh, make(map[link]int)
	open := k.set.open()
	for _, l := range m.links {
		if turns, ok := open[l]; ok {
			m.freed[l] = turns
		}
	}
	return m, nil
}

// measureEnd tells whether a fault was in force to its end. Without reports that is not shown, but
// the rules must go all the same.
func (k *cuts) measureEnd(
	ctx context.Context, fault string, links []link, began reports,
) measurements {
	now, err := k.ask(ctx)
	if err != nil {
		return measurements{{
			Subject: fault, What: "reports", When: "end", Value: err.Error(), Shows: false,
		}}
	}
	end, _ := measureCut(links, began, now, "end")
	return append(end, measureSelfHealed(links, began, now)...)
}

// untouched returns those of the links that have stayed open since they were listed.
func (k *cuts) untouched(open map[link]int) map[link]bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	same := make(map[link]bool)
	for l, turns := range open {
		if k.set.turns[l] == turns {
			same[l] = true
		}
	}
	return same
}

// apply tells receivers what they cannot hear now, all at the same time.
func (k *cuts) apply(ctx context.Context, receivers []string) (reports, error) {
	return k.each(receivers, func(b *beside) (agent.Report, error) {
		return b.drop(ctx, k.set.dropsAt(b.node))
	})
}

// ask asks all agents for their reports.
func (k *cuts) ask(ctx context.Context) (reports, error) {
	return k.each(k.set.nodes, func(b *beside) (agent.Report, error) { return b.ask(ctx) })
}

// each asks several agents at the same time. It returns the reports of those that answered.
func (k *cuts) each(
	nodes []string, do func(*beside) (agent.Report, error),
) (reports, error) {
	answers := make([]agent.Report, len(nodes))
	failures := make([]error, len(nodes))
	var group sync.WaitGroup
	for i, node := range nodes {
		group.Go(func() { answers[i], failures[i] = do(k.agents[node]) })
	}
	group.Wait()
	all := make(reports)
	for i, node := range nodes {
		if failures[i] == nil {
			all[node] = answers[i]
		}
	}
	return all, errors.Join(failures...)
}

// await asks all agents again and again until what they report is conclusive, or limit has passed.
// It returns what was measured last.
func (k *cuts) await(
	ctx context.Context, limit time.Duration, measure func(reports) (measurements, bool),
) (measurements, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var found measurements
	for {
		now, err := k.ask(ctx)
		if err != nil {
			if ctx.Err() != nil && found != nil {
				return found, nil // time is up, and it is in the measurements what is missing
			}
			return found, err
		}
		var enough bool
		if found, enough = measure(now); enough {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return found, nil
		case <-time.After(agent.ProbeInterval):
		}
	}
}
