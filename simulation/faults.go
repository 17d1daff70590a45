package simulation

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"ordeal/history"
	"ordeal/nemesis"
	"ordeal/node/wal"
)

const (
	// doomLimit is how long a process that is to be killed may wait for its next step, so that it
	// ends between two effects of one, and one whose disk is broken for its next write; then it
	// ends where it is.
	doomLimit = int64(5 * time.Millisecond)
	// writingLimit is that of a process that is to be killed while it writes.
	writingLimit = int64(50 * time.Millisecond)
	// bootMedian is how long the start of a process takes.
	bootMedian = int64(5 * time.Millisecond)
	// probeTime is how long it takes to hear whether a node is up.
	probeTime = time.Millisecond
	// faultTime is how long it takes until a fault that needs nobody's answer is in force.
	faultTime = 100 * time.Microsecond
)

// faults holds those in force, by their ids.
type faults struct {
	// cut holds for each partition how many datagrams its links had dropped when it began.
	cut     map[string]map[string]uint64
	weather map[string]*weather
}

func newFaults() faults {
	return faults{
		cut: make(map[string]map[string]uint64), weather: make(map[string]*weather),
	}
}

// Unable returns nil: every kind of fault can be simulated.
func (*World) Unable(nemesis.Kind) error { return nil }

// Probe asks whether a node is up and takes part.
func (w *World) Probe(name string, done func(error)) {
	w.After(probeTime, func() {
		n, known := w.byName[name]
		switch {
		case !known:
			done(fmt.Errorf("there is no node %s", name))
		case n.state != running:
			done(fmt.Errorf("%s is %s", name, n.state))
		default:
			done(nil)
		}
	})
}

// An evidence is gathered while a fault begins or ends.
type evidence []history.Measurement

func (e *evidence) add(subject, what, when, value string, shows bool) {
	*e = append(*e, history.Measurement{
		Subject: subject, What: what, When: when, Value: value, Shows: shows,
	})
}

// of returns what the measurements show together.
func (e evidence) of() history.Evidence {
	shown := len(e) > 0
	for _, m := range e {
		shown = shown && m.Shows
	}
	return history.Evidence{Shown: shown, Measurements: e}
}

// A change makes a fault happen or end, and calls done with what shows that it did.
type change func(f nemesis.Fault, done func(history.Evidence, error))

// changesOf returns what begins and what ends a fault of a kind.
func (w *World) changesOf(kind nemesis.Kind) (inject, heal change) {
	switch {
	case kind == nemesis.Partition:
		return w.cut, w.mend
	case kind == nemesis.Packets:
		return w.cloud, w.clear
	case kind == nemesis.Pause:
		return w.freeze, w.thaw
	case kind == nemesis.SlowDisk, kind == nemesis.Drift:
		return w.hinder, w.relieve
	case kind.Ends():
		return w.bringDown, w.revive
	default:
		return w.refuseFault, w.healNothing
	}
}

// refuseFault is what comes of a fault that is unknown here, healNothing what ends it.
func (w *World) refuseFault(f nemesis.Fault, done func(history.Evidence, error)) {
	w.post(func() {
		done(history.Evidence{}, fmt.Errorf("%w: the simulation has no fault of kind %q",
			nemesis.ErrPrecondition, f.Kind))
	})
}

func (w *World) healNothing(_ nemesis.Fault, done func(history.Evidence, error)) {
	w.post(func() { done(history.Evidence{Shown: true}, nil) })
}

// Inject makes a fault happen. What it calls done with is the state of what it touches, which the
// simulation knows; the error wraps nemesis.ErrPrecondition when the fault can have no effect.
func (w *World) Inject(f nemesis.Fault, done func(history.Evidence, error)) {
	inject, _ := w.changesOf(f.Kind)
	inject(f, w.tellFault(KindFaultBegins, f, done))
}

// Heal ends a fault. Healing twice, or what was never injected, changes nothing.
func (w *World) Heal(f nemesis.Fault, done func(history.Evidence, error)) {
	_, heal := w.changesOf(f.Kind)
	heal(f, w.tellFault(KindFaultEnds, f, done))
}

// victims returns the nodes of a fault, each once, in its order.
func (w *World) victims(f nemesis.Fault) []*node {
	var victims []*node
	for _, name := range f.Nodes {
		if n, known := w.byName[name]; known && !slices.Contains(victims, n) {
			victims = append(victims, n)
		}
	}
	return victims
}

