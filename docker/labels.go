package docker

import (
	"github.com/docker/docker/api/types/filters"
)

// The labels of everything that Ordeal makes.
const (
	// labelRun is the run's ID; nothing without it is ever removed, images aside.
	labelRun = "ordeal.run"
	// labelOwner is the process that the run belongs to, as owner.String writes it.
	labelOwner = "ordeal.owner"
	// labelRole is what a thing is for: node, agent, network or data.
	labelRole = "ordeal.role"
	// labelNode is the name of the node that a container or volume belongs to.
	labelNode = "ordeal.node"
	// labelKeep marks what was to be kept for a look: only Clean removes it.
	labelKeep = "ordeal.keep"
	// labelImage marks the images that Ordeal imported.
	labelImage = "ordeal.image"
)

// The roles.
const (
	roleNode    = "node"
	roleAgent   = "agent"
	roleNetwork = "network"
	roleData    = "data"
)

// labels are the labels of one thing of a run, which node may be "" for.
func (c *Cluster) labels(role, node string) map[string]string {
	all := map[string]string{
		labelRun: c.config.RunID, labelOwner: c.config.owner.String(), labelRole: role,
	}
	if node != "" {
		all[labelNode] = node
	}
	if c.config.Keep {
		all[labelKeep] = "true"
	}
	return all
}

// withLabel selects what carries a label, with the value if that is not "".
func withLabel(label, value string) filters.Args {
	if value != "" {
		label += "=" + value
	}
	return filters.NewArgs(filters.Arg("label", label))
}

// ofOwner selects what an owner made for a run.
func ofOwner(run, owner string) filters.Args {
	selected := withLabel(labelRun, run)
	selected.Add("label", labelOwner+"="+owner)
	return selected
}

// ofRun tells whether labels are those of something that belongs to a run, and of whose.
func ofRun(labels map[string]string) (run, owner string, ok bool) {
	run = labels[labelRun]
	return run, labels[labelOwner], run != ""
}
