package digest

import (
	"context"
	"errors"
	"slices"
	"time"

	"domovoy/bot"
	"domovoy/checks/budget"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/journal"
)

// changeNotice is how long before a change of a CA's rules it is announced.
const changeNotice = 31 * 24 * time.Hour

// Calendar is the job that announces what will change at the CAs: a month
// ahead, in each chat once, however often it runs.
func (d *Reporter) Calendar(ctx context.Context, now time.Time) error {
	var failed error
	for _, day := range byDay(d.coming(now)) {
		for _, chat := range d.people.Receivers(bot.Alerts) {
			failed = errors.Join(failed, d.announce(ctx, chat, day, now))
		}
	}
	return failed
}

// announce sends a chat one day's changes, once. The journal keeps that as a run
// of a job that is due on that day.
func (d *Reporter) announce(ctx context.Context, chat bot.Chat, changes []reports.RuleChange, now time.Time) error {
	job, due := "calendar "+chat.To.String(), changes[0].Date
	runs, err := d.journal.Runs(ctx, job, 16)
	if err != nil || slices.ContainsFunc(runs, func(r journal.Run) bool { return r.Due.Equal(due) && !r.Finished.IsZero() }) {
		return err
	}
	l, err := d.people.Locale(ctx, chat.To, chat.Language)
	if err != nil {
		return err
	}
	m := compose.Announce(compose.Writer{Locale: l, Now: now}, changes)
	_, err = d.journal.EnqueueFor(ctx, job, due, []journal.Delivery{{To: chat.To.String(), Kind: "calendar", Message: m}})
	if errors.Is(err, journal.ErrFinished) {
		return nil
	}
	d.send.Wake()
	return err
}

// coming are the changes of the panels' CAs within the notice, soonest first,
// each once.
func (d *Reporter) coming(now time.Time) []reports.RuleChange {
	var coming []reports.RuleChange
	for _, p := range d.watch.Panels() {
		rules := p.Limits()
		if rules == nil {
			continue
		}
		for _, c := range rules.Coming(now, now.Add(changeNotice)) {
			n := RuleChange(rules, c)
			if !slices.ContainsFunc(coming, func(x reports.RuleChange) bool { return x.Date.Equal(n.Date) && x.Text["en"] == n.Text["en"] }) {
				coming = append(coming, n)
			}
		}
	}
	slices.SortStableFunc(coming, func(a, b reports.RuleChange) int { return a.Date.Compare(b.Date) })
	return coming
}

// byDay parts changes by their day.
func byDay(changes []reports.RuleChange) [][]reports.RuleChange {
	var days [][]reports.RuleChange
	for _, c := range changes {
		if n := len(days); n > 0 && days[n-1][0].Date.Equal(c.Date) {
			days[n-1] = append(days[n-1], c)
			continue
		}
		days = append(days, []reports.RuleChange{c})
	}
	return days
}

// RuleChange is a change of a CA's rules, for a message.
func RuleChange(rules *budget.CA, c budget.Change) reports.RuleChange {
	return reports.RuleChange{CA: rules.Name, Date: c.Date.Time(), Source: c.Source, Text: c.Text}
}
