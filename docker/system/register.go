package system

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	"ordeal/node/paxos"
	"ordeal/node/server"
	"ordeal/node/wal"
)

const (
	registerClientPort = 8080
	registerPeerPort   = 7000
	registerDataDir    = "/data"
	// program is where Ordeal's own image holds the running program.
	program = "/ordeal"
)

// PaxosRegister returns the built-in system: a linearizable register for each key, and
// single-decree consensus, on Paxos. bug names the mistake of the catalogue that its nodes make, ""
// for none; they refuse to start with one that does not exist.
func PaxosRegister(bug string) System {
	return System{
		Name:       "paxos-register",
		ClientPort: registerClientPort,
		DataDir:    registerDataDir,
		Datagrams:  true,
		// A full disk among others: the node does right to end then.
		MachineExits: []int{server.ExitDisk},
		Command: func(c Cluster, n Member) []string {
			return registerCommand(c, n, bug)
		},
		Files: registerFiles,
		Dial:  func(e Endpoint) Client { return newRegisterClient(e) },
	}
}

func registerCommand(c Cluster, n Member, bug string) []string {
	peers := make(map[paxos.NodeID]string)
	for _, member := range c.Members {
		address := net.JoinHostPort(member.Address, strconv.Itoa(registerPeerPort))
		peers[paxos.NodeID(member.Number)] = address
	}
	command := []string{
		program, "node",
		"--name", n.Name,
		"--number", strconv.Itoa(n.Number),
		"--cluster", c.ID,
		"--peers", server.FormatPeers(peers),
		"--listen", fmt.Sprintf(":%d", registerClientPort),
		"--peer-listen", fmt.Sprintf(":%d", registerPeerPort),
		"--data", registerDataDir,
	}
	if bug != "" {
		command = append(command, "--bug", bug)
	}
	return command
}

// registerFiles returns the empty log of a new node. It is written once, by who creates the
// cluster: a node never formats its own disk.
func registerFiles(c Cluster, n Member) ([]File, error) {
	contents, err := wal.FormatFiles(wal.Identity{Cluster: c.ID, Node: n.Name})
	if err != nil {
		return nil, fmt.Errorf("format the disk of %s: %w", n.Name, err)
	}
	var files []File
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		files = append(files, File{Path: path, Data: contents[path]})
	}
	return files, nil
}