// links returns the links of a graph, in order, with their names.
func (w *World) links(g nemesis.Graph) ([]*link, []string) {
	all := g.Links()
	links, names := make([]*link, 0, len(all)), make([]string, 0, len(all))
	for _, l := range all {
		from, to := w.byName[l.From], w.byName[l.To]
		if from != nil && to != nil && from != to {
			links = append(links, w.network.link(from.id, to.id))
			names = append(names, l.String())
		}
	}
	return links, names
}

// cut makes links drop what arrives.
func (w *World) cut(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		links, names := w.links(f.Cut)
		_, again := w.faults.cut[f.ID]
		e := make(evidence, 0, len(links))
		before := make(map[string]uint64, len(links))
		for i, l := range links {
			if !again {
				l.cuts++
			}
			before[names[i]] = l.dropped
			e.add(names[i], "link", "during", "cut", true)
		}
		w.faults.cut[f.ID] = before
		done(e.of(), nil)
	})
}

// mend lets them through again.
func (w *World) mend(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		links, names := w.links(f.Cut)
		before, cut := w.faults.cut[f.ID]
		e := make(evidence, 0, 2*len(links))
		for i, l := range links {
			if cut {
				l.cuts--
			}
			dropped := l.dropped - before[names[i]]
			e.add(names[i], "datagrams dropped", "end", strconv.FormatUint(dropped, 10), cut)
			value, open := "open", true
			if l.cuts > 0 {
				value = "still cut by another fault"
			}
			e.add(names[i], "link", "after", value, open)
		}
		delete(w.faults.cut, f.ID)
		done(e.of(), nil)
	})
}

// bringDown ends the processes of the victims at the boundary of two effects, and keeps them dead
// until the fault is healed. Nodes that another fault keeps dead are kept dead by this one too.
func (w *World) bringDown(f nemesis.Fault, done func(history.Evidence, error)) {
	victims := w.victims(f)
	hits := slices.ContainsFunc(victims, func(n *node) bool { return n.canEnd(f.Kind) })
	if !hits {
		w.After(faultTime, func() {
			done(history.Evidence{}, fmt.Errorf("%w: all its nodes are dead or paused already",
				nemesis.ErrPrecondition))
		})
		return
	}
	var e evidence
	waiting := 1
	over := func() {
		if waiting--; waiting > 0 {
			return
		}
		for _, n := range victims {
			if n.holders[f.ID] {
				e.add(n.name, "state", "during", n.state.String(), n.state == dead)
			}
		}
		w.post(func() { done(e.of(), nil) })
	}
	for _, n := range victims {
		if f.Kind == nemesis.Stop && n.state == paused {
			continue
		}
		n.holders[f.ID] = true
		n.failDisk(f.Kind, true)
		e.add(n.name, "state", "before", n.state.String(), true)
		waiting++
		n.endSoon(f, func(damage string, done bool) {
			if damage != "" {
				e.add(n.name, history.MeasuredDisk, "during", damage, done)
			}
			over()
		})
	}
	over()
}

// failDisk lets the node's disk refuse work, or no more, if that is what faults of the kind do.
func (n *node) failDisk(kind nemesis.Kind, fails bool) {
	switch kind {
	case nemesis.BrokenDisk:
		n.writer.broken = fails
	case nemesis.FullDisk:
		n.writer.full = fails
	}
}

// canEnd tells whether a fault of a kind that ends processes changes anything about the node.
func (n *node) canEnd(kind nemesis.Kind) bool {
	switch n.state {
	case dead, refused:
		return kind.Damages()
	case paused:
		return kind != nemesis.Stop
	default:
		return true
	}
}

