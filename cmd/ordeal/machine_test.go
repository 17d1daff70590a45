package main

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/docker/go-units"
	"github.com/rogpeppe/go-internal/testscript"
)

// proxies are the sockets before the engine's that scripts have opened, by their paths.
var proxies sync.Map

// proxy open SOCKET puts a socket of the script's own before the engine's; proxy cut SOCKET ends
// all connections through it and takes it away, as if the engine were gone. The engine itself is
// never touched.
func proxy(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		script.Fatalf("usage: proxy open|cut SOCKET")
	}
	path := script.MkAbs(args[1])
	switch args[0] {
	case "open":
		p, err := openProxy(path, engineSocket())
		script.Check(err)
		proxies.Store(path, p)
		script.Defer(func() { _ = p.cut() })
	case "cut":
		p, ok := proxies.Load(path)
		if !ok {
			script.Fatalf("no proxy %s is open", args[1])
		}
		script.Check(p.(*socketProxy).cut())
	default:
		script.Fatalf("usage: proxy open|cut SOCKET")
	}
}

// engineSocket returns the path of the engine's own socket.
func engineSocket() string {
	if host, err := url.Parse(os.Getenv("DOCKER_HOST")); err == nil && host.Scheme == "unix" {
		return host.Path
	}
	return "/var/run/docker.sock"
}

// A socketProxy passes connections on to another socket.
type socketProxy struct {
	listener net.Listener
	target   string

	mu          sync.Mutex
	over        bool
	connections []net.Conn
}

func openProxy(path, target string) (*socketProxy, error) {
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	p := &socketProxy{listener: listener, target: target}
	go p.serve()
	return p, nil
}

func (p *socketProxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("unix", p.target)
		if err != nil || !p.keep(near, far) {
			_ = near.Close()
			continue
		}
		go pass(near, far)
		go pass(far, near)
	}
}

// keep takes note of connections; it closes them if the proxy was cut meanwhile.
func (p *socketProxy) keep(both ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		for _, c := range both {
			_ = c.Close()
		}
		return false
	}
	p.connections = append(p.connections, both...)
	return true
}

// pass copies one direction, and passes on that it has ended.
func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	if half, ok := to.(*net.UnixConn); ok {
		_ = half.CloseWrite()
	}
}

func (p *socketProxy) cut() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return nil
	}
	p.over = true
	err := p.listener.Close()
	for _, c := range p.connections {
		err = errors.Join(err, c.Close())
	}
	return err
}

// tmpfs DIRECTORY SIZE mounts a file system of that size, which is gone after the script.
func tmpfs(script *testscript.TestScript, negated bool, args []string) {
	if negated || len(args) != 2 {
		script.Fatalf("usage: tmpfs DIRECTORY SIZE")
	}
	path := script.MkAbs(args[0])
	bytes, err := units.RAMInBytes(args[1])
	script.Check(err)
	script.Check(os.MkdirAll(path, 0o755))
	script.Check(mountTmpfs(path, bytes))
	script.Defer(func() {
		if err := unmount(path); err != nil {
			script.Logf("unmounting %s: %v", path, err)
		}
	})
}

// canMount tells whether file systems can be mounted here, which takes root.
func canMount(t *testing.T) bool {
	t.Helper()
	path := t.TempDir()
	if err := mountTmpfs(path, 1<<16); err != nil {
		t.Logf("no file system can be mounted here, as a full disk needs it: %v", err)
		return false
	}
	if err := unmount(path); err != nil {
		t.Errorf("unmounting %s: %v", path, err)
	}
	return true
}
