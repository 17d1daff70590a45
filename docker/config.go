package docker

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"

	"ordeal/docker/system"
	"ordeal/nemesis"
)

// The limits that a Config without any of its own gets, for each node.
const (
	DefaultMemory int64 = 512 << 20
	DefaultPids   int64 = 512
)

// nodesMax bounds a cluster: each node is two containers, and agents probe each other in pairs.
const nodesMax = 50

// A Config says what to start.
type Config struct {
	// RunID is unique, and becomes part of names: letters, digits, dots, dashes and underscores.
	RunID  string
	System system.System
	// Nodes is how many there are; they are called n1, n2 and so on.
	Nodes int
	// Kinds are the kinds of faults that will be asked for: what each needs is tried at the start,
	// and Unable tells of it. With none nothing is tried and all are assumed to be possible; where
	// partitions are not, the start fails then.
	Kinds []nemesis.Kind
	// Program is the executable that Ordeal's image is made of: it must run an agent when it is
	// called with the argument "agent". "" stands for this process's.
	Program string
	// Memory, in bytes, and Pids, processes and threads, limit each node; 0 stands for the default.
	// A node that uses more memory is killed by the kernel, which OnExit tells.
	Memory, Pids int64
	// Keep spares everything of this run from the clean-up at the start of later runs; Clean removes
	// it.
	Keep bool
	// Logs is the directory that the nodes' logs are collected into when the cluster does not start,
	// before it is removed; "" for none.
	Logs string
	// Logger takes what agents and engine have to say; nil for none.
	Logger *slog.Logger
	// Progress is told what is being done while the cluster starts, in a few words; it may be nil.
	Progress func(string)

	// owner is who the run belongs to: this process, except in tests.
	owner owner
}

// runIDs are the IDs that an engine takes as part of a name.
var runIDs = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,99}$`)

// complete checks a Config and fills in what it leaves open.
func (c Config) complete() (Config, error) {
	switch {
	case !runIDs.MatchString(c.RunID):
		return c, fmt.Errorf("the run ID %q cannot be part of a container's name", c.RunID)
	case c.Nodes < 1 || c.Nodes > nodesMax:
		return c, fmt.Errorf("a cluster has 1 to %d nodes, not %d", nodesMax, c.Nodes)
	case c.System.Command == nil || c.System.Dial == nil:
		return c, errors.New("the system under test lacks its command or its client")
	case c.System.ClientPort < 1 || c.System.ClientPort > 65535:
		return c, fmt.Errorf("the system's client port, %d, is none", c.System.ClientPort)
	}
	if c.Memory == 0 {
		c.Memory = DefaultMemory
	}
	if c.Pids == 0 {
		c.Pids = DefaultPids
	}
	if c.owner == (owner{}) {
		c.owner = currentOwner()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	return c, nil
}
