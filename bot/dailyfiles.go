package bot

import (
	"context"
	"strings"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/files"
)

// chartDays is how many days the digest's chart shows.
const chartDays = 30

// dailyMessage composes the digest. Its chart goes with it where there is a
// history to draw, and something to tell.
func (b *Bot) dailyMessage(l *i18n.Locale, day reports.Day, h reports.History, now time.Time) (reports.Message, error) {
	w := compose.Writer{Locale: l, Now: now}
	m := compose.Daily(w, day)
	if snapshots(h, now) < 2 || day.Quiet(now) {
		return m, nil
	}
	now = now.In(b.audience.Zone)
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

// days is what is remembered of the chart's days, and how things stand now.
func (b *Bot) days(ctx context.Context, servers []reports.Server, now time.Time) (reports.History, error) {
	h, err := b.journal.History(ctx, now.AddDate(0, 0, -chartDays-1), now)
	return b.with(h, servers, now), err
}
