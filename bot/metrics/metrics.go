// Package metrics shows a Prometheus server what the bot sees and does, and
// answers whether it is alive and ready. It listens nowhere itself.
//
// Names and units follow https://prometheus.io/docs/practices/naming/.
package metrics

import (
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"domovoy/bot"
	"domovoy/bot/watch"
	"domovoy/reports/journal"
)

// Metrics counts what the bot does, and reads what it sees when a server asks. A
// nil *Metrics counts nothing.
type Metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger

	calls     *prometheus.CounterVec   // by messenger and outcome
	callTime  *prometheus.HistogramVec // by messenger
	commands  *prometheus.CounterVec   // by command and result
	replyTime prometheus.Histogram
	runs      *prometheus.CounterVec // by job and outcome
	runTime   *prometheus.HistogramVec
	succeeded *prometheus.GaugeVec   // by job; Unix time
	unread    prometheus.Counter     // scrapes that could not read the state
	refused   *prometheus.CounterVec // of agents, by panel and reason
	sights    *prometheus.CounterVec // of vantage points, by name and reason
	hub       *prometheus.CounterVec // what the hub refused, by reason
}

// New makes metrics for a program of that version.
func New(version string, log *slog.Logger) *Metrics {
	calls := []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120}
	replies := []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}
	runs := []float64{0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		log:      log,
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "domovoy_messenger_calls_total",
			Help: "Messages sent, edited or tried to be, by messenger and outcome: ok, wait (rate limited), refused (did not arrive), unclear (may have arrived)."}, []string{"messenger", "outcome"}),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "domovoy_messenger_call_duration_seconds",
			Help: "How long sending or editing a message took, files included.", Buckets: calls}, []string{"messenger"}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "domovoy_commands_total",
			Help: "Commands from chats, by command and result. Only known people count."}, []string{"command", "result"}),
		replyTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "domovoy_command_duration_seconds",
			Help: "From taking a command to its answer being stored for delivery.", Buckets: replies}),
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "domovoy_job_runs_total",
			Help: "Runs of the jobs of the schedule, by task (its job) and outcome: ok, failed."}, []string{"task", "outcome"}),
		runTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "domovoy_job_duration_seconds",
			Help: "How long a run of a job took.", Buckets: runs}, []string{"task"}),
		succeeded: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "domovoy_job_last_success_timestamp_seconds",
			Help: "When the last run without an error ended."}, []string{"task"}),
		unread: prometheus.NewCounter(prometheus.CounterOpts{Name: "domovoy_state_read_failures_total",
			Help: "Scrapes for which the state file could not be read; they lack what is kept there."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "domovoy_fleet_records_refused_total",
			Help: "Records of agents that were not used, by panel (empty: an unknown one) and reason: garbage (unreadable), large (above the limit), old (a reading sent again), other (about something else than its subject), newer (of a newer protocol)."}, []string{"server", "reason"}),
		sights: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "domovoy_fleet_sights_refused_total",
			Help: "What vantage points saw and was not used, by vantage point (empty: an unknown one) and reason: garbage (unreadable, or of a newer protocol), foreign (of a look that another one was asked for)."}, []string{"vantage", "reason"}),
		hub: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "domovoy_fleet_hub_refused_total",
			Help: "What our own hub refused, by reason: key (a connection without an enrolled key), many (too many connections of one key), rights (a subject that is not the agent's), large (a message above the limit)."}, []string{"reason"}),
	}
	built := prometheus.NewGauge(prometheus.GaugeOpts{Name: "domovoy_build_info", Help: "1, with the program's version.", ConstLabels: prometheus.Labels{"version": version}})
	built.Set(1)
	m.registry.MustRegister(m.calls, m.callTime, m.commands, m.replyTime, m.runs, m.runTime, m.succeeded, m.unread, m.refused, m.sights, m.hub, built,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Expect has the counts of these begin at 0: Prometheus sees no increase from absent.
func (m *Metrics) Expect(messengers, jobs []string) {
	if m == nil {
		return
	}
	for _, name := range messengers {
		for _, how := range []string{"ok", "wait", "refused", "unclear"} {
			m.calls.WithLabelValues(name, how)
		}
	}
	for _, name := range jobs {
		m.runs.WithLabelValues(name, "ok")
		m.runs.WithLabelValues(name, "failed")
	}
}

// Called counts a call of bot.Receiver, whose error is err.
func (m *Metrics) Called(messenger string, took time.Duration, err error) {
	if m != nil {
		m.calls.WithLabelValues(messenger, outcome(err)).Inc()
		m.callTime.WithLabelValues(messenger).Observe(took.Seconds())
	}
}

// outcome is how a call to a messenger ended, as the help of the counter lists it.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	if _, ok := errors.AsType[*bot.RetryAfter](err); ok {
		return "wait"
	}
	_, refused := errors.AsType[*bot.Refused](err)
	_, never := errors.AsType[*bot.Permanent](err)
	_, moved := errors.AsType[*bot.Moved](err)
	if refused || never || moved || errors.Is(err, bot.ErrGone) {
		return "refused"
	}
	return "unclear"
}

// Refused counts a record of an agent that was not used. why is of a fixed list.
func (m *Metrics) Refused(panel, why string) {
	if m != nil {
		m.refused.WithLabelValues(panel, why).Inc()
	}
}

// SightRefused counts what a vantage point saw and was not used. why is of a fixed list.
func (m *Metrics) SightRefused(vantage, why string) {
	if m != nil {
		m.sights.WithLabelValues(vantage, why).Inc()
	}
}

// HubRefused counts what a hub refused, so many times. why is of a fixed list.
func (m *Metrics) HubRefused(why string, times int64) {
	if m != nil {
		m.hub.WithLabelValues(why).Add(float64(times))
	}
}

// Answered counts an answer. Both words are of fixed lists.
func (m *Metrics) Answered(command, result string, took time.Duration) {
	if m != nil {
		m.commands.WithLabelValues(command, result).Inc()
		m.replyTime.Observe(took.Seconds())
	}
}

// Ran counts a run of a job.
func (m *Metrics) Ran(job string, took time.Duration, err error) {
	if m == nil {
		return
	}
	outcome := "ok"
	if err != nil {
		outcome = "failed"
	} else {
		m.succeeded.WithLabelValues(job).SetToCurrentTime()
	}
	m.runs.WithLabelValues(job, outcome).Inc()
	m.runTime.WithLabelValues(job).Observe(took.Seconds())
}

// Show adds what the journal and the panels know, read at each scrape.
func (m *Metrics) Show(j *journal.Journal, w *watch.Watch) {
	m.registry.MustRegister(&seen{journal: j, watch: w, unread: m.unread, log: m.log})
}
