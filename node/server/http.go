package server

import (
	"log/slog"
	"net/http"
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

	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	// writeTimeout leaves room for the operation itself.
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
)

func (n *node) httpServer() *http.Server {
	return &http.Server{
		Handler:           n.routes(),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerMax,
		ErrorLog:          slog.NewLogLogger(n.logger.Handler(), slog.LevelWarn),
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
		http.MethodGet:  n.operate(parseLearn),
		http.MethodPut:  n.operate(parsePropose),
		http.MethodPost: n.operate(parsePropose),
	})
	mux.Handle("/v1/status", methods{http.MethodGet: n.status})
	mux.Handle("/healthz", methods{http.MethodGet: n.health})
	mux.Handle("/metrics", methods{http.MethodGet: n.count.handler(n).ServeHTTP})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&mistake{http.StatusNotFound, "no such path: " + r.URL.Path}).reply(w)
	})
	return mux
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
	}
	slices.Sort(allowed)
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	text := "method " + r.Method + " is not one of " + strings.Join(allowed, ", ")
	(&mistake{http.StatusMethodNotAllowed, text}).reply(w)
}
