package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"ordeal/docker"
)

func cleanCommand() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "clean",
		Short: "Remove what a crash left behind",
		Long: `Remove the containers, networks, volumes and images of runs that are over: those whose
process no longer lives. Runs that are under way are spared unless --all is given.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			engine, err := docker.Connect(cmd.Context())
			if err != nil {
				return err
			}
			removed, err := engine.Clean(cmd.Context(), all)
			if err != nil {
				return fmt.Errorf("clean: %w", err)
			}
			fmt.Fprintln(cmd.ErrOrStderr(), removed)
			return nil
		},
	}
	command.Flags().BoolVar(&all, "all", false, "also end and remove runs that are under way")
	return command
}
