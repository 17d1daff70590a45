package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ordeal/docker/system"
	"ordeal/nemesis"
	"ordeal/workloads"
)

// An item is something that can be chosen by name.
type item struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// lists returns everything that list knows, by name, in the order of its output.
func lists() (names []string, items map[string][]item) {
	items = make(map[string][]item)
	add := func(list, name, description string) {
		if items[list] == nil {
			names = append(names, list)
		}
		items[list] = append(items[list], item{name, description})
	}
	for _, w := range workloads.List() {
		add("workloads", w.Name, w.Description)
	}
	for _, n := range nemesis.Nemeses() {
		add("nemeses", n.Name, n.Description)
	}
	for _, s := range system.List() {
		add("systems", s.Name, s.Text)
		for _, b := range s.Bugs {
			add("bugs", b.Name, b.Text)
		}
	}
	return names, items
}

func listCommand() *cobra.Command {
	var asJSON bool
	names, _ := lists()
	command := &cobra.Command{
		Use:       "list [" + strings.Join(names, "|") + "]",
		Short:     "List workloads, nemeses, systems and bugs, with a line on each",
		ValidArgs: names,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && !slices.Contains(names, args[0]) {
				return fmt.Errorf("there is no list %q (accepted: one of %s)",
					strings.Join(args, " "), strings.Join(names, ", "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			names, items := lists()
			if len(args) == 1 {
				names = args
			}
			if asJSON {
				return listJSON(cmd.OutOrStdout(), names, items)
			}
			return listText(cmd.OutOrStdout(), names, items)
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return command
}

func listJSON(out io.Writer, names []string, items map[string][]item) error {
	chosen := make(map[string][]item)
	for _, name := range names {
		chosen[name] = items[name]
	}
	return writeJSON(out, chosen)
}

func listText(out io.Writer, names []string, items map[string][]item) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, name := range names {
		if i > 0 {
			fmt.Fprintln(table)
		}
		fmt.Fprintf(table, "%s\n", strings.ToUpper(name))
		for _, item := range items[name] {
			fmt.Fprintf(table, "  %s\t%s\n", item.Name, item.Description)
		}
	}
	return table.Flush()
}
