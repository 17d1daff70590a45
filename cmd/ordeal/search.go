package main

import (
	"context"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"ordeal/linearizability"
)

func searchCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "search",
		Short:  "Search for a legal order of a key's operations (started by run and check)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return linearizability.ServeSearch(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// searchProcess is this program as the process that searches, nil if it cannot be found.
func searchProcess() func(context.Context) *exec.Cmd {
	path, err := os.Executable()
	if err != nil {
		return nil
	}
	return func(ctx context.Context) *exec.Cmd {
		command := exec.CommandContext(ctx, path, "search")
		command.Args[0] = os.Args[0]
		return command
	}
}
