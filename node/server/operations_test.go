package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func quick(o *Options) { o.RequestTimeout = 200 * time.Millisecond }

func TestRegistersAcrossNodes(t *testing.T) {
	c := startCluster(t, 3)
	c.expect(1, "GET", "/v1/registers/k", "", `{"value":null}`)
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	c.expect(2, "GET", "/v1/registers/k", "", `{"value":"a"}`)
	c.expect(3, "POST", "/v1/registers/k/compare-and-set",
		`{"expected":"a","value":"b"}`, `{"applied":true,"value":"b"}`)
	c.expect(1, "POST", "/v1/registers/k/compare-and-set",
		`{"expected":"a","value":"c"}`, `{"applied":false,"value":"b"}`)
	c.expect(2, "GET", "/v1/registers/k?consistency=linearizable", "", `{"value":"b"}`)
}

func TestCompareAndSetOfNothing(t *testing.T) {
	c := startCluster(t, 3)
	c.expect(1, "POST", "/v1/registers/k/compare-and-set",
		`{"expected":"","value":"x"}`, `{"applied":false,"value":null}`)
	c.expect(1, "POST", "/v1/registers/k/compare-and-set",
		`{"expected":null,"value":""}`, `{"applied":true,"value":""}`)
	c.expect(2, "POST", "/v1/registers/k/compare-and-set",
		`{"expected":null,"value":"y"}`, `{"applied":false,"value":""}`)
	c.expect(3, "POST", "/v1/registers/k/compare-and-set",
		`{"expected":"","value":"z"}`, `{"applied":true,"value":"z"}`)
}

// Every node increments one counter by compare-and-set. No increment may be lost or done twice.
func TestConcurrentCompareAndSets(t *testing.T) {
	c := startCluster(t, 3)
	c.expect(1, "PUT", "/v1/registers/counter", `{"value":"0"}`, `{"value":"0"}`)
	const each = 15
	var workers sync.WaitGroup
	failures := make(chan string, len(c.nodes))
	for number := range c.nodes {
		workers.Go(func() {
			for done := 0; done < each; {
				applied, err := c.increment(number + 1)
				if err != nil {
					failures <- err.Error()
					return
				}
				if applied {
					done++
				}
			}
		})
	}
	workers.Wait()
	close(failures)
	for failure := range failures {
		require.Fail(t, failure)
	}
	want := fmt.Sprintf(`{"value":"%d"}`, each*len(c.nodes))
	c.expect(2, "GET", "/v1/registers/counter", "", want)
}

// increment tries to add one. What certainly had no effect is not an error.
func (c *cluster) increment(number int) (applied bool, err error) {
	read := c.do(number, "GET", "/v1/registers/counter", "")
	if read.status == http.StatusServiceUnavailable {
		return false, nil
	}
	text, ok := read.body["value"].(string)
	if !ok {
		return false, fmt.Errorf("read: %d %v", read.status, read.body)
	}
	var count int
	if _, err := fmt.Sscan(text, &count); err != nil {
		return false, err
	}
	body := fmt.Sprintf(`{"expected":"%d","value":"%d"}`, count, count+1)
	swap := c.do(number, "POST", "/v1/registers/counter/compare-and-set", body)
	switch swap.status {
	case http.StatusOK:
		return swap.body["applied"].(bool), nil
	case http.StatusServiceUnavailable:
		return false, nil
	default:
		return false, fmt.Errorf("compare-and-set: %d %v", swap.status, swap.body)
	}
}

func TestDecreesOnAllNodes(t *testing.T) {
	c := startCluster(t, 3)
	c.expect(1, "GET", "/v1/decrees/d", "", `{"learned":null}`)
	c.expect(1, "POST", "/v1/decrees/d", `{"value":"first"}`, `{"chosen":"first"}`)
	c.expect(2, "PUT", "/v1/decrees/d", `{"value":"second"}`, `{"chosen":"first"}`)
	for number := 1; number <= 3; number++ {
		require.Eventually(t, func() bool {
			return c.do(number, "GET", "/v1/decrees/d", "").body["learned"] == "first"
		}, patience, time.Millisecond)
	}
	// Registers and decrees of one name are not the same key.
	c.expect(1, "GET", "/v1/registers/d", "", `{"value":null}`)
}

func TestLocalReadIsTheNodesOwn(t *testing.T) {
	c := startCluster(t, 3, quick)
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(2))
	require.NoError(t, c.stop(3))
	require.NotEqual(t, http.StatusOK, c.do(1, "GET", "/v1/registers/k", "").status)
	c.expect(1, "GET", "/v1/registers/k?consistency=local", "", `{"value":"a"}`)
}

