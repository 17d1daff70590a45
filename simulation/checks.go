package simulation

import (
	"fmt"

	"ordeal/node/paxos"
	"ordeal/simulation/invariants"
)

// violationsMax bounds what is kept of what no correct node does.
const violationsMax = 20

// checks compare what nodes say with what no correct node says.
type checks struct {
	invariants.Checker
	found []invariants.Violation
}

// check looks at a datagram that a node sends.
func (w *World) check(n *node, m *paxos.Message) {
	for _, v := range w.checks.Sent(m) {
		if w.config.Observe != nil {
			w.tell(KindViolation, n, Happening{Message: m, Detail: v.Class + ": " + v.What})
		}
		if len(w.checks.found) < violationsMax {
			v.What = fmt.Sprintf("%s at %s: %s", n.name, milliseconds(w.now), v.What)
			w.checks.found = append(w.checks.found, v)
		}
	}
}
