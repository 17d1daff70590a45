package docker

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

// engineBehind makes the tests' engine one that stands behind an edit of each request, which may
// answer it itself.
func engineBehind(t *testing.T, edit func(http.ResponseWriter, *http.Request) (answered bool)) {
	t.Helper()
	dial := engineOf(t).api.Dialer()
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "engine"
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway) // of what was given up by its caller
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !edit(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		server.CloseClientConnections() // what a test that failed has left open
		server.Close()
	})
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(server.URL, "http://"))
}

// withoutNetAdmin is an engine that silently grants nobody NET_ADMIN.
func withoutNetAdmin(_ http.ResponseWriter, r *http.Request) bool {
	if strings.HasSuffix(r.URL.Path, "/containers/create") {
		body, _ := io.ReadAll(r.Body)
		body = regexp.MustCompile(`"CapAdd":\[[^]]*\]`).ReplaceAll(body, []byte(`"CapAdd":[]`))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return false
}

func TestAgentsWithoutFirewallAreGoodForOtherFaults(t *testing.T) {
	engineBehind(t, withoutNetAdmin)
	config := toyConfig(2)
	config.System.Datagrams = true // what the agents cannot count is not asked for
	config.Kinds = nemesis.ContainerKinds()
	var log bytes.Buffer
	config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	c := startCluster(t, config)
	why := c.Unable(nemesis.Partition)
	require.ErrorContains(t, why, "no agent can drop packets here")
	require.ErrorContains(t, why, "operation not permitted")
	require.ErrorContains(t, why, "modprobe nf_tables")

	parted := cut("c", nemesis.Graph{"n1": {"n2"}})
	_, err := inject(t, c, parted)
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	require.ErrorContains(t, err, why.Error())
	evidence, err := heal(t, c, parted)
	shown(t, evidence, err)
	for _, kind := range []nemesis.Kind{nemesis.Kill, nemesis.Stop, nemesis.Pause} {
		require.NoError(t, c.Unable(kind))
		f := faultOf(kind, "f", "n1")
		evidence, err := inject(t, c, f)
		shown(t, evidence, err)
		evidence, err = heal(t, c, f)
		shown(t, evidence, err)
	}
	require.NoError(t, c.Close(t.Context()))
	require.Empty(t, log.String(), "what is known is not repeated with every heartbeat")
}

// Whoever does not say what the cluster is for gets one that can do everything, or none.
func TestAgentsWithoutFirewallFailAStartThatAssumesThem(t *testing.T) {
	engineBehind(t, withoutNetAdmin)
	config := toyConfig(1)
	engine := engineOf(t)
	_, err := engine.Start(within(t), config)
	require.ErrorContains(t, err, "operation not permitted")
	nothingLeft(t, engine, config.RunID)
}

func TestEngineThatCannotPause(t *testing.T) {
	engineBehind(t, func(w http.ResponseWriter, r *http.Request) bool {
		pauses := strings.HasSuffix(r.URL.Path, "/pause")
		if pauses {
			refuse(w, http.StatusInternalServerError, "freezer not supported")
		}
		return pauses
	})
	config := toyConfig(1)
	config.Kinds = []nemesis.Kind{nemesis.Pause}
	c := startCluster(t, config)
	why := c.Unable(nemesis.Pause)
	require.ErrorContains(t, why, "freezer not supported")
	require.ErrorContains(t, why, "not rootless")
	_, err := inject(t, c, faultOf(nemesis.Pause, "p", "n1"))
	require.ErrorIs(t, err, nemesis.ErrPrecondition)
	require.ErrorContains(t, err, "freezer not supported")

	// What was not tried is assumed.
	config = toyConfig(1)
	config.Kinds = []nemesis.Kind{nemesis.Kill}
	c = startCluster(t, config)
	require.NoError(t, c.Unable(nemesis.Pause))
	_, err = inject(t, c, faultOf(nemesis.Pause, "p", "n1"))
	require.ErrorContains(t, err, "freezer not supported")
	require.NotErrorIs(t, err, nemesis.ErrPrecondition)
	evidence, err := heal(t, c, faultOf(nemesis.Pause, "p", "n1"))
	require.NoError(t, err, "it runs")
	require.False(t, evidence.Shown)
}
