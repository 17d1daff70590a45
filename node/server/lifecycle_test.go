package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
	"ordeal/node/wal"
)

func TestRestartKeepsValuesAndBootGrows(t *testing.T) {
	c := startCluster(t, 3)
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	for life := 2; life <= 4; life++ {
		for number := range c.nodes {
			require.NoError(t, c.stop(number+1))
			// What was only written is lost: everything that was answered for was synced.
			c.nodes[number].disk.CrashMachine(wal.Crash{})
		}
		for number := range c.nodes {
			c.start(number + 1)
			c.awaitServing(number + 1)
		}
		c.expect(2, "GET", "/v1/registers/k", "", `{"value":"a"}`)
		status := c.do(3, "GET", "/v1/status", "").body
		require.EqualValues(t, life, status["boot"])
		require.EqualValues(t, 1, status["recovery"].(map[string]any)["keys"])
	}
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"b"}`, `{"value":"b"}`)
	c.expect(3, "GET", "/v1/registers/k", "", `{"value":"b"}`)
}

func TestUnformattedNodeStaysOut(t *testing.T) {
	c := newCluster(t, 3, quick)
	*c.node(3).disk = wal.MemoryDisk{}
	for number := 1; number <= 3; number++ {
		c.start(number)
		c.awaitServing(number)
	}
	health := c.do(3, "GET", "/healthz", "")
	require.Equal(t, http.StatusServiceUnavailable, health.status)
	require.Contains(t, health.body["reason"], "disk is not formatted")
	require.Equal(t, true, health.body["lost"])
	require.Equal(t, map[string]any{"ready": true}, c.do(1, "GET", "/healthz", "").body)
	for _, test := range [][3]string{
		{"GET", "/v1/registers/k", ""},
		{"GET", "/v1/registers/k?consistency=local", ""},
		{"PUT", "/v1/registers/k", `{"value":"x"}`},
		{"POST", "/v1/registers/k/compare-and-set", `{"expected":null,"value":"x"}`},
		{"POST", "/v1/decrees/k", `{"value":"x"}`},
		{"GET", "/v1/decrees/k", ""},
	} {
		r := c.do(3, test[0], test[1], test[2])
		require.Equal(t, http.StatusServiceUnavailable, r.status)
		require.Equal(t, "not applied", r.body["outcome"])
		require.Contains(t, r.body["reason"], "disk is not formatted")
	}
	status := c.do(3, "GET", "/v1/status", "").body
	require.Equal(t, false, status["formatted"])
	require.Equal(t, false, status["ready"])
	require.Contains(t, c.node(3).log.String(), "node stays out")

	// It takes no role: without it two of three are a majority, and with one of them down none is.
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(2))
	require.NotEqual(t, http.StatusOK, c.do(1, "GET", "/v1/registers/k", "").status)
	_, formatted := c.node(3).disk.Contents("log")
	require.False(t, formatted, "it does not format its disk")
	require.NoError(t, c.stop(3))
}

// What is in flight is answered before the node stops.
func TestGracefulStop(t *testing.T) {
	c := newCluster(t, 3, func(o *Options) { o.RequestTimeout = time.Second })
	c.start(1)
	c.awaitServing(1)
	answers := make(chan response, 1)
	go func() { answers <- c.do(1, "PUT", "/v1/registers/k", `{"value":"x"}`) }()
	require.Eventually(t, func() bool {
		ballots, _ := c.do(1, "GET", "/v1/status", "").body["ballots"].(map[string]any)
		return ballots["begun"] == 1.0
	}, patience, time.Millisecond)
	require.NoError(t, c.stop(1))
	answer := <-answers
	require.Equal(t, http.StatusServiceUnavailable, answer.status, "%v", answer.body)
	require.Equal(t, "not applied", answer.body["outcome"])
	for _, line := range []string{"node started", "serving", "stopping", "node stopped"} {
		require.Contains(t, c.node(1).log.String(), line)
	}
	require.Zero(t, c.do(1, "GET", "/healthz", "").status, "nobody listens any more")
}

func TestDiskFailureEndsTheNode(t *testing.T) {
	c := newCluster(t, 1)
	m := c.node(1)
	broken := make(chan struct{})
	m.disk.Decide = func(o wal.Operation) wal.Decision {
		select {
		case <-broken:
			return wal.Decision{Err: syscall.EIO}
		default:
			return wal.Decision{}
		}
	}
	c.start(1)
	c.awaitServing(1)
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	close(broken)
	require.Zero(t, c.do(1, "PUT", "/v1/registers/k", `{"value":"b"}`).status, "no answer at all")
	err := <-m.ended
	m.stop()
	m.stop = nil
	require.ErrorIs(t, err, ErrDisk)
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, ExitDisk, ExitCode(err))
}

func TestDamagedOrForeignDiskIsRefused(t *testing.T) {
	c := startCluster(t, 1)
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(1))
	m := c.node(1)
	log, ok := m.disk.Contents("log")
	require.True(t, ok)

	damaged := bytes.Clone(log)
	damaged[20] ^= 1
	m.disk.Put("log", damaged)
	c.start(1)
	err := <-m.ended
	require.ErrorContains(t, err, "damaged")
	require.Equal(t, ExitDamage, ExitCode(err))

	m.disk.Put("log", log)
	m.options.Cluster = "another"
	m.stop()
	c.start(1)
	err = <-m.ended
	require.ErrorContains(t, err, "another")
	require.Equal(t, ExitForeign, ExitCode(err))
	m.stop()
	m.stop = nil
}

func TestAddressInUse(t *testing.T) {
	c := startCluster(t, 1)
	for _, change := range []func(*Options){
		func(o *Options) { o.PeerListen = freeAddress(t) }, // the clients' is taken
		func(o *Options) { o.Listen = freeAddress(t) },     // the peers' is taken
	} {
		o := c.node(1).options
		change(&o)
		disk := &wal.MemoryDisk{}
		require.NoError(t, wal.Format(disk, o.identity()))
		err := run(t.Context(), o, paxos.Correct(), disk, slog.New(slog.DiscardHandler))
		require.ErrorIs(t, err, syscall.EADDRINUSE)
		require.Equal(t, 1, ExitCode(err))
	}
}

func TestOptions(t *testing.T) {
	good := Options{
		Name: "n1", Number: 1, Cluster: "c", Peers: map[paxos.NodeID]string{1: "a:1", 2: "b:2"},
	}
	_, err := good.rules()
	require.NoError(t, err)
	for text, change := range map[string]func(*Options){
		"unknown bug":          func(o *Options) { o.Bug = "none such" },
		"node's name has 0":    func(o *Options) { o.Name = "" },
		"cluster's name has 0": func(o *Options) { o.Cluster = "" },
		"1=a:1,2=b:2":          func(o *Options) { o.Number = 3 },
		"request timeout -1ns": func(o *Options) { o.RequestTimeout = -1 },
		"read timeout -1ns":    func(o *Options) { o.ReadTimeout = -1 },
		"peer number 16 is not": func(o *Options) {
			o.Peers = map[paxos.NodeID]string{1: "a", 16: "b"}
		},
	} {
		o := good
		change(&o)
		_, err := o.rules()
		require.ErrorContains(t, err, text)
		require.ErrorIs(t, err, ErrOptions)
		require.Equal(t, ExitOptions, ExitCode(Run(t.Context(), o, slog.New(slog.DiscardHandler))))
	}
}

func TestPeerLists(t *testing.T) {
	peers, err := ParsePeers("2=10.0.0.3:7000,1=n1:7000,10=[::1]:7000")
	require.NoError(t, err)
	require.Equal(t, map[paxos.NodeID]string{
		1: "n1:7000", 2: "10.0.0.3:7000", 10: "[::1]:7000",
	}, peers)
	require.Equal(t, "1=n1:7000,2=10.0.0.3:7000,10=[::1]:7000", FormatPeers(peers))
	for list, text := range map[string]string{
		"":                  "NUMBER=HOST:PORT",
		"10.0.0.1:7000":     "NUMBER=HOST:PORT",
		"0=a:1":             "not in 1 to 15",
		"16=a:1":            "not in 1 to 15",
		"x=a:1":             "not in 1 to 15",
		"1=a":               "not HOST:PORT",
		"1=a:1,1=b:2":       "twice",
		"1=a:1,2=b:2,":      "NUMBER=HOST:PORT",
		"1=a:1, 2=10.0.0.1": "not in 1 to 15",
	} {
		_, err := ParsePeers(list)
		require.ErrorContains(t, err, text, "%q", list)
	}
}

func TestFormatOnce(t *testing.T) {
	directory, identity := t.TempDir(), wal.Identity{Cluster: "c", Node: "n1"}
	require.NoError(t, Format(directory, identity))
	require.ErrorIs(t, Format(directory, identity), wal.ErrFormatted)
	require.Error(t, Format(filepath.Join(directory, "none"), identity))
}

// A child is a node in a process of its own, on a real directory.
func startChild(t *testing.T, directory, listen string) (*exec.Cmd, *lockedBuffer) {
	t.Helper()
	var output lockedBuffer
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+directory+" "+listen)
	child.Stderr = &output
	require.NoError(t, child.Start())
	t.Cleanup(func() { _ = child.Process.Kill() })
	return child, &output
}

func TestProcessStopsOnSignal(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		c := newCluster(t, 1)
		directory := t.TempDir()
		require.NoError(t, Format(directory, wal.Identity{Cluster: "child", Node: "n1"}))
		child, output := startChild(t, directory, c.node(1).options.Listen)
		c.awaitServing(1)
		c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
		require.NoError(t, child.Process.Signal(signal))
		require.NoError(t, child.Wait(), "%s", output)
		require.Contains(t, output.String(), "node stopped")
	}
}

func TestProcessSurvivesKill(t *testing.T) {
	c := newCluster(t, 1)
	directory := t.TempDir()
	require.NoError(t, Format(directory, wal.Identity{Cluster: "child", Node: "n1"}))
	for life, value := range []string{"null", `"0"`, `"1"`} {
		child, output := startChild(t, directory, c.node(1).options.Listen)
		c.awaitServing(1)
		c.expect(1, "GET", "/v1/registers/k", "", `{"value":`+value+`}`)
		next := `{"value":"` + string(rune('0'+life)) + `"}`
		c.expect(1, "PUT", "/v1/registers/k", next, next)
		require.NoError(t, child.Process.Kill())
		require.Error(t, child.Wait(), "%s", output)
	}
}

func TestProcessEndsOnADamagedLog(t *testing.T) {
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(directory, "log"), []byte("rubbish"), 0o600))
	child, output := startChild(t, directory, freeAddress(t))
	var exit *exec.ExitError
	require.True(t, errors.As(child.Wait(), &exit))
	require.Equal(t, ExitDamage, exit.ExitCode())
	require.Contains(t, output.String(), "damaged")
}

func TestRunNeedsItsDirectory(t *testing.T) {
	o := Options{
		Name: "n1", Number: 1, Cluster: "c", Peers: map[paxos.NodeID]string{1: "127.0.0.1:1"},
		DataDir: filepath.Join(t.TempDir(), "none"),
	}
	require.ErrorIs(t, Run(context.Background(), o, slog.New(slog.DiscardHandler)), os.ErrNotExist)
}
