package server

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"ordeal/node/replica"
	"ordeal/node/wal"
)

// A Status is what GET /v1/status answers.
type Status struct {
	Node    string            `json:"node"`
	Number  int               `json:"number"`
	Cluster string            `json:"cluster"`
	Peers   map[string]string `json:"peers"`
	Version string            `json:"version"`
	// Bug is the mistake that the node was told to make.
	Bug           string  `json:"bug,omitempty"`
	UptimeSeconds float64 `json:"uptimeSeconds"`

	// Ready tells whether the node serves; Reason why it does not.
	Ready  bool   `json:"ready"`
	Reason string `json:"reason,omitempty"`
	// Formatted is false for a node that stays out, since its disk holds no log: one that the
	// health check calls lost. Then what follows is missing.
	Formatted bool `json:"formatted"`

	// Boot numbers the node's lives.
	Boot     uint64    `json:"boot,omitempty"`
	Keys     int       `json:"keys"`
	Requests *Requests `json:"requests,omitempty"`
	Ballots  *Ballots  `json:"ballots,omitempty"`
	Reads    *Reads    `json:"reads,omitempty"`
	Recovery *Recovery `json:"recovery,omitempty"`
}

// Requests counts the operations of this life by how they ended.
type Requests struct {
	Done       uint64 `json:"done"`
	NotApplied uint64 `json:"notApplied"`
	Unknown    uint64 `json:"unknown"`
}

// Ballots counts those that this life of the node began, those among them whose first phase an
// earlier acceptance had carried along, and those that were refused.
type Ballots struct {
	Begun   uint64 `json:"begun"`
	Resumed uint64 `json:"resumed"`
	Refused uint64 `json:"refused"`
}

// Reads counts those that took one round trip, and those that needed a ballot.
type Reads struct {
	Fast uint64 `json:"fast"`
	Slow uint64 `json:"slow"`
}

// Recovery is what the log held when the node started.
type Recovery struct {
	Keys          int   `json:"keys"`
	Batches       int   `json:"batches"`
	SnapshotBytes int64 `json:"snapshotBytes"`
	LogBytes      int64 `json:"logBytes"`
	// TornBytes is the length of a batch that was never synced, and was cut off.
	TornBytes int64 `json:"tornBytes"`
}

func (n *node) status(w http.ResponseWriter, _ *http.Request) {
	s := Status{
		Node:          n.options.Name,
		Number:        int(n.options.Number),
		Cluster:       n.options.Cluster,
		Peers:         make(map[string]string),
		Version:       version(),
		Bug:           n.options.Bug,
		UptimeSeconds: time.Since(n.started).Seconds(),
		Reason:        n.unready(),
		Formatted:     n.refusal == "",
		Boot:          n.boot,
		Recovery:      n.recovery,
	}
	s.Ready = s.Reason == ""
	for number, address := range n.options.Peers {
		s.Peers[strconv.Itoa(int(number))] = address
	}
	if n.loop != nil {
		if now, ok := n.loop.inspect(); ok {
			s.count(now.stats)
		}
	}
	reply(w, http.StatusOK, s)
}

func recoveryOf(r wal.Recovered) *Recovery {
	return &Recovery{
		Keys:          len(r.Records),
		Batches:       r.Batches,
		SnapshotBytes: r.SnapshotBytes,
		LogBytes:      r.LogBytes,
		TornBytes:     r.TornBytes,
	}
}

func (s *Status) count(stats replica.Stats) {
	s.Keys = stats.Keys
	s.Requests = &Requests{stats.Done, stats.NotApplied, stats.Unknown}
	s.Ballots = &Ballots{stats.Ballots, stats.Resumed, stats.Refused}
	s.Reads = &Reads{stats.FastReads, stats.SlowReads}
}

func (n *node) health(w http.ResponseWriter, _ *http.Request) {
	answer := struct {
		Ready  bool   `json:"ready"`
		Reason string `json:"reason,omitempty"`
		// Lost: the disk is not formatted. The node will never serve again, however long one waits.
		Lost bool `json:"lost,omitempty"`
	}{Reason: n.unready(), Lost: n.refusal != ""}
	answer.Ready = answer.Reason == ""
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	reply(w, status, answer)
}

// version returns the version of the program, and the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return info.Main.Version + " " + setting.Value
		}
	}
	return info.Main.Version
}