// endSoon ends the process within doomLimit or writingLimit, does to the disk what the fault's kind
// says, and calls over with what damage returned. Every other kill and crash comes while something
// is written and not yet synced, if that is soon enough: disks are idle most of the time, and there
// would hardly ever be anything to lose.
func (n *node) endSoon(f nemesis.Fault, over func(damage string, done bool)) {
	w, kind, name := n.world, f.Kind, hashOf(f.ID)
	after := func() { over(n.damage(kind, name)) }
	switch {
	case n.state == dead || n.state == refused:
		n.life++ // what was about to start does not
		n.state, n.starting, n.interruption = dead, false, nil
		after()
	case n.doom != nil:
		first := n.doom.over
		n.doom.over = func() { first(); after() }
	case n.state != running || kind == nemesis.Stop:
		n.doom = &doom{why: string(kind), fault: name, over: after}
		n.end(string(kind))
	default:
		n.doom = &doom{
			why: string(kind), fault: name, over: after, byDisk: kind.FailsDisk(),
			writing: (kind == nemesis.Kill || kind == nemesis.Crash) && !n.writer.syncing &&
				below(w.roll(decideDoom, uint64(n.index), name, 0), 2) == 0,
		}
		limit := doomLimit
		if n.doom.writing {
			limit = writingLimit
		}
		e := w.queue.push(w.now + limit)
		e.kind, e.node, e.life = happensDoom, int32(n.index), n.life
	}
}

// damage does to the disk of a node that has just died what a fault of the kind, with a hash of its
// name, does. It returns what that was, "" for nothing, and whether it did what it was to do: a log
// may be too short to rot.
func (n *node) damage(kind nemesis.Kind, fault uint64) (what string, done bool) {
	switch kind {
	case nemesis.Wipe:
		n.files = wal.MemoryDisk{Decide: n.writer.decide}
		n.rotten = false
		what, done = "emptied", true
	case nemesis.Crash:
		what, done = fmt.Sprintf("%d bytes were not synced", n.crash(fault)), true
	case nemesis.Rot:
		var place string
		if place, done = n.rotLog(n.world.roll(decideRot, uint64(n.index), fault, 0)); done {
			n.rotten = true
			what = "its log rots: " + place
		} else {
			what = "there is nothing in its log that could rot"
		}
	default:
		return "", false
	}
	n.say("the disk: %s", what)
	return what, done
}

// revive starts the victims that no other fault keeps dead, and waits until they serve or stay out.
func (w *World) revive(f nemesis.Fault, done func(history.Evidence, error)) {
	var e evidence
	waiting := 1
	over := func() {
		if waiting--; waiting == 0 {
			w.post(func() { done(e.of(), nil) })
		}
	}
	for _, n := range w.victims(f) {
		if !n.holders[f.ID] {
			continue
		}
		e.add(n.name, "state", "end", n.state.String(), n.state == dead)
		delete(n.holders, f.ID)
		n.failDisk(f.Kind, false)
		if len(n.holders) > 0 {
			e.add(n.name, "state", "after", "kept dead by another fault", true)
			continue
		}
		waiting++
		took := spread(quantiles[nemesis.Narrow], bootMedian,
			w.roll(decideStart, uint64(n.index), hashOf(f.ID), 0))
		n.bootAfter(took)
		w.After(time.Duration(took+n.interruptStart(f))+1, func() {
			elsewhere := n.starting || len(n.holders) > 0
			e.add(n.name, "state", "after", n.state.String(), n.state != dead || elsewhere)
			over()
		})
	}
	over()
}

// freeze stops the processes of the victims where they are.
func (w *World) freeze(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		var e evidence
		hit := false
		for _, n := range w.victims(f) {
			if n.state != running && n.state != paused || n.doom != nil {
				continue
			}
			n.pausers[f.ID] = true
			if n.state == running {
				n.pause()
			}
			hit = true
			e.add(n.name, "state", "during", n.state.String(), true)
		}
		if !hit {
			done(history.Evidence{}, fmt.Errorf("%w: none of its nodes runs",
				nemesis.ErrPrecondition))
			return
		}
		done(e.of(), nil)
	})
}

// thaw lets them go on. A process that another fault has ended meanwhile was frozen to its end.
func (w *World) thaw(f nemesis.Fault, done func(history.Evidence, error)) {
	w.After(faultTime, func() {
		var e evidence
		for _, n := range w.victims(f) {
			frozen, hit := n.pausers[f.ID]
			if !hit {
				continue
			}
			delete(n.pausers, f.ID)
			value := n.state.String()
			if !frozen {
				value = "ended while it was frozen"
			}
			e.add(n.name, "state", "end", value, n.state == paused || !frozen)
			if n.state == paused && !n.held() {
				n.resume()
			}
			e.add(n.name, "state", "after", n.state.String(), true)
		}
		done(e.of(), nil)
	})
}

// held tells whether a fault keeps the process frozen.
func (n *node) held() bool {
	for _, frozen := range n.pausers {
		if frozen {
			return true
		}
	}
	return false
}
