package nemesis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Resolve returns the fault with its targets as the names of nodes and nothing else: the Nodes of a
// kind that has victims, the Cut of a Partition. A fault that is resolved already is returned as it
// is.
//
// A Partition without a Cut gets it from its Name and targets, and loses the targets:
//
//	isolate-one        nodes: the one that is isolated
//	halves             groups: two, of all nodes, as equal as can be
//	majority-minority  nodes: a minority
//	majorities-ring    nodes: all, at least three, in the order of the ring
//	bridge             nodes: the bridge; groups: two, of all the others, as equal as can be
//	one-way            groups: two; nothing that the first one sends reaches the second one
//	without a name     groups: two or more, cut from each other completely
//
// Packets without Links gets all there are.
//
// A random partition has no targets to name and is written as a Cut. An error says what is wrong
// with the kind or the targets and what is accepted.
func (f Fault) Resolve(nodes []string) (Fault, error) {
	if err := f.validateShape(); err != nil {
		return Fault{}, err
	}
	if err := f.validateTargets(nodes); err != nil {
		return Fault{}, err
	}
	if f.Kind == Packets && len(f.Links) == 0 {
		f.Links = completeGraph(nodes)
	}
	if f.Kind != Partition || f.Cut != nil {
		return f, nil
	}
	form := forms[f.Name]
	if !form.fits(f, nodes) {
		return Fault{}, fmt.Errorf("%s wants %s; the nodes are %s",
			f.title(), form.wants, strings.Join(nodes, ", "))
	}
	f.Cut = form.cut(f, nodes)
	f.Nodes, f.Groups = nil, nil
	return f, nil
}

// validateShape returns an error unless the fault has the fields that its kind wants and no others:
// all that can be said of its targets without knowing the nodes.
func (f Fault) validateShape() error {
	if err := f.validateParameters(); err != nil {
		return err
	}
	switch f.Kind {
	case Packets:
		if f.Name != "" || len(f.Nodes)+len(f.Groups) > 0 || f.Cut != nil {
			return errors.New("packets has no name, nodes, groups or cut: want links, or none " +
				"for all")
		}
		return nil
	case Kill, Stop, Pause, Wipe, Crash, SlowDisk, BrokenDisk, FullDisk, Rot, Drift:
		if f.Name != "" || len(f.Groups) > 0 || f.Cut != nil {
			return fmt.Errorf("a %s has no name, groups or cut: want nodes, the victims", f.Kind)
		}
		if len(f.Nodes) == 0 {
			return fmt.Errorf("a %s has no victims: want some, such as nodes: [n1]", f.Kind)
		}
		return nil
	case Partition:
		return f.validatePartition()
	default:
		return fieldErrorf("kind", "kind %q is unknown: want one of %s", f.Kind, acceptedKinds())
	}
}

func (f Fault) validatePartition() error {
	if f.Cut != nil {
		if len(f.Nodes)+len(f.Groups) > 0 {
			return errors.New("a partition has a cut and also nodes or groups: want one of them")
		}
		if len(f.Cut.Links()) == 0 {
			return fieldErrorf("cut", "a cut has no links: want some, such as cut: {n1: [n2]}")
		}
		if f.Name != "" && !isName(f.Name) {
			return fieldErrorf("name", "name %q: want %s", f.Name, nameForm)
		}
		return nil
	}
	form, ok := forms[f.Name]
	if !ok {
		return fieldErrorf("name", "name %q is unknown: want one of %s", f.Name, acceptedNames())
	}
	takesCut := !form.nodes && !form.groups
	if takesCut || (len(f.Nodes) > 0) != form.nodes || (len(f.Groups) > 0) != form.groups {
		return fieldErrorf("name", "%s wants %s", f.title(), form.wants)
	}
	return nil
}

// validateTargets returns an error unless every name is a node's, each once, and no group is empty.
func (f Fault) validateTargets(nodes []string) error {
	for _, group := range f.Groups {
		if len(group) == 0 {
			return errors.New("groups: one of them is empty: want nodes in each")
		}
	}
	names := f.targets()
	for i, name := range names {
		if err := known(nodes, name); err != nil {
			return err
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("%s is named twice: want each node once", name)
		}
	}
	if err := f.Cut.Validate(nodes); err != nil {
		return fmt.Errorf("cut: %w", err)
	}
	if err := f.Links.Validate(nodes); err != nil {
		return fmt.Errorf("links: %w", err)
	}
	return nil
}
