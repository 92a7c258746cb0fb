package digest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"domovoy/bot"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/compose"
	"domovoy/reports/files"
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

// SendWeekly is the job that sends last week's report: all of it to the chats that
// receive it, and their own customers to each manager. It also stores the end of
// that run, in the same transaction.
func (d *Reporter) SendWeekly(ctx context.Context, due time.Time) error {
	week := reports.WeekOf(time.Now(), d.people.Zone).Before()
	h, err := d.history(ctx, week, time.Now())
	if err != nil {
		return err
	}
	managers, err := d.managers()
	if err != nil {
		return err
	}
	drop, err := d.droppable(ctx, week, time.Now())
	if err != nil {
		return err
	}
	var deliveries []journal.Delivery
	add := func(to bot.Address, language string, part *customers) error {
		l, err := d.people.Locale(ctx, to, language)
		if err != nil {
			return err
		}
		report := weekOf(h, week, managers, part)
		report.Drop = drop.of(part)
		m, err := d.weeklyMessage(l, report, false)
		if err != nil {
			return err
		}
		d.keepFiles(ctx, weekName(week), to, m.Files)
		deliveries = append(deliveries, journal.Delivery{To: to.String(), Kind: bot.Weekly, Message: m})
		return nil
	}
	for _, chat := range d.people.Receivers(bot.Weekly) {
		if err := add(chat.To, chat.Language, nil); err != nil {
			return err
		}
	}
	for _, m := range managers {
		if err := add(m.To, m.Language, &m); err != nil {
			return err
		}
	}
	_, err = d.journal.EnqueueFor(ctx, bot.Weekly, due, deliveries)
	d.send.Wake()
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
func (d *Reporter) readWeekQuestion(words []string, now time.Time) (weekQuestion, error) {
	q := weekQuestion{week: reports.WeekOf(now, d.people.Zone).Before()}
	for _, word := range words {
		w, err := ParseWeek(word, d.people.Zone)
		switch {
		case err == nil && !q.named:
			q.week, q.named = w, true
		case word == "file":
			q.csv = true
		case word == "all":
			q.all = true
		default:
			return q, bot.Usage("report", "usage.week", word)
		}
	}
	if q.week.From.After(now) {
		return q, bot.Usage("report", "usage.future", weekName(q.week))
	}
	return q, nil
}

// Weekly answers report weekly [2026-W46] [all] [file]. A manager's chat
// gets the manager's customers, as on schedule.
func (d *Reporter) Weekly(ctx context.Context, words []string, r bot.Request) (bot.Answer, error) {
	q, err := d.readWeekQuestion(words, r.Now)
	if err != nil {
		return bot.Answer{}, err
	}
	managers, err := d.managers()
	if err != nil {
		return bot.Answer{}, err
	}
	part := d.partOf(r.Chat, managers)
	if q.all {
		part = nil
	}
	report, err := d.weekly(ctx, q.week, managers, part, r.Now)
	if err == nil && report.Data.IsZero() && !q.named { // a new installation: what there is, is of this week
		q.week = reports.WeekOf(r.Now, d.people.Zone)
		report, err = d.weekly(ctx, q.week, managers, part, r.Now)
	}
	if err != nil {
		return bot.Answer{}, err
	}
	if report.Data.IsZero() {
		return bot.Answer{}, &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.noweek", Args: i18n.Args{"Word": weekName(q.week)}}
	}
	m, err := d.weeklyMessage(r.Locale, report, q.csv)
	if err != nil {
		return bot.Answer{}, err
	}
	m.Silent = false // somebody waits for it
	data := WeeklyData{Report: bot.Weekly, Week: weekName(q.week), At: bot.OrNull(report.Data), Rules: report.Rules, Sums: report.Sums(), Text: m}
	data.Text.Files = nil
	return bot.Answer{Message: m, Data: data}, nil
}

// weekly composes a week's report, up to now where it is not over.
func (d *Reporter) weekly(ctx context.Context, week reports.Week, managers []customers, part *customers, now time.Time) (reports.Weekly, error) {
	h, err := d.history(ctx, week, now)
	if err != nil {
		return reports.Weekly{}, err
	}
	drop, err := d.droppable(ctx, week, now)
	report := weekOf(h, week, managers, part)
	report.Drop = drop.of(part)
	return report, err
}

// WeekList is the list behind a number of a week's report, with the time of the
// snapshot that it is of. A manager's chat gets the manager's customers, unless it
// asks for all. A week without a snapshot is refused.
func (d *Reporter) WeekList(ctx context.Context, kind, week string, all bool, f reports.Filter, r bot.Request) ([]reports.Row, time.Time, error) {
	words := []string{week}
	if all {
		words = append(words, "all")
	}
	q, err := d.readWeekQuestion(words, r.Now)
	if err != nil {
		return nil, time.Time{}, err
	}
	managers, err := d.managers()
	if err != nil {
		return nil, time.Time{}, err
	}
	part := d.partOf(r.Chat, managers)
	if q.all {
		part = nil
	}
	report, err := d.weekly(ctx, q.week, managers, part, r.Now)
	if err == nil && report.Data.IsZero() {
		err = &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.noweek", Args: i18n.Args{"Word": q.week.Name()}}
	}
	at := report.Data
	switch {
	case err != nil || kind != reports.Droppable:
	case report.Drop == nil:
		err = noDrop(q.week, r)
	default:
		at = report.Drop.At
	}
	return report.List(kind, f), at, err
}

// noDrop refuses the aliases to remove of a week that is too old, and offers those
// of now and of the last week that has them.
func noDrop(week reports.Week, r bot.Request) error {
	last := reports.WeekOf(r.Now, week.From.Location()).Before().Name()
	return &bot.Refusal{Code: bot.ResultNotFound, Key: "refusal.nodrop", Args: i18n.Args{"Word": week.Name(), "Last": last}, Offers: []reports.Action{
		{Label: r.Locale.Say("list.label." + reports.Droppable), Command: "list " + reports.Droppable},
		{Label: last, Command: "list " + reports.Droppable + " week=" + last}}}
}

// errWeek is what ParseWeek returns for a word that is not one.
var errWeek = errors.New("is not a week: want 2026-W46")

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

func weekName(w reports.Week) string { return w.Name() }

// Media types of a report's files.
const (
	typePNG  = "image/png"
	typeXLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	typeHTML = "text/html"
	typeCSV  = "text/csv"
)

// weeklyFiles are what goes with the message of a weekly report: the chart
// first, since it is what one looks at on a phone. A report of a week without a
// snapshot has none.
func weeklyFiles(w compose.Writer, r reports.Weekly, csv bool) ([]reports.File, error) {
	if r.Data.IsZero() {
		return nil, nil
	}
	chart, err := files.WeekChart(w, r)
	if err != nil {
		return nil, err
	}
	xlsx, html, comma := files.Names(w, r)
	all := []reports.File{{Name: stem(html) + ".png", Type: typePNG, Data: chart}}
	kinds := []struct {
		name, kind string
		write      func(io.Writer, compose.Writer, reports.Weekly) error
	}{{xlsx, typeXLSX, files.XLSX}, {html, typeHTML, files.HTML}, {comma, typeCSV, files.CSV}}
	if !csv {
		kinds = kinds[:2]
	}
	for _, k := range kinds {
		var buf bytes.Buffer
		if err := k.write(&buf, w, r); err != nil {
			return nil, err
		}
		all = append(all, reports.File{Name: k.name, Type: k.kind, Data: buf.Bytes()})
	}
	return all, nil
}

// stem is a file's name without what follows the last dot.
func stem(name string) string {
	return name[:max(0, strings.LastIndexByte(name, '.'))]
}

// weeklyMessage composes the report with its files.
func (d *Reporter) weeklyMessage(l *i18n.Locale, r reports.Weekly, csv bool) (reports.Message, error) {
	w := compose.Writer{Locale: l, Now: time.Now()}
	m := compose.Weekly(w, r)
	var err error
	m.Files, err = weeklyFiles(w, r, csv)
	return m, err
}
