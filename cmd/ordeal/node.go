package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"ordeal/node/paxos"
	"ordeal/node/server"
	"ordeal/node/wal"
)

func nodeCommand() *cobra.Command {
	var options server.Options
	var number uint16
	var peers string
	command := &cobra.Command{
		Use:   "node",
		Short: "Run one node of the Paxos register (what runs inside the containers)",
		Long: `Run one node of the Paxos register. Its disk must have been formatted, once, by
"ordeal node format": a node that finds its disk unformatted stays out, because what it
promised is forgotten.`,
		Example: `  ordeal node format --name n1 --cluster demo --data data/n1
  ordeal node --name n1 --number 1 --cluster demo --data data/n1 \
      --peers 1=127.0.0.1:7001,2=127.0.0.1:7002,3=127.0.0.1:7003 \
      --listen 127.0.0.1:8001 --peer-listen 127.0.0.1:7001`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if peers == "" {
				return usage(errors.New("--peers is required: 1=HOST:PORT,2=HOST:PORT,…"))
			}
			addresses, err := server.ParsePeers(peers)
			if err != nil {
				return usage(fmt.Errorf("--peers: %w", err))
			}
			options.Number, options.Peers = paxos.NodeID(number), addresses
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			err = server.Run(cmd.Context(), options, log)
			if errors.Is(err, server.ErrOptions) {
				return usage(err)
			}
			if err != nil {
				return exitError{err, server.ExitCode(err)}
			}
			return nil
		},
	}
	f := command.Flags()
	f.StringVar(&options.Name, "name", "", "the node's name, such as n2")
	f.Uint16Var(&number, "number", 0, "the node's number among --peers")
	f.StringVar(&options.Cluster, "cluster", "", "the cluster's name")
	f.StringVar(&peers, "peers", "",
		"the UDP addresses of all nodes, as 1=HOST:PORT,2=HOST:PORT,…")
	f.StringVar(&options.Listen, "listen", ":8080", "where clients are served, HOST:PORT (HTTP)")
	f.StringVar(&options.PeerListen, "peer-listen", ":7000", "where peers are heard (UDP)")
	f.StringVar(&options.DataDir, "data", "data", "the `directory` of the node's log")
	f.StringVar(&options.Bug, "bug", "", "make this mistake of \"ordeal list bugs\"")
	f.Uint64Var(&options.Seed, "seed", 0, "the seed of the jitter")
	f.DurationVar(&options.RequestTimeout, "request-timeout", 0,
		"how long an operation may take; 0 for the default")
	complete(command, "bug", bugNames)
	command.AddCommand(formatCommand())
	return command
}

func formatCommand() *cobra.Command {
	var identity wal.Identity
	var directory string
	command := &cobra.Command{
		Use:   "format",
		Short: "Format the disk of a new node, once",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if identity.Node == "" || identity.Cluster == "" {
				return usage(errors.New("--name and --cluster are required"))
			}
			return usage(server.Format(directory, identity))
		},
	}
	f := command.Flags()
	f.StringVar(&identity.Node, "name", "", "the node's name, such as n2")
	f.StringVar(&identity.Cluster, "cluster", "", "the cluster's name")
	f.StringVar(&directory, "data", "data", "the `directory` of the node's log")
	return command
}
