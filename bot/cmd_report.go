package bot

import (
	"context"
	"strings"
	"time"

	"domovoy/reports"
)

// ReportData is the JSON of report.
type ReportData struct {
	Report string          `json:"report"`
	At     time.Time       `json:"at"`
	Text   reports.Message `json:"message"`
}

// report composes the daily digest or the weekly report now, for the one who
// asks.
func report(ctx context.Context, b *Bot, r Request) (Answer, error) {
	if len(r.Words) > 0 && r.Words[0] == Weekly {
		return b.weekReport(ctx, r.Words[1:], r)
	}
	if len(r.Words) != 1 || r.Words[0] != Daily {
		return Answer{}, usage("report", "usage.report", strings.Join(r.Words, " "))
	}
	day, err := b.day(ctx, r.Now)
	if err != nil {
		return Answer{}, err
	}
	h, err := b.days(ctx, day.Servers, r.Now)
	if err != nil {
		return Answer{}, err
	}
	m, err := b.dailyMessage(r.Locale, day, h, r.Now)
	if err != nil {
		return Answer{}, err
	}
	m.Silent = false // somebody waits for it
	data := ReportData{Report: Daily, At: r.Now, Text: m}
	data.Text.Files = nil
	return Answer{Message: m, Data: data}, nil
}

// day gathers what a daily digest is made of.
func (b *Bot) day(ctx context.Context, now time.Time) (reports.Day, error) {
	day := reports.Day{From: now.Add(-24 * time.Hour), Coming: b.coming(now)}
	var err error
	if day.Servers, err = b.servers(ctx, now); err != nil {
		return day, err
	}
	if day.Open, err = b.journal.OpenIncidents(ctx); err != nil {
		return day, err
	}
	past, err := b.journal.IncidentsBetween(ctx, day.From, now)
	if err != nil {
		return day, err
	}
	for _, i := range past {
		if !i.Times.Resolved.IsZero() {
			day.Resolved = append(day.Resolved, i)
		}
	}
	for _, s := range day.Servers {
		begun, ok, err := b.journal.BaselineAt(ctx, s.Name)
		if err != nil {
			return day, err
		}
		if ok && (day.Begun.IsZero() || begun.Before(day.Begun)) {
			day.Begun = begun
		}
	}
	return day, nil
}
