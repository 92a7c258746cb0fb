package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// readBound is for reading the state at one scrape: Prometheus itself waits 10 s.
const readBound = 5 * time.Second

// seen collects what the bot sees. Nothing of it is kept between scrapes, so that a
// server that leaves the configuration leaves the metrics, too.
type seen struct {
	journal *journal.Journal
	watch   *watch.Watch
	unread  prometheus.Counter
	log     *slog.Logger
}

// desc describes a metric of seen.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("domovoy_"+name, help, labels, nil)
}

var (
	panelUp        = desc("panel_up", "1 if the panel's latest reading succeeded, 0 if not.", "server")
	panelSites     = desc("panel_sites", "Sites of a panel.", "server")
	panelRead      = desc("panel_read_timestamp_seconds", "When the panel was last read whole; absent: never.", "server")
	panelCount     = desc("panel_certificates", "Certificates by count: processing, failed, failing, overdue, nocertificate, noredirect. Absent while the count cannot be had.", "server", "count")
	panelThreshold = desc("panel_threshold", "Threshold of a count, by severity; absent: there is none.", "server", "count", "severity")
	quotaLeft      = desc("ca_quota_left", "What is left of a limit of the panel's account at its CA.", "server", "limit")
	quotaLimit     = desc("ca_quota_limit", "The limit of the panel's account at its CA.", "server", "limit")
	openIncidents  = desc("open_incidents", "Open incidents, by cause and severity.", "server", "code", "severity")
	waiting        = desc("messages_waiting", "Messages that are not delivered yet.")
	waitingOldest  = desc("messages_waiting_oldest_seconds", "Age of the oldest message that is not delivered yet; 0: none waits.")
	canaryLast     = desc("canary_last_success_timestamp_seconds", "When the last daily test alarm had arrived in each chat that receives alerts; before the first one, when the program was first started.")
	stateBytes     = desc("state_bytes", "Size of the state file.")
)

// Describe sends nothing, so the metrics are unchecked: which there are depends on the
// panels (https://pkg.go.dev/github.com/prometheus/client_golang/prometheus#Collector).
func (s *seen) Describe(chan<- *prometheus.Desc) {}

// Collect reads the panels' last states and the journal.
func (s *seen) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for _, server := range s.watch.States() {
		panelMetrics(server, s.watch.Policy, gauge)
	}
	ctx, cancel := context.WithTimeout(context.Background(), readBound) // a Collector has no context
	defer cancel()
	if err := s.kept(ctx, gauge); err != nil {
		s.unread.Inc()
		s.log.WarnContext(ctx, "the state cannot be read for the metrics", "error", err)
	}
}

// panelMetrics are those of one panel.
func panelMetrics(server reports.Server, policy reports.Policy, gauge func(d *prometheus.Desc, value float64, labels ...string)) {
	up := 1.0
	if server.Trouble != "" || server.Read.IsZero() {
		up = 0
	}
	gauge(panelUp, up, server.Name)
	if !server.Read.IsZero() {
		gauge(panelRead, float64(server.Read.Unix()), server.Name)
		gauge(panelSites, float64(len(server.Subjects)), server.Name)
	}
	for _, reading := range server.Metrics() {
		if reading.Known() {
			gauge(panelCount, float64(reading.Value), server.Name, countName(reading.Code))
		}
	}
	for code, t := range policy.Thresholds {
		for severity, threshold := range map[checks.Severity]int{checks.Warning: t.Warn, checks.Critical: t.Critical} {
			if threshold > 0 {
				gauge(panelThreshold, float64(threshold), server.Name, countName(code), severity.String())
			}
		}
	}
	for _, b := range server.Quota.Account {
		gauge(quotaLeft, float64(b.Left), server.Name, b.Code)
		gauge(quotaLimit, float64(b.Limit), server.Name, b.Code)
	}
}

// countName is the last part of a metric's code.
func countName(code checks.Code) string {
	_, name, _ := strings.Cut(string(code), ".")
	return cmp.Or(name, string(code))
}

// kept are the metrics of the journal.
func (s *seen) kept(ctx context.Context, gauge func(d *prometheus.Desc, value float64, labels ...string)) error {
	size, err := s.journal.Size()
	if err != nil {
		return err
	}
	gauge(stateBytes, float64(size))
	n, oldest, err := s.journal.Waiting(ctx)
	if err != nil {
		return err
	}
	age := 0.0
	if n > 0 {
		age = max(0, time.Since(oldest).Seconds())
	}
	gauge(waiting, float64(n))
	gauge(waitingOldest, age)
	canary, err := s.journal.Canary(ctx)
	if err != nil {
		return err
	}
	if at := canary.Reference(); !at.IsZero() {
		gauge(canaryLast, float64(at.Unix()))
	}
	open, err := s.journal.OpenIncidents(ctx)
	if err != nil {
		return err
	}
	type kind struct{ server, code, severity string }
	counts := map[kind]int{}
	for _, i := range open {
		counts[kind{i.Finding.Server, string(i.Finding.Code), i.Finding.Severity.String()}]++
	}
	for k, n := range counts {
		gauge(openIncidents, float64(n), k.server, k.code, k.severity)
	}
	return nil
}
