package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
	"ordeal/node/wal"
)

// patience bounds what tests wait for; nothing takes nearly as long unless it is broken.
const patience = 30 * time.Second

// A cluster is some nodes in this process, on loopback, with disks in memory.
type cluster struct {
	t      *testing.T
	client *http.Client
	nodes  []*member
}

type member struct {
	options Options
	disk    *wal.MemoryDisk
	log     lockedBuffer
	stop    context.CancelFunc
	ended   chan error
}

// newCluster formats the disks of so many nodes and starts none.
func newCluster(t *testing.T, count int, change ...func(*Options)) *cluster {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	c := &cluster{t: t, client: &http.Client{Transport: transport}}
	peers := make(map[paxos.NodeID]string)
	for number := range count {
		peers[paxos.NodeID(number+1)] = freeAddress(t)
	}
	for number := range count {
		id := paxos.NodeID(number + 1)
		o := Options{
			Name: fmt.Sprintf("n%d", id), Number: id, Cluster: t.Name(), Peers: peers,
			Listen: freeAddress(t), PeerListen: peers[id],
		}
		for _, f := range change {
			f(&o)
		}
		m := &member{options: o, disk: &wal.MemoryDisk{}}
		require.NoError(t, wal.Format(m.disk, o.identity()))
		c.nodes = append(c.nodes, m)
	}
	t.Cleanup(func() {
		for number := range c.nodes {
			c.stop(number + 1)
		}
		transport.CloseIdleConnections()
	})
	return c
}

// startCluster starts all of so many nodes.
func startCluster(t *testing.T, count int, change ...func(*Options)) *cluster {
	t.Helper()
	c := newCluster(t, count, change...)
	for number := range c.nodes {
		c.start(number + 1)
		c.awaitServing(number + 1)
	}
	return c
}

func (c *cluster) node(number int) *member { return c.nodes[number-1] }

// start begins a life of a node.
func (c *cluster) start(number int) {
	c.t.Helper()
	m := c.node(number)
	rules, err := m.options.rules()
	require.NoError(c.t, err)
	ctx, stop := context.WithCancel(context.Background())
	m.stop, m.ended = stop, make(chan error, 1)
	logger := slog.New(slog.NewTextHandler(&m.log, nil))
	go func() { m.ended <- run(ctx, m.options, rules, m.disk, logger) }()
}

// awaitServing waits until a node answers at all, ready or not.
func (c *cluster) awaitServing(number int) {
	c.t.Helper()
	require.Eventually(c.t, func() bool {
		response, err := c.client.Get(c.url(number, "/healthz"))
		if err != nil {
			return false
		}
		return response.Body.Close() == nil
	}, patience, time.Millisecond)
}

// stop ends a node's life, if it has one, and returns its error.
func (c *cluster) stop(number int) error {
	m := c.node(number)
	if m.stop == nil {
		return nil
	}
	m.stop()
	m.stop = nil
	return <-m.ended
}

func (c *cluster) url(number int, path string) string {
	return "http://" + c.node(number).options.Listen + path
}

// A response is a status and a JSON object.
type response struct {
	status int
	header http.Header
	body   map[string]any
}

// do sends a request. It is safe for concurrent use, and reports errors as a status of 0.
func (c *cluster) do(number int, method, path, body string) response {
	return c.doRequest(method, c.url(number, path), strings.NewReader(body))
}

func (c *cluster) doRequest(method, url string, body io.Reader) response {
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return response{body: map[string]any{"error": err.Error()}}
	}
	answer, err := c.client.Do(request)
	if err != nil {
		return response{body: map[string]any{"error": err.Error()}}
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(answer.Body)
	r := response{status: answer.StatusCode, header: answer.Header}
	if err == nil {
		err = json.Unmarshal(data, &r.body)
	}
	if err != nil {
		r.body = map[string]any{"error": err.Error(), "text": string(data)}
	}
	return r
}

// expect sends a request that must be answered 200 with this JSON.
func (c *cluster) expect(number int, method, path, body, want string) {
	c.t.Helper()
	r := c.do(number, method, path, body)
	require.Equal(c.t, http.StatusOK, r.status, "%s %s: %v", method, path, r.body)
	got, err := json.Marshal(r.body)
	require.NoError(c.t, err)
	require.JSONEq(c.t, want, string(got), "%s %s", method, path)
}

// freeAddress returns an address of loopback whose port is free for TCP and UDP. It lies below the
// ports that the kernel gives out by itself, so that nobody takes it between a node's lives.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))
		tcp, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		udp, err := net.ListenPacket("udp", address)
		require.NoError(t, tcp.Close())
		if err != nil {
			continue
		}
		require.NoError(t, udp.Close())
		return address
	}
	require.Fail(t, "no free port")
	return ""
}

// A lockedBuffer is written by a node and read by its test.
type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}
