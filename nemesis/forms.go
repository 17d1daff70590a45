package nemesis

import (
	"slices"
	"strings"
)

// A form is how a partition is written by hand: which targets it takes and what they mean.
type form struct {
	// wants says what the form takes, for errors.
	wants string
	// nodes and groups tell which of the fields it takes; without either it takes a cut.
	nodes, groups bool
	// fits tells whether the targets of f, known nodes each named at most once, are as wanted.
	fits func(f Fault, nodes []string) bool
	// cut returns the graph for targets that fit.
	cut func(f Fault, nodes []string) Graph
}

// forms maps the name of each partition to the form that it takes; "" is a partition without one.
var forms = map[string]form{
	"": {
		wants:  "groups: two or more that are cut from each other",
		groups: true,
		fits:   func(f Fault, _ []string) bool { return len(f.Groups) >= 2 },
		cut:    splitGroups,
	},
	NameIsolateOne: {
		wants: "nodes: the one that is isolated, such as [n3]",
		nodes: true,
		fits:  func(f Fault, nodes []string) bool { return len(f.Nodes) == 1 && len(nodes) > 1 },
		cut:   splitFromRest,
	},
	NameHalves: {
		wants:  "groups: two, of all nodes, as equal as can be",
		groups: true,
		fits:   func(f Fault, nodes []string) bool { return f.namesAll(nodes) && f.inHalves() },
		cut:    splitGroups,
	},
	NameMajorityMinority: {
		wants: "nodes: a minority, such as [n1, n2] of five",
		nodes: true,
		fits: func(f Fault, nodes []string) bool {
			return len(f.Nodes) <= minority(len(nodes))
		},
		cut: splitFromRest,
	},
	NameMajoritiesRing: {
		wants: "nodes: all, at least three, in the order of the ring",
		nodes: true,
		fits:  func(f Fault, nodes []string) bool { return f.namesAll(nodes) && len(nodes) >= 3 },
		cut:   func(f Fault, _ []string) Graph { return Ring(f.Nodes) },
	},
	NameBridge: {
		wants: "nodes: the bridge, and groups: two, of all the others, as equal as can be",
		nodes: true, groups: true,
		fits: func(f Fault, nodes []string) bool {
			return len(f.Nodes) == 1 && f.namesAll(nodes) && f.inHalves()
		},
		cut: splitGroups,
	},
	NameOneWay: {
		wants:  "groups: two, the first of which the second does not hear",
		groups: true,
		fits:   func(f Fault, _ []string) bool { return len(f.Groups) == 2 },
		cut: func(f Fault, _ []string) Graph {
			return OneDirection(f.Groups[0], f.Groups[1])
		},
	},
	NameRandom: {wants: "a cut, such as cut: {n1: [n2, n3]}"},
}

func splitGroups(f Fault, _ []string) Graph { return Split(f.Groups...) }

func splitFromRest(f Fault, nodes []string) Graph {
	rest := slices.DeleteFunc(slices.Clone(nodes),
		func(node string) bool { return slices.Contains(f.Nodes, node) })
	return Split(f.Nodes, rest)
}

// targets returns the nodes and those of all groups, in the order in which they are written.
func (f Fault) targets() []string {
	return slices.Concat(f.Nodes, slices.Concat(f.Groups...))
}

// namesAll tells whether the targets, each of them a node and named once, are all nodes.
func (f Fault) namesAll(nodes []string) bool { return len(f.targets()) == len(nodes) }

// inHalves tells whether the groups are two, as equal as can be.
func (f Fault) inHalves() bool {
	if len(f.Groups) != 2 {
		return false
	}
	difference := len(f.Groups[0]) - len(f.Groups[1])
	return -1 <= difference && difference <= 1
}

// title is how an error calls a partition.
func (f Fault) title() string {
	if f.Name == "" {
		return "a partition without a name"
	}
	return f.Name
}

func acceptedNames() string {
	var names []string
	for _, nemesis := range partitionNemeses() {
		names = append(names, nemesis.Name)
	}
	return strings.Join(names, ", ")
}

func acceptedKinds() string {
	var names []string
	for _, kind := range Kinds() {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}
