package docker

import (
	"fmt"

	"ordeal/history"
)

// A difference is what happened on a link between two reports of the agents at its ends.
type difference struct {
	sent, arrived    uint64 // probes
	packets, dropped uint64 // the node's own packets that arrived, and all that were dropped
	cut              bool   // whether the rule is in force at the end
}

// compare returns the difference between two reports on a link.
func compare(l link, since, now reports) difference {
	was, is := since[l.to], now[l.to]
	d := difference{
		sent:    now[l.from].Sent,
		arrived: is.Peers[l.from].Probes,
		packets: grown(was.Peers[l.from].Packets, is.Peers[l.from].Packets),
		dropped: grown(was.Peers[l.from].Dropped, is.Peers[l.from].Dropped),
		cut:     is.Peers[l.from].Cut,
	}
	if since[l.from].Worker == now[l.from].Worker {
		d.sent = grown(since[l.from].Sent, d.sent)
	}
	if was.Worker == is.Worker {
		d.arrived = grown(was.Peers[l.from].Probes, d.arrived)
	}
	return d
}

// grown returns by how much a counter has grown, which starts again at 0 when its owner does.
func grown(was, is uint64) uint64 {
	if is < was {
		return is
	}
	return is - was
}

// measureBefore tells of each link whether it worked before a cut: else a silence after it would
// show nothing. A link that is cut already need not work.
func measureBefore(links []link, now reports, set *cutSet) measurements {
	var found measurements
	for _, l := range links {
		quiet := now[l.to].Peers[l.from].Quiet
		m := history.Measurement{
			Subject: l.String(), What: "last probe", When: "before",
			Value: fmt.Sprintf("%d ms ago", quiet),
			Shows: quiet >= 0 && quiet < quietMax.Milliseconds(),
		}
		switch {
		case set.isCut(l):
			m.Value, m.Shows = "cut already", true
		case quiet < 0:
			m.Value = "never"
		}
		found = append(found, m)
	}
	return found
}

// measureCut tells of each link what arrived since a cut, and whether so many probes were sent on
// each, and something was dropped on it, that this is conclusive.
func measureCut(links []link, since, now reports, when string) (measurements, bool) {
	var found measurements
	enough := true
	for _, l := range links {
		d := compare(l, since, now)
		tried := d.sent >= probesMin && d.dropped > 0
		enough = enough && tried
		found = append(found,
			history.Measurement{
				Subject: l.String(), What: "probes arrived", When: when,
				Value: fmt.Sprintf("%d of %d", d.arrived, d.sent),
				Shows: d.arrived == 0 && d.sent >= probesMin,
			},
			history.Measurement{
				Subject: l.String(), What: "packets arrived", When: when,
				Value: fmt.Sprintf("%d, %d dropped", d.packets, d.dropped),
				Shows: d.packets == 0 && d.dropped > 0 && d.cut,
			})
	}
	return found, enough
}

// measureOpen tells whether probes go on arriving where nothing was cut: on the way back of each
// cut link, and on all others together. It is conclusive when all carry.
func measureOpen(cut []link, open map[link]bool, since, now reports) (measurements, bool) {
	var found measurements
	told := make(map[link]bool)
	carrying := true
	for _, l := range cut {
		back := l.reverse()
		if !open[back] {
			continue
		}
		told[back] = true
		m, arrives := measureArrival(back, since, now, "during")
		found = append(found, m)
		carrying = carrying && arrives
	}
	total, good, silent := 0, 0, link{}
	for l := range open {
		if told[l] {
			continue
		}
		total++
		if compare(l, since, now).arrived > 0 {
			good++
		} else {
			silent = l
		}
	}
	if total == 0 {
		return found, carrying
	}
	m := history.Measurement{
		Subject: "other links", What: "links with probes", When: "during",
		Value: fmt.Sprintf("%d of %d", good, total), Shows: good == total,
	}
	if good < total {
		m.Value += fmt.Sprintf(", none on %s", silent)
	}
	return append(found, m), carrying && good == total
}

// measureHealed tells of each link of a fault whether probes arrive again. It is conclusive when
// they do on all that nothing else cuts.
func measureHealed(links []link, open map[link]bool, since, now reports) (measurements, bool) {
	var found measurements
	healed := true
	for _, l := range links {
		if !open[l] {
			found = append(found, history.Measurement{
				Subject: l.String(), What: "probes arrived", When: "after",
				Value: "still or again cut by another fault", Shows: true,
			})
			continue
		}
		m, arrives := measureArrival(l, since, now, "after")
		found = append(found, m)
		healed = healed && arrives
	}
	return found, healed
}

// measureArrival tells whether probes arrived on one link.
func measureArrival(l link, since, now reports, when string) (history.Measurement, bool) {
	arrived := compare(l, since, now).arrived
	return history.Measurement{
		Subject: l.String(), What: "probes arrived", When: when,
		Value: fmt.Sprint(arrived), Shows: arrived > 0,
	}, arrived > 0
}

// measureSelfHealed tells of the agents that ended a cut by themselves, because they had heard
// nothing of the harness for agent.SilenceLimit: nobody knows what that fault did.
func measureSelfHealed(links []link, since, now reports) measurements {
	var found measurements
	for _, receiver := range receiversOf(links) {
		was, report := since[receiver], now[receiver]
		if was.Worker != report.Worker {
			was.SelfHealed = 0
		}
		if report.SelfHealed == was.SelfHealed {
			continue
		}
		found = append(found, history.Measurement{
			Subject: receiver, What: "healed by itself", When: "end",
			Value: report.SelfHealedWhy, Shows: false,
		})
	}
	return found
}
