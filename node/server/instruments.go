package server

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ordeal/node/replica"
)

// instruments are what a node counts. All are safe for concurrent use.
type instruments struct {
	registry       *prometheus.Registry
	sent, received prometheus.Counter
	// unsent counts messages that were lost before the network: the queue was full, or an error.
	unsent  prometheus.Counter
	drops   *prometheus.CounterVec
	syncs   prometheus.Histogram
	batches prometheus.Histogram

	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newInstruments() *instruments {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	with := promauto.With(registry)
	counter := func(name, help string) prometheus.Counter {
		return with.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &instruments{
		registry: registry,
		sent:     counter("ordeal_node_datagrams_sent_total", "Datagrams handed to the network."),
		received: counter("ordeal_node_datagrams_received_total", "Datagrams that were delivered."),
		unsent: counter("ordeal_node_datagrams_unsent_total",
			"Messages that were lost before the network."),
		drops: with.NewCounterVec(prometheus.CounterOpts{
			Name: "ordeal_node_datagrams_dropped_total",
			Help: "Datagrams that arrived and were not delivered.",
		}, []string{"reason"}),
		syncs: with.NewHistogram(prometheus.HistogramOpts{
			Name: "ordeal_node_disk_sync_seconds", Help: "Writing and syncing a batch.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
		}),
		batches: with.NewHistogram(prometheus.HistogramOpts{
			Name: "ordeal_node_disk_batch_records", Help: "Records in a batch.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 12),
		}),
		requests: with.NewCounterVec(prometheus.CounterOpts{
			Name: "ordeal_node_requests_total", Help: "Requests of clients by how they ended.",
		}, []string{"operation", "outcome"}),
		seconds: with.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ordeal_node_request_seconds", Help: "How long requests of clients took.",
			Buckets: prometheus.ExponentialBuckets(0.0002, 2, 14),
		}, []string{"operation"}),
	}
}

// dropped counts a datagram that was not delivered.
func (i *instruments) dropped(reason dropReason) { i.drops.WithLabelValues(string(reason)).Inc() }

// requested counts a client's request and how long it took.
func (i *instruments) requested(kind string, outcome replica.Outcome, start time.Time) {
	i.requests.WithLabelValues(kind, outcome.String()).Inc()
	i.seconds.WithLabelValues(kind).Observe(time.Since(start).Seconds())
}

// handler serves everything in Prometheus's format. It is made once for a node.
func (i *instruments) handler(n *node) http.Handler {
	i.registry.MustRegister(nodeCollector{n})
	return promhttp.HandlerFor(i.registry, promhttp.HandlerOpts{})
}

// A nodeCollector tells what the node itself keeps count of, at the moment of the question.
type nodeCollector struct{ node *node }

// Describe describes nothing: what there is depends on whether the node takes part.
func (nodeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect asks the node.
func (c nodeCollector) Collect(out chan<- prometheus.Metric) {
	tell := func(kind prometheus.ValueType, name, help string, value float64) {
		out <- prometheus.MustNewConstMetric(
			prometheus.NewDesc("ordeal_node_"+name, help, nil, nil), kind, value)
	}
	gauge, counter := prometheus.GaugeValue, prometheus.CounterValue
	n := c.node
	tell(gauge, "ready", "Whether the node serves.", oneIf(n.unready() == ""))
	tell(gauge, "boot", "The node's boot number.", float64(n.boot))
	tell(gauge, "uptime_seconds", "Time since the start.", time.Since(n.started).Seconds())
	if n.loop == nil {
		return
	}
	tell(gauge, "disk_log_bytes", "Bytes in the log since the last snapshot.",
		float64(n.disk.logBytes.Load()))
	now, ok := n.loop.inspect()
	if !ok {
		return
	}
	s := now.stats
	tell(gauge, "keys", "Keys held.", float64(s.Keys))
	tell(gauge, "messages_held", "Messages that wait for the disk.", float64(now.held))
	tell(counter, "ballots_total", "Ballots begun.", float64(s.Ballots))
	tell(counter, "ballots_resumed_total", "Ballots whose phase 1 was carried along.",
		float64(s.Resumed))
	tell(counter, "ballots_refused_total", "Ballots refused.", float64(s.Refused))
	tell(counter, "reads_fast_total", "Reads in one round trip.", float64(s.FastReads))
	tell(counter, "reads_slow_total", "Reads that needed a ballot.", float64(s.SlowReads))
}

func oneIf(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}
