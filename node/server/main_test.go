package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"go.uber.org/goleak"

	"ordeal/node/paxos"
)

// childVariable makes the test's program a node, for tests of a process's end: it holds the
// directory and the address for clients.
const childVariable = "ORDEAL_SERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if child := os.Getenv(childVariable); child != "" {
		os.Exit(runChild(child))
	}
	goleak.VerifyTestMain(m)
}

func runChild(child string) int {
	var directory, listen string
	if _, err := fmt.Sscan(child, &directory, &listen); err != nil {
		panic(err)
	}
	o := Options{
		Name: "n1", Number: 1, Cluster: "child", DataDir: directory, Listen: listen,
		Peers: map[paxos.NodeID]string{1: "127.0.0.1:0"}, PeerListen: "127.0.0.1:0",
	}
	err := Run(context.Background(), o, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return ExitCode(err)
}
