package main

import (
	"errors"

	"github.com/spf13/cobra"

	"ordeal/docker/wipe"
)

func wipeCommand() *cobra.Command {
	var sure bool
	command := &cobra.Command{
		Use:    "wipe DIR",
		Short:  "Delete everything in a directory (runs inside a container, on a node's volume)",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !sure {
				return usage(errors.New("it deletes everything in the directory, so it needs --" +
					wipe.Flag))
			}
			err := wipe.Main(args[0], cmd.OutOrStdout())
			if errors.Is(err, wipe.ErrRefused) {
				return usage(err)
			}
			return err
		},
	}
	command.Flags().BoolVar(&sure, wipe.Flag, false, "do it")
	return command
}
