package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker/system"
	"ordeal/history"
)

// toySystem is the toy node as a system under test.
func toySystem() system.System {
	return system.System{
		Name: "toy", ClientPort: toyHTTP, DataDir: dataPath,
		Command: func(c system.Cluster, n system.Member) []string {
			command := []string{programPath, "node", n.Name}
			for _, peer := range c.Members {
				command = append(command, peer.Name+"="+peer.Address)
			}
			return command
		},
		Files: func(c system.Cluster, n system.Member) ([]system.File, error) {
			return []system.File{{Path: "meta/identity", Data: []byte(c.ID + "/" + n.Name)}}, nil
		},
		Dial: func(e system.Endpoint) system.Client { return newToyClient(e.Address) },
	}
}

// A toyClient reads and writes a toy node's value.
type toyClient struct {
	base   string
	client *http.Client
}

func newToyClient(address string) *toyClient {
	return &toyClient{
		base: "http://" + address, client: &http.Client{Transport: &http.Transport{}},
	}
}

func (c *toyClient) Do(ctx context.Context, op history.Operation) history.Result {
	method, body := http.MethodGet, ""
	if op.Kind == history.Write {
		method, body = http.MethodPut, op.Value.Text()
	}
	answer, err := c.ask(ctx, method, "/value", body)
	if err != nil {
		return history.Result{Outcome: history.Info, Error: err.Error()}
	}
	return history.Result{Outcome: history.OK, Returned: history.NewValue(answer)}
}

func (c *toyClient) Ready(ctx context.Context) error {
	_, err := c.ask(ctx, http.MethodGet, "/healthz", "")
	return err
}

func (c *toyClient) Close() { c.client.CloseIdleConnections() }

func (c *toyClient) ask(ctx context.Context, method, path, body string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, answer)
	}
	return string(answer), err
}

// hear asks a node what it has heard.
func hear(t *testing.T, client *toyClient) heard {
	t.Helper()
	answer, err := client.ask(t.Context(), http.MethodGet, "/heard", "")
	require.NoError(t, err)
	var h heard
	require.NoError(t, json.Unmarshal([]byte(answer), &h))
	return h
}
