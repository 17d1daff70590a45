package docker

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/docker/docker/client"
	"github.com/stretchr/testify/require"
)

// A proxy stands before the engine's socket, so that the engine can be lost and come back without
// anything being done to it.
type proxy struct {
	path          string
	network, real string // where the engine is

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
	// frozen is true while nothing passes.
	frozen bool
	thawed *sync.Cond
	work   sync.WaitGroup
}

// throughProxy starts a proxy before the engine, and returns it with an engine behind it.
func throughProxy(t *testing.T) (*proxy, *Engine) {
	t.Helper()
	direct := engineOf(t)
	address, err := client.ParseHostURL(direct.api.DaemonHost())
	require.NoError(t, err)
	if os.Getenv(client.EnvTLSVerify) != "" {
		t.Skip("the engine speaks TLS, whose certificate is not the proxy's")
	}
	p := &proxy{
		path:    filepath.Join(shortDirectory(t), "docker.sock"),
		network: address.Scheme, real: address.Host, open: make(map[net.Conn]bool),
	}
	p.thawed = sync.NewCond(&p.mu)
	require.NoError(t, p.restore())
	t.Cleanup(func() {
		p.thaw()
		p.cut()
		p.work.Wait()
	})
	t.Setenv(client.EnvOverrideHost, "unix://"+p.path)
	engine, err := Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	return p, engine
}

// shortDirectory is a directory whose path leaves room for a socket's name, which has 107 bytes at
// the most.
func shortDirectory(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("", "ordeal-proxy-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(directory) })
	return directory
}

// restore lets connections be made, and pass, again.
func (p *proxy) restore() error {
	listener, err := net.Listen("unix", p.path)
	if err != nil {
		return fmt.Errorf("listening before the engine: %w", err)
	}
	p.mu.Lock()
	p.listener = listener
	p.mu.Unlock()
	p.work.Go(func() {
		for {
			inward, err := listener.Accept()
			if err != nil {
				return
			}
			p.work.Go(func() { p.serve(inward) })
		}
	})
	return nil
}

// cut refuses new connections and breaks those there are, as an engine that has died does.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close() // removes the socket
		p.listener = nil
	}
	p.breakAll()
}

// drop breaks the connections there are, and lets new ones be made: an engine that was restarted.
func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breakAll()
}

func (p *proxy) breakAll() {
	for connection := range p.open {
		_ = connection.Close()
	}
	clear(p.open)
}

// freeze keeps all connections and lets nothing pass: an engine that hangs.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = true
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = false
	p.thawed.Broadcast()
}

// keep notes an open connection, unless the proxy is cut.
func (p *proxy) keep(connection net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		_ = connection.Close()
		return false
	}
	p.open[connection] = true
	return true
}

func (p *proxy) serve(inward net.Conn) {
	if !p.keep(inward) {
		return
	}
	outward, err := (&net.Dialer{}).DialContext(context.Background(), p.network, p.real)
	if err != nil {
		_ = inward.Close()
		return
	}
	if !p.keep(outward) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.pass(outward, inward) })
	both.Go(func() { p.pass(inward, outward) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, connection := range []net.Conn{inward, outward} {
		_ = connection.Close()
		delete(p.open, connection)
	}
}

// pass copies one direction to its end, which it passes on too: an attached stream is closed by
// halves.
func (p *proxy) pass(to, from net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		count, err := from.Read(buffer)
		p.mu.Lock()
		for p.frozen {
			p.thawed.Wait()
		}
		p.mu.Unlock()
		if _, failed := to.Write(buffer[:count]); failed != nil || err != nil {
			break
		}
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, from) // its writer must not be held up
}
