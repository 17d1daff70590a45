package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Limits of the interface for clients.
const (
	// connectionsMax bounds the connections that are open at a time.
	connectionsMax = 1024
	// bodyMax bounds a request's body, in bytes: two values in which each byte is escaped (\u00ff),
	// and what is around them.
	bodyMax   = 16 << 10
	headerMax = 16 << 10

	// headerTimeout and readTimeout bound how long a client may take to send a request's head, and
	// all of it, however it dribbles: else so many slow clients would hold every connection.
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	// writeTimeout leaves room for the operation itself.
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
)

func (n *node) httpServer() *http.Server {
	read := readTimeout
	if n.options.ReadTimeout > 0 {
		read = n.options.ReadTimeout
	}
	return &http.Server{
		Handler:           n.routes(),
		ReadHeaderTimeout: min(headerTimeout, read),
		ReadTimeout:       read,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerMax,
		ErrorLog:          slog.NewLogLogger(n.logger.Handler(), slog.LevelWarn),
		// "OPTIONS *" is a mistake like any other.
		DisableGeneralOptionsHandler: true,
	}
}

func (n *node) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/registers/{key}", methods{
		http.MethodGet: n.operate(parseRead),
		http.MethodPut: n.operate(parseWrite),
	})
	mux.Handle("/v1/registers/{key}/compare-and-set", methods{
		http.MethodPost: n.operate(parseCompareAndSet),
	})
	mux.Handle("/v1/decrees/{key}", methods{
		http.MethodGet:  bare(n.operate(parseLearn)),
		http.MethodPut:  n.operate(parsePropose),
		http.MethodPost: n.operate(parsePropose),
	})
	mux.Handle("/v1/status", methods{http.MethodGet: bare(n.status)})
	mux.Handle("/healthz", methods{http.MethodGet: bare(n.health)})
	mux.Handle("/metrics", methods{http.MethodGet: n.count.handler(n).ServeHTTP})
	mux.HandleFunc("/", noSuchPath)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The multiplexer would redirect to a path without "//" and "..", and a client that
		// follows would come back with another method, or ask for what it did not mean.
		given := r.URL.EscapedPath()
		if given == "" || strings.TrimSuffix(given, "/") != cleaned(given) {
			noSuchPath(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// cleaned returns a path without empty, "." and ".." elements, and without a slash at its end.
func cleaned(given string) string { return strings.TrimSuffix(path.Clean("/"+given), "/") }

func noSuchPath(w http.ResponseWriter, r *http.Request) {
	text := fmt.Sprintf("no such path: %.200s (there are: /v1/registers/KEY, "+
		"/v1/registers/KEY/compare-and-set, /v1/decrees/KEY, /v1/status, /healthz, /metrics)",
		r.URL.Path)
	(&mistake{http.StatusNotFound, text}).reply(w)
}

// methods serve one path. Who may GET may ask for the HEAD alone.
type methods map[string]http.HandlerFunc

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if handle, ok := m[method]; ok {
		handle(w, r)
		return
	}
	var allowed []string
	for name := range m {
		allowed = append(allowed, name)
		if name == http.MethodGet {
			allowed = append(allowed, http.MethodHead)
		}
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	text := fmt.Sprintf("method %.60s is not one of %s", r.Method, strings.Join(allowed, ", "))
	(&mistake{http.StatusMethodNotAllowed, text}).reply(w)
}
