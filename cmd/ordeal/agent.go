package main

import (
	"os"

	"github.com/spf13/cobra"

	"ordeal/docker/agent"
)

func agentCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "agent",
		Short:  "Hold a node's network namespace and inject its faults (runs inside a container)",
		Hidden: true,
		Args:   cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return agent.Main(cmd.Context(), os.Stdin, os.Stdout, os.Stderr)
		},
	}
}
