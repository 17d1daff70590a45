package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ordeal/results"
)

// complete offers the names of a list for a flag.
func complete(command *cobra.Command, flag string, names func() []string) {
	registerCompletion(command, flag,
		func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return names(), cobra.ShellCompDirectiveNoFileComp
		})
}

// completeSeveral offers the names of a list for a flag that takes several, separated by commas:
// for the last of them, those that do not stand there already.
func completeSeveral(command *cobra.Command, flag string, names func() []string) {
	registerCompletion(command, flag,
		func(_ *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
			before := text[:strings.LastIndex(text, ",")+1]
			var offered []string
			for _, name := range names() {
				if !strings.Contains(","+before, ","+name+",") {
					offered = append(offered, before+name)
				}
			}
			return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		})
}

func registerCompletion(command *cobra.Command, flag string, offer cobra.CompletionFunc) {
	if err := command.RegisterFlagCompletionFunc(flag, offer); err != nil {
		panic(err)
	}
}

// completeRuns offers the runs below root, and leaves files to the shell.
func completeRuns(root *string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		entries, err := os.ReadDir(*root)
		if err != nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
		var runs []string
		for _, entry := range entries {
			if _, err := results.Find(*root, entry.Name()); err == nil {
				runs = append(runs, entry.Name())
			}
		}
		return runs, cobra.ShellCompDirectiveDefault
	}
}

// completeOfRun offers for a flag some names of the run that the command was given, if it was given
// one already.
func completeOfRun(
	command *cobra.Command, flag string, root *string, names func(results.Run) []string,
) {
	registerCompletion(command, flag,
		func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			directory, err := results.Find(*root, args[0])
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			run, err := directory.Load()
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return names(run), cobra.ShellCompDirectiveNoFileComp
		})
}

// runClasses returns the classes of violations that a run was convicted of.
func runClasses(run results.Run) []string { return results.Classes(run.Findings) }

// runKeys returns the keys of a run that its record lists.
func runKeys(run results.Run) []string {
	var keys []string
	if run.Check != nil {
		for _, key := range run.Check.Linearizability.Keys {
			keys = append(keys, key.Key)
		}
	}
	return keys
}

func listed(list string) func() []string {
	return func() []string {
		_, items := lists()
		var names []string
		for _, item := range items[list] {
			names = append(names, item.Name)
		}
		return names
	}
}

var (
	workloadNames = listed("workloads")
	nemesisNames  = listed("nemeses")
	bugNames      = listed("bugs")
	systemNames   = listed("systems")
)