func TestWithoutAMajority(t *testing.T) {
	c := startCluster(t, 3, quick)
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(2))
	require.NoError(t, c.stop(3))

	// A fresh key needs phase 1: nobody was asked to accept, so that it certainly has no effect.
	r := c.do(1, "PUT", "/v1/registers/other", `{"value":"x"}`)
	require.Equal(t, http.StatusServiceUnavailable, r.status)
	require.Equal(t, "not applied", r.body["outcome"])
	require.NotEmpty(t, r.body["reason"])

	// The promise for the next write of k came with the last acceptance: this one begins with phase
	// 2, and this node itself accepts.
	r = c.do(1, "PUT", "/v1/registers/k", `{"value":"b"}`)
	require.Equal(t, http.StatusGatewayTimeout, r.status)
	require.Equal(t, "unknown", r.body["outcome"])
	require.NotEmpty(t, r.body["reason"])

	c.start(2)
	c.awaitServing(2)
	// The unknown write takes effect: every majority of nodes 1 and 2 finds what node 1 accepted.
	c.expect(2, "GET", "/v1/registers/k", "", `{"value":"b"}`)
}

func TestMinorityDownIsNotNoticed(t *testing.T) {
	c := startCluster(t, 5)
	require.NoError(t, c.stop(4))
	require.NoError(t, c.stop(5))
	for number := 1; number <= 3; number++ {
		path := fmt.Sprintf("/v1/registers/k%d", number)
		c.expect(number, "PUT", path, `{"value":"v"}`, `{"value":"v"}`)
		c.expect(number%3+1, "GET", path, "", `{"value":"v"}`)
	}
}

func TestBugIsPlanted(t *testing.T) {
	c := startCluster(t, 3, quick, func(o *Options) { o.Bug = "local-read" })
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	require.NoError(t, c.stop(2))
	require.NoError(t, c.stop(3))
	c.expect(1, "GET", "/v1/registers/k", "", `{"value":"a"}`)
	require.Equal(t, "local-read", c.do(1, "GET", "/v1/status", "").body["bug"])
	require.Contains(t, c.node(1).log.String(), "bug=local-read")
}

// A client that goes away cancels nothing.
func TestClientThatGoesAway(t *testing.T) {
	c := newCluster(t, 3, func(o *Options) { o.RequestTimeout = patience })
	c.start(1)
	c.awaitServing(1)
	gone := &http.Client{Transport: &http.Transport{}, Timeout: 50 * time.Millisecond}
	defer gone.CloseIdleConnections()
	request, err := http.NewRequest("PUT", c.url(1, "/v1/registers/k"),
		strings.NewReader(`{"value":"a"}`))
	require.NoError(t, err)
	_, err = gone.Do(request)
	require.Error(t, err, "there is no majority that could answer")
	c.start(2)
	require.Eventually(t, func() bool {
		return c.do(2, "GET", "/v1/registers/k", "").body["value"] == "a"
	}, patience, time.Millisecond)
}

func TestStatusAndMetrics(t *testing.T) {
	c := startCluster(t, 3)
	c.expect(1, "PUT", "/v1/registers/k", `{"value":"a"}`, `{"value":"a"}`)
	answer, err := c.client.Get(c.url(1, "/v1/status"))
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	var s Status
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&s))
	require.Equal(t, "n1", s.Node)
	require.Equal(t, 1, s.Number)
	require.Equal(t, t.Name(), s.Cluster)
	require.Len(t, s.Peers, 3)
	require.True(t, s.Ready)
	require.True(t, s.Formatted)
	require.EqualValues(t, 1, s.Boot)
	require.Equal(t, 1, s.Keys)
	require.EqualValues(t, 1, s.Requests.Done)
	require.NotZero(t, s.Ballots.Begun)
	require.Zero(t, s.Recovery.Keys)
	require.NotEmpty(t, s.Version)

	page, err := c.client.Get(c.url(1, "/metrics"))
	require.NoError(t, err)
	defer func() { require.NoError(t, page.Body.Close()) }()
	text, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	for _, line := range []string{
		"ordeal_node_ready 1", "ordeal_node_boot 1", "ordeal_node_keys 1",
		`ordeal_node_requests_total{operation="write",outcome="done"} 1`,
		"ordeal_node_disk_sync_seconds_bucket{", "ordeal_node_datagrams_received_total",
	} {
		require.Contains(t, string(text), line)
	}
}
