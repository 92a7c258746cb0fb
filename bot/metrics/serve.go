package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"domovoy/checks/pace"
)

// Health says what is wrong now; nil: nothing is. The error is for a person who
// reads the answer of a probe.
type Health struct {
	Alive func() error // the bot can do its work: its state can be kept
	Ready func() error // it can also answer: the panels were read
}

// Bounds of the server. Nobody has much to say to it.
const (
	headBound  = 5 * time.Second
	writeBound = 30 * time.Second
	closeBound = 2 * time.Second
	bindAgain  = 30 * time.Second // between two tries to listen
)

// Handler answers /metrics, /healthz and /readyz. The last two are 200 or 503.
func (m *Metrics) Handler(h Health) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn), MaxRequestsInFlight: 4, Timeout: writeBound}))
	mux.Handle("GET /healthz", probe(h.Alive))
	mux.Handle("GET /readyz", probe(func() error { return errors.Join(h.Alive(), h.Ready()) }))
	return mux
}

// probe answers as a load balancer or a monitor expects it.
func probe(wrong func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := wrong(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	}
}

// Serve listens on host:port until the context ends. If the address cannot be had it
// tries again: a bot that alerts without metrics is better than none.
func (m *Metrics) Serve(ctx context.Context, address string, h Health) error {
	for ctx.Err() == nil {
		if err := m.serve(ctx, address, h); err != nil && ctx.Err() == nil {
			m.log.ErrorContext(ctx, "the metrics cannot be served", "listen", address, "error", err, "again", bindAgain)
			_ = pace.Sleep(ctx, bindAgain)
		}
	}
	return ctx.Err()
}

func (m *Metrics) serve(ctx context.Context, address string, h Health) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	m.log.InfoContext(ctx, "serving metrics", "listen", listener.Addr().String())
	server := &http.Server{Handler: m.Handler(h), ReadHeaderTimeout: headBound, ReadTimeout: headBound, WriteTimeout: writeBound, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelDebug)}
	stopped := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeBound)
		defer cancel()
		_ = server.Shutdown(bounded)
		_ = server.Close()
	})
	defer stopped()
	return server.Serve(listener)
}
