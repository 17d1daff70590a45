package simulation

import (
	"fmt"

	"ordeal/history"
	"ordeal/nemesis"
)

// cloud lets a fault of the kind packets begin on its links.
func (w *World) cloud(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		var e evidence
		if _, again := w.faults.weather[f.ID]; !again {
			fault := newWeather(f)
			w.faults.weather[f.ID] = fault
			links, names := w.links(f.Links)
			for i, l := range links {
				l.weather = append(l.weather, fault)
				e.add(names[i], "link", "during", "disturbed", true)
			}
		}
		done(e.of(), nil)
	})
}

// clear ends it; what it has kept arrives. One that met nothing had no effect.
func (w *World) clear(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		var e evidence
		fault := w.faults.weather[f.ID]
		delete(w.faults.weather, f.ID)
		links, names := w.links(f.Links)
		for i, l := range links {
			l.weather = without(l.weather, fault)
			e.add(names[i], "link", "after", "undisturbed by it", true)
		}
		if fault != nil {
			e.add("network", "datagrams disturbed", "end", fmt.Sprint(fault.met), fault.met > 0)
			w.network.release(fault)
		}
		done(e.of(), nil)
	})
}

// without returns the faults but one, in memory of their own.
func without(all []*weather, one *weather) []*weather {
	var left []*weather
	for _, w := range all {
		if w != one {
			left = append(left, w)
		}
	}
	return left
}

// hinder slows disks down or lets clocks run wrong.
func (w *World) hinder(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		var e evidence
		for _, n := range w.victims(f) {
			n.hindrances[f.ID] = f
			n.settle()
			e.add(n.name, string(f.Kind), "during", n.hindered(f.Kind), n.takesPart())
		}
		done(e.of(), nil)
	})
}

// takesPart tells whether the node has a disk that it works with, or will have one again.
func (n *node) takesPart() bool { return n.state != out && n.state != refused }

// relieve ends that.
func (w *World) relieve(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		var e evidence
		for _, n := range w.victims(f) {
			_, hindered := n.hindrances[f.ID]
			e.add(n.name, string(f.Kind), "end", n.hindered(f.Kind), hindered && n.takesPart())
			delete(n.hindrances, f.ID)
			n.settle()
			e.add(n.name, string(f.Kind), "after", n.hindered(f.Kind), true)
		}
		done(e.of(), nil)
	})
}

// settle makes the disk and the clock of a node what the faults in force make of them together:
// delays add up, and so do rates, within what a fault alone may have.
func (n *node) settle() {
	n.writer.slow, n.drift = 0, 0
	for _, f := range n.hindrances {
		if f.Kind == nemesis.SlowDisk {
			n.writer.slow += int64(f.Delay)
		} else {
			n.drift += int64(f.Rate)
		}
	}
	n.drift = max(n.drift, driftMin)
}

// driftMin keeps a clock going forward.
const driftMin = -90

// hindered says what the disk or the clock of a node is like.
func (n *node) hindered(kind nemesis.Kind) string {
	if kind == nemesis.SlowDisk {
		return "a sync takes " + milliseconds(n.writer.slow) + " longer"
	}
	return fmt.Sprintf("the clock is %+d %% fast", n.drift)
}
