package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// memoryDirectory is a file system in memory, where a sync costs nothing.
const memoryDirectory = "/dev/shm"

// BenchmarkThroughput measures three nodes as they are run, over UDP and HTTP on loopback, with
// their clients in the same process: all of them share its processors. Each client has one
// operation in flight, on a node of its own third, and on a key of its own, since a node has one
// operation in flight a key; in the rows with keys=one all share a key, through all nodes.
//
// data=disk is where temporary files are (TMPDIR), so that a sync is the disk's; data=memory is
// /dev/shm, which is left out where there is none. What remains of the time there is not the
// disk's. In one run:
//
//	go test ./node/server -run '^$' -bench Throughput
//
// Besides operations a second and latencies it reports what they are made of: syncs of all three
// nodes an operation (a batch of several counts once), records in one, the mean time that one
// takes, processor time an operation, of nodes and clients together, and how many processors were
// busy. failed/op are operations that were not done: refused again and again on a key that others
// want.
func BenchmarkThroughput(b *testing.B) {
	for _, data := range []struct{ name, directory string }{
		{"disk", b.TempDir()}, {"memory", memoryDirectory},
	} {
		b.Run("data="+data.name, func(b *testing.B) {
			if _, err := os.Stat(data.directory); err != nil {
				b.Skip(err)
			}
			m := startMeasured(b, data.directory)
			for _, kind := range []string{http.MethodGet, http.MethodPut} {
				for _, clients := range []int{1, 16, 64} {
					m.run(b, load{kind, clients, "own"})
				}
			}
			m.run(b, load{http.MethodPut, 16, "one"})
		})
	}
}

// A load is what clients ask for.
type load struct {
	method  string
	clients int
	keys    string
}

func (l load) key(client int) string {
	if l.keys == "one" {
		return "k"
	}
	return fmt.Sprintf("k%d", client)
}

// A measured cluster has three nodes on real directories.
type measured struct {
	client    *http.Client
	addresses []string
}

func startMeasured(b *testing.B, parent string) *measured {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	m := &measured{client: &http.Client{Transport: transport, Timeout: patience}}
	root, err := os.MkdirTemp(parent, "ordeal-throughput-")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, os.RemoveAll(root)) })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 3)
	peers := make(map[paxos.NodeID]string)
	for id := paxos.NodeID(1); id <= 3; id++ {
		peers[id] = freeAddress(b)
	}
	started := 0
	b.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		for range started {
			require.NoError(b, <-ended)
		}
	})
	for id := paxos.NodeID(1); id <= 3; id++ {
		o := Options{
			Name: fmt.Sprintf("n%d", id), Number: id, Cluster: "throughput", Peers: peers,
			Listen: freeAddress(b), PeerListen: peers[id], DataDir: fmt.Sprintf("%s/n%d", root, id),
		}
		require.NoError(b, os.Mkdir(o.DataDir, 0o700))
		require.NoError(b, Format(o.DataDir, o.identity()))
		go func() { ended <- Run(ctx, o, slog.New(slog.DiscardHandler)) }()
		started++
		m.addresses = append(m.addresses, "http://"+o.Listen)
		require.Eventually(b, func() bool {
			_, err := m.get(o.Listen, "/healthz")
			return err == nil
		}, patience, time.Millisecond)
	}
	return m
}

func (m *measured) get(address, path string) ([]byte, error) {
	answer, err := m.client.Get("http://" + strings.TrimPrefix(address, "http://") + path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	return io.ReadAll(answer.Body)
}

// run measures one load. Every key was written before, through its client's node.
func (m *measured) run(b *testing.B, l load) {
	name := map[string]string{http.MethodGet: "read", http.MethodPut: "write"}[l.method]
	b.Run(fmt.Sprintf("%s/clients=%d/keys=%s", name, l.clients, l.keys), func(b *testing.B) {
		for client := range l.clients {
			_, err := m.operate(load{http.MethodPut, l.clients, l.keys}, client)
			require.NoError(b, err)
		}
		before := m.usage(b)
		b.ResetTimer()
		var next, failed atomic.Int64
		took := make([][]time.Duration, l.clients)
		errs := make([]error, l.clients)
		var clients sync.WaitGroup
		for client := range l.clients {
			clients.Go(func() {
				for next.Add(1) <= int64(b.N) && errs[client] == nil {
					start := time.Now()
					done, err := m.operate(l, client)
					if !done {
						failed.Add(1)
					}
					took[client] = append(took[client], time.Since(start))
					errs[client] = err
				}
			})
		}
		clients.Wait()
		b.StopTimer()
		for _, err := range errs {
			require.NoError(b, err)
		}
		m.usage(b).report(b, before, slices.Concat(took...))
		if l.keys == "one" {
			b.ReportMetric(float64(failed.Load())/float64(b.N), "failed/op")
			return
		}
		require.Zero(b, failed.Load(), "nobody else wants the key")
	})
}

// operate carries out one operation of a client and tells whether it was done.
func (m *measured) operate(l load, client int) (done bool, err error) {
	url := m.addresses[client%len(m.addresses)] + "/v1/registers/" + l.key(client)
	var body io.Reader
	if l.method == http.MethodPut {
		body = strings.NewReader(`{"value":"0123456789"}`)
	}
	request, err := http.NewRequest(l.method, url, body)
	if err != nil {
		return false, err
	}
	answer, err := m.client.Do(request)
	if err != nil {
		return false, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return true, err
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false, err
	default:
		return false, fmt.Errorf("%s %s: %s", l.method, url, answer.Status)
	}
}

// A usage is what was used up since the start.
type usage struct {
	syncs, records, syncSeconds float64
	processor                   time.Duration
}

// usage asks all nodes, and the kernel about this process.
func (m *measured) usage(b *testing.B) (u usage) {
	for _, address := range m.addresses {
		page, err := m.get(address, "/metrics")
		require.NoError(b, err)
		for lines := bufio.NewScanner(bytes.NewReader(page)); lines.Scan(); {
			name, number, _ := strings.Cut(lines.Text(), " ")
			into := map[string]*float64{
				"ordeal_node_disk_sync_seconds_count": &u.syncs,
				"ordeal_node_disk_sync_seconds_sum":   &u.syncSeconds,
				"ordeal_node_disk_batch_records_sum":  &u.records,
			}[name]
			if into == nil {
				continue
			}
			var value float64
			_, err := fmt.Sscan(number, &value)
			require.NoError(b, err)
			*into += value
		}
	}
	var r syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	u.processor = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	return u
}

// report reports what was used up since before, and the latencies.
func (u usage) report(b *testing.B, before usage, took []time.Duration) {
	slices.Sort(took)
	count := float64(len(took))
	quantile := func(q float64) float64 {
		return float64(took[int(q*(count-1))].Nanoseconds()) / 1e3
	}
	busy := u.processor - before.processor
	b.ReportMetric(0, "ns/op") // the reverse of op/s
	b.ReportMetric(count/b.Elapsed().Seconds(), "op/s")
	b.ReportMetric(quantile(0.5), "p50-µs")
	b.ReportMetric(quantile(0.99), "p99-µs")
	b.ReportMetric((u.syncs-before.syncs)/count, "syncs/op")
	b.ReportMetric(float64(busy.Microseconds())/count, "cpu-µs/op")
	b.ReportMetric(busy.Seconds()/b.Elapsed().Seconds(), "cores")
	if syncs := u.syncs - before.syncs; syncs > 0 {
		b.ReportMetric((u.syncSeconds-before.syncSeconds)/syncs*1e6, "µs/sync")
		b.ReportMetric((u.records-before.records)/syncs, "records/sync")
	}
}
