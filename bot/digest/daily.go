// Package digest composes the daily digest and the weekly report, announces
// what changes at the CAs, and keeps the history that all this rests on.
package digest

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/bot/people"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/files"
	"domovoy/reports/journal"
)

// Reporter composes reports and has them sent.
type Reporter struct {
	journal *journal.Journal
	watch   *watch.Watch
	people  *people.Directory
	send    bot.Signal // there is something to send
	files   reportStore
	log     *slog.Logger

	// Canary reports whether a test alarm would come as far as its messages: a digest
	// then carries it to the chats that also receive alerts. It may be nil.
	Canary func(ctx context.Context) (bool, error)
}

// New makes a reporter. The files of reports that come on schedule are kept in
// a folder, which is made when it is needed; an empty one keeps nothing.
func New(j *journal.Journal, w *watch.Watch, d *people.Directory, folder string, send bot.Signal, log *slog.Logger) *Reporter {
	return &Reporter{journal: j, watch: w, people: d, send: send, files: reportStore{folder}, log: log}
}

// errUnread is why there is no digest: it would falsely say that all is quiet.
var errUnread = errors.New("no panel was read yet")

// SendDaily is the job that sends the daily digest. A late digest says that it is
// late. With a due time it also stores the end of that run, in the same
// transaction.
func (d *Reporter) SendDaily(ctx context.Context, due time.Time) error {
	now := time.Now()
	day, err := d.day(ctx, now)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(day.Servers, func(s reports.Server) bool { return !s.Read.IsZero() }) {
		return errUnread
	}
	day.Due = due
	h, err := d.days(ctx, day.Servers, now)
	if err != nil {
		return err
	}
	carries := false
	if d.Canary != nil && !due.IsZero() {
		if carries, err = d.Canary(ctx); err != nil {
			return err
		}
	}
	var deliveries []journal.Delivery
	for _, chat := range d.people.Receivers(bot.Daily) {
		l, err := d.people.Locale(ctx, chat.To, chat.Language)
		if err != nil {
			return err
		}
		m, err := d.dailyMessage(l, day, h, now)
		if err != nil {
			return err
		}
		d.keepFiles(ctx, now.In(d.people.Zone).Format(time.DateOnly), chat.To, m.Files)
		delivery := journal.Delivery{To: chat.To.String(), Kind: bot.Daily, Message: m}
		if carries && slices.Contains(chat.Receives, bot.Alerts) {
			delivery.Canary, delivery.Message = due, compose.CanaryCarried(compose.Writer{Locale: l, Now: now}, m)
		}
		deliveries = append(deliveries, delivery)
	}
	if due.IsZero() {
		_, err = d.journal.Enqueue(ctx, deliveries)
	} else {
		_, err = d.journal.EnqueueFor(ctx, bot.Daily, due, deliveries)
	}
	d.send.Wake()
	return err
}

// ReportData is the JSON of report.
type ReportData struct {
	Report string          `json:"report"`
	At     time.Time       `json:"at"`
	Text   reports.Message `json:"message"`
}

// Daily answers the command report daily with the digest of now.
func (d *Reporter) Daily(ctx context.Context, r bot.Request) (bot.Answer, error) {
	day, err := d.day(ctx, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	h, err := d.days(ctx, day.Servers, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	m, err := d.dailyMessage(r.Locale, day, h, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	m.Silent = false // somebody waits for it
	data := ReportData{Report: bot.Daily, At: r.Now, Text: m}
	data.Text.Files = nil
	return bot.Answer{Message: m, Data: data}, nil
}

// DayList is the list behind a number that compares with yesterday.
func (d *Reporter) DayList(ctx context.Context, kind string, f reports.Filter, now time.Time) ([]reports.Row, error) {
	day, err := d.day(ctx, now)
	if err == nil && !day.Comparable() {
		err = &bot.Refusal{Code: bot.ResultUnavailable, Key: "refusal.yesterday"}
	}
	if err != nil {
		return nil, err
	}
	return day.List(kind, f), nil
}

// day gathers what a daily digest is made of.
func (d *Reporter) day(ctx context.Context, now time.Time) (reports.Day, error) {
	day := reports.Day{From: now.Add(-24 * time.Hour), Coming: d.coming(now), Unreadable: map[string]int{}}
	var err error
	if day.Servers, err = d.watch.Servers(ctx, now); err != nil {
		return day, err
	}
	if day.Open, err = d.journal.OpenIncidents(ctx); err != nil {
		return day, err
	}
	past, err := d.journal.IncidentsBetween(ctx, day.From, now)
	if err != nil {
		return day, err
	}
	for _, i := range past {
		if !i.Times.Resolved.IsZero() {
			day.Resolved = append(day.Resolved, i)
		}
	}
	for _, s := range day.Servers {
		begun, ok, err := d.journal.BaselineAt(ctx, s.Name)
		if err != nil {
			return day, err
		}
		if ok && (day.Begun.IsZero() || begun.Before(day.Begun)) {
			day.Begun = begun
		}
		unread, ok, err := d.journal.MetricAt(ctx, s.Name, checks.PanelUnreadable, day.From, 12*time.Hour)
		if err != nil {
			return day, err
		}
		if ok {
			day.Unreadable[s.Name] = unread
		}
	}
	return day, nil
}

// Prune is the job that forgets what is too old to matter.
func (d *Reporter) Prune(ctx context.Context, now time.Time) error {
	return errors.Join(d.journal.Prune(ctx, now), d.files.clear(now))
}

// chartDays is how many days the digest's chart shows.
const chartDays = 30

// dailyMessage composes the digest. It has a chart if there is a history to draw
// and something to report.
func (d *Reporter) dailyMessage(l *i18n.Locale, day reports.Day, h reports.History, now time.Time) (reports.Message, error) {
	w := compose.Writer{Locale: l, Now: now}
	m := compose.Daily(w, day)
	if snapshots(h, now) < 2 || day.Quiet() {
		return m, nil
	}
	now = now.In(d.people.Zone)
	points := reports.DayPoints(h, now, chartDays)
	points[chartDays-1] = day.Today(points[chartDays-1])
	chart, err := files.DayChart(w, points)
	if err != nil {
		return m, err
	}
	name := strings.ReplaceAll(l.Say("daily.chart", i18n.Args{"Date": now.Format(time.DateOnly)}), " ", "-") + ".png"
	m.Files = []reports.File{{Name: name, Type: typePNG, Data: chart}}
	return m, nil
}

// snapshots counts the moments before now at which some panel was read.
func snapshots(h reports.History, now time.Time) int {
	at := map[time.Time]bool{}
	for _, t := range h.Tallies {
		if !t.Unread && t.At.Before(now) {
			at[t.At] = true
		}
	}
	return len(at)
}

// days is the history of the chart's days, ending with the present state.
func (d *Reporter) days(ctx context.Context, servers []reports.Server, now time.Time) (reports.History, error) {
	h, err := d.journal.History(ctx, now.AddDate(0, 0, -chartDays-1), now)
	return d.with(h, servers, now), err
}
