package harness

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/history"
	"ordeal/nemesis"
)

// survivors returns the nodes that recovery and the final reads ask, in order: those that were not
// wiped, and that the faults which stay leave with a majority. As long as nothing else is lost than
// a minority, and nothing stays, a node that is not lost has one.
func (d *driver) survivors() []string {
	var staying []nemesis.Fault
	for _, f := range d.faults {
		if f.result.Stays {
			staying = append(staying, f.fault)
		}
	}
	cut, dead := nemesis.Effect(staying)
	return nemesis.HealthyCore(d.env.Nodes(), cut, append(dead, d.lostNodes()...))
}

// majorityLost tells whether too few nodes are left for the cluster to serve, which can only be in
// a plan that expects to lose data.
func (d *driver) majorityLost() bool { return len(d.survivors()) == 0 }

// lose takes note that a wipe or rot has happened, or may have. A node is spared of which it was
// measured that its disk is as it was.
func (d *driver) lose(f nemesis.Fault, evidence history.Evidence, err error) {
	if !f.Kind.Loses() {
		return
	}
	for _, node := range f.Nodes {
		spared := err == nil && slices.ContainsFunc(evidence.Measurements,
			func(m history.Measurement) bool {
				return m.Subject == node && m.What == history.MeasuredDisk && !m.Shows
			})
		if !spared {
			d.lost[node] = true
		}
	}
}

// lostNodes returns the nodes that were wiped, in order.
func (d *driver) lostNodes() []string {
	return slices.DeleteFunc(slices.Clone(d.env.Nodes()), func(node string) bool {
		return !d.lost[node]
	})
}

// loss says in words that no majority is left.
func (d *driver) loss() string {
	return fmt.Sprintf("%s of %d nodes lost their disks, and no majority is left",
		strings.Join(d.lostNodes(), " "), len(d.env.Nodes()))
}
