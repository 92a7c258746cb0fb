package bot

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Manager is somebody who answers for customers: gets their part of the
// weekly report.
type Manager struct {
	To       Address
	Language string          // empty: the chat's, or the configuration's
	Owners   []string        // globs
	Named    map[string]bool // owners by name, of a file; may be nil
}

// has reports whether an owner is one of the manager's customers.
func (m Manager) has(owner string) bool {
	return m.Named[owner] || slices.ContainsFunc(m.Owners, func(glob string) bool {
		ok, err := path.Match(glob, owner)
		return ok && err == nil
	})
}

// WeeklyData is the JSON of report weekly.
type WeeklyData struct {
	Report string          `json:"report"`
	Week   string          `json:"week"` // 2026-W46
	At     *time.Time      `json:"at"`   // the snapshot it rests on; null: there is none
	Rules  string          `json:"rules"`
	Sums   reports.Sums    `json:"sums"`
	Text   reports.Message `json:"message"`
}

// Weekly is the job that tells last week's report: all of it to the chats that
// receive it, and to each manager their customers. It notes the end of that
// run too, as it tells.
func (b *Bot) Weekly(ctx context.Context, due time.Time) error {
	week := reports.WeekOf(time.Now(), b.audience.Zone).Before()
	h, err := b.history(ctx, week, time.Now())
	if err != nil {
		return err
	}
	var deliveries []journal.Delivery
	add := func(to Address, language string, mine func(string) bool) error {
		l, err := b.locale(ctx, to, language)
		if err != nil {
			return err
		}
		m, err := b.weeklyMessage(l, b.compose(h, week, mine), false)
		if err != nil {
			return err
		}
		b.keep(ctx, weekName(week), to, m.Files)
		deliveries = append(deliveries, journal.Delivery{To: to.String(), Kind: Weekly, Message: m})
		return nil
	}
	for _, chat := range b.audience.Receivers(Weekly) {
		if err := add(chat.To, chat.Language, nil); err != nil {
			return err
		}
	}
	for _, m := range b.audience.Managers {
		if err := add(m.To, m.Language, m.has); err != nil {
			return err
		}
	}
	_, err = b.journal.EnqueueFor(ctx, Weekly, due, deliveries)
	b.rang.ring()
	return err
}

// compose folds a week's history into a report, of one manager's customers or
// of all; the report of all names the owners whom no manager has.
func (b *Bot) compose(h reports.History, week reports.Week, mine func(string) bool) reports.Weekly {
	r := reports.ComposeWeek(h, week, mine)
	if mine != nil || len(b.audience.Managers) == 0 {
		return r
	}
	for _, o := range r.Owners() {
		if !slices.ContainsFunc(b.audience.Managers, func(m Manager) bool { return m.has(o.Owner) }) {
			r.Orphans = append(r.Orphans, o.Owner)
		}
	}
	return r
}

// weekReport answers report weekly [2026-W46] [csv].
func (b *Bot) weekReport(ctx context.Context, words []string, r Request) (Answer, error) {
	week := reports.WeekOf(r.Now, b.audience.Zone).Before()
	asked, csv := false, false
	for _, word := range words {
		w, err := ParseWeek(word, b.audience.Zone)
		switch {
		case err == nil && !asked:
			week, asked = w, true
		case word == "file":
			csv = true
		default:
			return Answer{}, usage("report", "usage.week", word)
		}
	}
	if week.From.After(r.Now) {
		return Answer{}, usage("report", "usage.future", weekName(week))
	}
	h, err := b.history(ctx, week, r.Now)
	if err != nil {
		return Answer{}, err
	}
	report := b.compose(h, week, nil)
	if report.Data.IsZero() && !asked { // a new installation: what there is, is of this week
		week = reports.WeekOf(r.Now, b.audience.Zone)
		if h, err = b.history(ctx, week, r.Now); err != nil {
			return Answer{}, err
		}
		report = b.compose(h, week, nil)
	}
	if report.Data.IsZero() {
		return Answer{}, &Refusal{Code: "not_found", Key: "refusal.noweek", Args: i18n.Args{"Word": weekName(week)}}
	}
	m, err := b.weeklyMessage(r.Locale, report, csv)
	if err != nil {
		return Answer{}, err
	}
	m.Silent = false // somebody waits for it
	data := WeeklyData{Report: Weekly, Week: weekName(week), At: optional(report.Data), Rules: report.Rules, Sums: report.Sums(), Text: m}
	data.Text.Files = nil
	return Answer{Message: m, Data: data}, nil
}

// errWeek is what ParseWeek says of a word that is none.
var errWeek = errors.New("is no week: want 2026-W46")

// ParseWeek reads a week as ISO 8601 writes it: 2026-W46.
func ParseWeek(word string, zone *time.Location) (reports.Week, error) {
	var year, number int
	if n, err := fmt.Sscanf(strings.ToUpper(word), "%4d-W%2d", &year, &number); n != 2 || err != nil || len(word) != len("2026-W46") {
		return reports.Week{}, fmt.Errorf("%q %w", word, errWeek)
	}
	week, ok := reports.ISOWeek(year, number, zone)
	if !ok || year < 2000 {
		return reports.Week{}, fmt.Errorf("%q %w", word, errWeek)
	}
	return week, nil
}

func weekName(w reports.Week) string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }
