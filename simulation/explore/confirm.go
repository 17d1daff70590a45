package explore

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"ordeal/history"
	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/simulation/invariants"
)

// Confirm carries a run out on nodes of its own, action by action, and returns nil if the run is
// one of the model and violates in the class of c. It shares with a search the words in which
// actions and operations are said, and nothing else.
func Confirm(c Config, path []Action) error {
	c, err := c.withDefaults()
	if err != nil {
		return err
	}
	rules, err := paxos.BugNamed(c.Bug)
	if err != nil {
		return err
	}
	r := &rerun{
		config: c, rules: rules, checker: invariants.NewChecker(), sent: make(map[string]bool),
		classes: make(map[string]bool),
	}
	for i := range c.Nodes {
		r.nodes = append(r.nodes, &rerunNode{id: paxos.NodeID(i + 1), boot: 1})
	}
	for _, n := range r.nodes {
		r.start(n)
	}
	for i, a := range path {
		if err := r.carryOut(a); err != nil {
			return fmt.Errorf("confirm action %d, %q: %w", i+1, a, err)
		}
	}
	for _, class := range classesOf(r.history, c.Decree) {
		r.classes[class] = true
	}
	if !r.classes[c.Class] {
		return fmt.Errorf("confirm: the run shows no %q (it shows: %s)", c.Class,
			strings.Join(slices.Sorted(maps.Keys(r.classes)), ", "))
	}
	return nil
}

// A rerun is a cluster in which a run is carried out.
type rerun struct {
	config  Config
	rules   paxos.Rules
	nodes   []*rerunNode
	checker invariants.Checker
	// sent are the datagrams between nodes, in words that name all of one.
	sent    map[string]bool
	history []history.Operation
	index   int64
	classes map[string]bool
}

type rerunNode struct {
	id      paxos.NodeID
	boot    uint64
	replica *replica.Replica
	disk    map[paxos.Key]paxos.Acceptor
	// log is what the disk held before each batch of this life.
	log  []map[paxos.Key]paxos.Acceptor
	self []paxos.Message
	// retries and deadlines are timers, oldest first.
	retries, deadlines []uint64
}

func (r *rerun) start(n *rerunNode) {
	config := replica.DefaultConfig
	config.Self, config.Boot, config.Rules = n.id, n.boot, r.rules
	config.Random = rand.New(rand.NewPCG(uint64(n.id), n.boot))
	for _, other := range r.nodes {
		config.Nodes = append(config.Nodes, other.id)
	}
	n.log, n.self, n.retries, n.deadlines = nil, nil, nil, nil
	n.replica = replica.New(config, maps.All(n.disk))
}

func (r *rerun) carryOut(a Action) error {
	n := r.nodes[a.Node-1]
	if n.replica == nil {
		return fmt.Errorf("n%d takes no part", a.Node)
	}
	var e replica.Event
	switch a.Kind {
	case Call:
		op := a.Operation
		r.index++
		op.Node, op.Call = fmt.Sprintf("n%d", a.Node), r.index
		op.Return, op.Outcome = history.NoReturn, history.Info
		r.history = append(r.history, op)
		e = requestOf(op, r.config.key())
	case Deliver:
		if !r.sent[fmt.Sprintf("%#v", a.Message)] || a.Message.To != a.Node {
			return fmt.Errorf("nobody has sent that to n%d", a.Node)
		}
		e = replica.Receive{Message: a.Message}
	case Timeout:
		timers := slices.Concat(waiting(n, n.retries), waiting(n, n.deadlines))
		place := a.Timer
		if len(waiting(n, n.retries)) == 0 {
			place--
		}
		if place < 0 || place >= len(timers) {
			return fmt.Errorf("n%d has no such timer", a.Node)
		}
		e = replica.Timeout{Timer: timers[place]}
	case Crash, Wipe:
		r.crash(n, a.Kind == Wipe)
		return nil
	case Rot:
		return r.rot(n, a.Batch)
	}
	r.step(n, e)
	for taken := 0; len(n.self) > 0 && (a.Self == All || taken < a.Self); taken++ {
		m := n.self[0]
		n.self = n.self[1:]
		r.step(n, replica.Receive{Message: m})
	}
	if a.Crashes {
		r.crash(n, false)
	}
	return nil
}

func waiting(n *rerunNode, timers []uint64) (left []uint64) {
	for _, timer := range timers {
		if n.replica.Waits(timer) {
			left = append(left, timer)
		}
	}
	return left
}

func (r *rerun) crash(n *rerunNode, wiped bool) {
	n.boot++
	if wiped {
		n.boot, n.disk = 1, nil
		if !r.rules.MayTakePart(false) {
			n.replica = nil
			return
		}
	}
	r.start(n)
}

func (r *rerun) rot(n *rerunNode, batch int) error {
	if batch < 0 || batch >= len(n.log)-1 || r.rules.DamageIsRefused {
		return fmt.Errorf("n%d cannot start with batch %d of its log damaged", n.id, batch)
	}
	n.disk = n.log[batch]
	r.crash(n, false)
	return nil
}

func (r *rerun) step(n *rerunNode, e replica.Event) {
	defer func() {
		if recover() != nil {
			r.classes[Assertion] = true
		}
	}()
	for _, effect := range n.replica.Step(e) {
		switch effect := effect.(type) {
		case *replica.Persist:
			if !effect.Unsynced {
				n.log = append(n.log, n.disk)
				n.disk = map[paxos.Key]paxos.Acceptor{effect.Key: effect.Acceptor}
			}
		case *replica.Send:
			for _, v := range r.checker.Sent(&effect.Message) {
				r.classes[v.Class] = true
			}
			if effect.Message.To == n.id {
				n.self = append(n.self, effect.Message)
			} else {
				r.sent[fmt.Sprintf("%#v", effect.Message)] = true
			}
		case *replica.SetTimer:
			if effect.After == replica.DefaultConfig.RequestTimeout {
				n.deadlines = append(n.deadlines, effect.Timer)
			} else {
				n.retries = append(n.retries, effect.Timer)
			}
		case replica.Answer:
			r.answer(effect)
		}
	}
}

// answer notes what a client is told.
func (r *rerun) answer(a replica.Answer) {
	op := &r.history[a.Number-1]
	op.Result = resultOf(*op, a)
	r.index++
	if op.Outcome != history.Info {
		op.Return = r.index
	}
}
