package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

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
	managers, err := b.managers()
	if err != nil {
		return err
	}
	var deliveries []journal.Delivery
	add := func(to Address, language string, part *customers) error {
		l, err := b.locale(ctx, to, language)
		if err != nil {
			return err
		}
		m, err := b.weeklyMessage(l, weekOf(h, week, managers, part), false)
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
	for _, m := range managers {
		if err := add(m.To, m.Language, &m); err != nil {
			return err
		}
	}
	_, err = b.journal.EnqueueFor(ctx, Weekly, due, deliveries)
	b.rang.ring()
	return err
}

// weekQuestion is what report weekly was asked for.
type weekQuestion struct {
	week  reports.Week
	named bool // the week was asked for by its name
	all   bool // of all customers, also in a manager's chat
	csv   bool
}

// readWeekQuestion reads the words after report weekly.
func (b *Bot) readWeekQuestion(words []string, now time.Time) (weekQuestion, error) {
	q := weekQuestion{week: reports.WeekOf(now, b.audience.Zone).Before()}
	for _, word := range words {
		w, err := ParseWeek(word, b.audience.Zone)
		switch {
		case err == nil && !q.named:
			q.week, q.named = w, true
		case word == "file":
			q.csv = true
		case word == "all":
			q.all = true
		default:
			return q, usage("report", "usage.week", word)
		}
	}
	if q.week.From.After(now) {
		return q, usage("report", "usage.future", weekName(q.week))
	}
	return q, nil
}

// weekReport answers report weekly [2026-W46] [all] [file]. A manager's chat
// is told of the manager's customers, as on schedule.
func (b *Bot) weekReport(ctx context.Context, words []string, r Request) (Answer, error) {
	q, err := b.readWeekQuestion(words, r.Now)
	if err != nil {
		return Answer{}, err
	}
	managers, err := b.managers()
	if err != nil {
		return Answer{}, err
	}
	part := b.partOf(r.Chat, managers)
	if q.all {
		part = nil
	}
	report, err := b.weekly(ctx, q.week, managers, part, r.Now)
	if err == nil && report.Data.IsZero() && !q.named { // a new installation: what there is, is of this week
		q.week = reports.WeekOf(r.Now, b.audience.Zone)
		report, err = b.weekly(ctx, q.week, managers, part, r.Now)
	}
	if err != nil {
		return Answer{}, err
	}
	if report.Data.IsZero() {
		return Answer{}, &Refusal{Code: ResultNotFound, Key: "refusal.noweek", Args: i18n.Args{"Word": weekName(q.week)}}
	}
	m, err := b.weeklyMessage(r.Locale, report, q.csv)
	if err != nil {
		return Answer{}, err
	}
	m.Silent = false // somebody waits for it
	data := WeeklyData{Report: Weekly, Week: weekName(q.week), At: optional(report.Data), Rules: report.Rules, Sums: report.Sums(), Text: m}
	data.Text.Files = nil
	return Answer{Message: m, Data: data}, nil
}

// weekly composes a week's report, up to now where it is not over.
func (b *Bot) weekly(ctx context.Context, week reports.Week, managers []customers, part *customers, now time.Time) (reports.Weekly, error) {
	h, err := b.history(ctx, week, now)
	if err != nil {
		return reports.Weekly{}, err
	}
	return weekOf(h, week, managers, part), nil
}

// errWeek is what ParseWeek says of a word that is none.
var errWeek = errors.New("is no week: want 2026-W46")

// ParseWeek reads a week as ISO 8601 writes it: 2026-W46.
func ParseWeek(word string, zone *time.Location) (reports.Week, error) {
	var year, number int
	if _, err := fmt.Sscanf(strings.ToUpper(word), "%4d-W%2d", &year, &number); err != nil {
		return reports.Week{}, fmt.Errorf("%q %w", word, errWeek)
	}
	week, ok := reports.ISOWeek(year, number, zone)
	if !ok || year < 2000 || weekName(week) != strings.ToUpper(word) { // Sscanf lets "2026-W 5" pass, and what comes behind
		return reports.Week{}, fmt.Errorf("%q %w", word, errWeek)
	}
	return week, nil
}

func weekName(w reports.Week) string { return fmt.Sprintf("%04d-W%02d", w.Year, w.Number) }
