package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"ordeal/node/paxos"
	"ordeal/node/replica"
	"ordeal/node/store"
	"ordeal/node/wal"
)

// stopTimeout is how long a node that stops waits for the operations in flight, and then again for
// its disk.
const stopTimeout = 2 * time.Second

// A node is one running server.
type node struct {
	options Options
	logger  *slog.Logger
	started time.Time
	count   *instruments
	// refusal says why the node takes no role, "" when it does. Then what follows is not set.
	refusal  string
	boot     uint64
	recovery *Recovery
	disk     *disk
	network  *network
	loop     *loop
	// stopping is set once the node no longer serves.
	stopping atomic.Bool
}

// Run runs a node until ctx is done or the process is told to stop (SIGTERM or SIGINT). Then it
// ends what is in flight, within a bound, syncs its log, and returns nil. Any other end is an
// error; ExitCode says which exit code it deserves.
func Run(ctx context.Context, o Options, logger *slog.Logger) (err error) {
	ctx, release := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer release()
	rules, err := o.rules()
	if err != nil {
		return err
	}
	directory, err := wal.OpenDirectory(o.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, directory.Close()) }()
	return run(ctx, o, rules, directory, logger)
}

// run is Run on any file system.
func run(
	ctx context.Context, o Options, rules paxos.Rules, files wal.FileSystem, logger *slog.Logger,
) error {
	n := &node{
		options: o,
		logger:  logger.With("node", o.Name),
		started: time.Now(),
		count:   newInstruments(),
	}
	opened, err := store.Open(files, o.identity(), &rules)
	if errors.Is(err, store.ErrStaysOut) {
		n.refusal = err.Error()
		n.logger.Error("node stays out", "reason", n.refusal, "data", o.DataDir)
		return n.serve(ctx, make(chan error, 1))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o.DataDir, err)
	}
	if opened.Forgot {
		n.logger.Warn("node formatted its own disk: what it promised is forgotten",
			"data", o.DataDir, "bug", o.Bug)
	}
	log, recovered := opened.Log, opened.Recovered
	n.boot, n.recovery = recovered.Boot, recoveryOf(recovered)
	n.disk = newDisk(log, n.logger, n.count)
	if n.network, err = openNetwork(o, n.count); err != nil {
		return errors.Join(err, log.Close())
	}
	r := replica.New(o.config(rules, recovered.Boot), opened.Acceptors)
	n.loop = newLoop(o.Number, r, n.disk, n.network, n.count)
	n.logger.Info("node started", "number", o.Number, "cluster", o.Cluster,
		"boot", recovered.Boot, "recovered_keys", len(recovered.Records),
		"torn_bytes", recovered.TornBytes, "peers", FormatPeers(o.Peers), "bug", o.Bug)
	return n.work(ctx)
}

// work runs the goroutines of a node that takes part, until they have all ended.
func (n *node) work(ctx context.Context) error {
	// Each goroutine that can fail reports once: nobody has to wait to be heard.
	fatal := make(chan error, 3)
	go n.disk.run(fatal)
	n.network.start(fatal)
	go n.loop.run()
	err := n.serve(ctx, fatal)
	n.loop.stop()
	// The order matters: the loop queues nothing any more, so this sync is the last.
	err = errors.Join(err, n.disk.stop(stopTimeout))
	n.network.close()
	if err == nil {
		n.logger.Info("node stopped", "stats", n.loop.replica.Stats())
	}
	return err
}

// serve answers clients until ctx is done or something fails.
func (n *node) serve(ctx context.Context, fatal <-chan error) error {
	listener, err := net.Listen("tcp", n.options.Listen)
	if err != nil {
		return fmt.Errorf("listen for clients: %w", err)
	}
	server := n.httpServer()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(newLimitListener(listener, connectionsMax)) }()
	n.logger.Info("serving", "clients", listener.Addr().String(), "ready", n.unready() == "")
	select {
	case <-ctx.Done():
		n.logger.Info("stopping")
		n.stopping.Store(true)
		drain(server)
		<-ended
		return nil
	case err = <-fatal:
		// Answers may rest on what is not on disk: none is given any more.
		n.stopping.Store(true)
		_ = server.Close()
		<-ended
		return err
	case err = <-ended:
		_ = server.Close()
		return fmt.Errorf("serve clients: %w", err)
	}
}

// drain lets the requests in flight end, within the bound.
func drain(server *http.Server) {
	bounded, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if server.Shutdown(bounded) != nil {
		_ = server.Close()
	}
}

// unready says why the node does not serve, "" when it does.
func (n *node) unready() string {
	if n.stopping.Load() {
		return reasonStopping
	}
	return n.refusal
}
