package digest_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/digest"
	"domovoy/bot/engine/enginetest"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// weeks returns a program with three weeks of history of five sites with
// problems: the first is fixed in the last week. The boss receives the whole
// report, Anna and Boris receive their parts.
func weeks(t *testing.T, now time.Time) watched {
	t.Helper()
	w := newWatched(t)
	w.Managers = []bot.Manager{
		{To: bot.Address{Messenger: "wall", Chat: "anna"}, Language: "ru", Owners: []string{"client[01]"}},
		{To: bot.Address{Messenger: "wall", Chat: "boris"}, Named: func() (map[string]bool, error) { return map[string]bool{"client2": true}, *w.unnamed }},
	}
	w.End()
	w.Begin()
	last := reports.WeekOf(now, time.UTC).Before()
	for at := last.From.AddDate(0, 0, -14); !at.After(last.To); at = at.AddDate(0, 0, 1) {
		s := journal.Snapshot{Tally: reports.Tally{Server: "isp1", At: at, Sites: 5, Rules: "test"}}
		for n := range 5 {
			x := reports.SiteState{Site: "shop" + string(rune('0'+n)) + ".example", Owner: "client" + string(rune('0'+n)), Code: checks.WebTimeout, Severity: checks.Warning}
			if n == 0 && at.After(last.From.AddDate(0, 0, 3)) {
				x.Code, x.Severity = checks.OK, checks.Healthy
			}
			s.States = append(s.States, x)
		}
		w.Must(w.Journal.KeepSnapshot(t.Context(), s))
	}
	return w
}

// said returns the messages queued for a chat, each in one line.
func (w watched) said(chat string) (said []string, files []reports.File) {
	w.T.Helper()
	for {
		due, err := w.Journal.Due(w.T.Context(), time.Now(), journal.Queue{Except: nil}, 99)
		w.Must(err)
		i := slices.IndexFunc(due, func(d journal.Delivery) bool { return d.To == chat })
		if i < 0 {
			return said, files
		}
		text := due[i].Message.Title
		for _, s := range due[i].Message.Sections {
			text += "\n" + s.Text
		}
		said, files = append(said, text), append(files, due[i].Message.Files...)
		w.Must(w.Journal.MarkSent(w.T.Context(), due[i].ID, "1", time.Now()))
	}
}

// The job sends each receiver its part, once, even if it runs twice; the
// report's files are stored.
func TestWeeklyTellsEachTheirPart(t *testing.T) {
	now := time.Now().UTC()
	w, due := weeks(t, now), now.Add(-20*time.Hour) // late: the program was not running
	w.Must(w.Engine.Reports.SendWeekly(t.Context(), due))
	if err := w.Engine.Reports.SendWeekly(t.Context(), due); !errors.Is(err, journal.ErrFinished) {
		t.Errorf("the second run: %v", err)
	}
	for chat, want := range map[string][]string{
		"wall:boss":  {"Sites with problems: 4 (−1 since last week), 0 new, 1 fixed", "2 owners have no manager, including client3 and client4"},
		"wall:anna":  {"Сайтов с проблемами: 1 (−1 за неделю), новых 0, исправлено 1", "Здесь только ваши клиенты"},
		"wall:boris": {"Sites with problems: 1 (±0 since last week), 0 new, 0 fixed", "Only your customers"},
	} {
		said, files := w.said(chat)
		if len(said) != 1 {
			t.Fatalf("%s is told %d times: %q", chat, len(said), said)
		}
		for _, text := range want {
			if !strings.Contains(said[0], text) {
				t.Errorf("%s reads %q, want %q in it", chat, said[0], text)
			}
		}
		if len(files) != 3 { // chart, sheet, page
			t.Errorf("%s gets %d files", chat, len(files))
		}
		for _, f := range files {
			if _, err := os.Stat(f.Path); err != nil || !strings.Contains(f.Path, strings.ReplaceAll(chat, ":", "-")) {
				t.Errorf("%s of %s is kept at %q: %v", f.Name, chat, f.Path, err)
			}
		}
	}
}

// An error before the run is recorded and nobody receives anything; the next
// run sends to all.
func TestWeeklyTellsAllOrNobody(t *testing.T) {
	now := time.Now().UTC()
	w, due := weeks(t, now), now.Add(-time.Hour)
	unnamed := errors.New("no such file")
	*w.unnamed = unnamed
	if err := w.Engine.Reports.SendWeekly(t.Context(), due); !errors.Is(err, unnamed) {
		t.Fatalf("customers that cannot be read: %v", err)
	}
	*w.unnamed = nil
	w.Disk(`CREATE TRIGGER full BEFORE INSERT ON delivery WHEN NEW.chat = 'wall:boris' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`)
	if err := w.Engine.Reports.SendWeekly(t.Context(), due); err == nil {
		t.Fatal("it was noted on a full disk")
	}
	if said, _ := w.said("wall:boss"); len(said) > 0 {
		t.Errorf("told, though the run is not noted: %q", said)
	}
	w.Disk(`DROP TRIGGER full`)
	w.Must(w.Engine.Reports.SendWeekly(t.Context(), due))
	for _, chat := range []string{"wall:boss", "wall:anna", "wall:boris"} {
		if said, _ := w.said(chat); len(said) != 1 {
			t.Errorf("%s is told %d times", chat, len(said))
		}
	}
}

// In a manager's chat the command returns the manager's part, or the whole on
// request; in the chat that receives the whole report, and in any other, it
// returns the whole.
func TestReportWeeklyInAManagersChat(t *testing.T) {
	now := time.Now().UTC()
	w := weeks(t, now)
	for _, c := range []struct {
		chat, words string
		open        int
	}{{"anna", "", 1}, {"boris", "", 1}, {"anna", " all", 4}, {"boss", "", 4}, {"ops", "", 4}} {
		answer, err := w.Engine.Commands.Ask(t.Context(), "report weekly"+c.words, bot.Request{Role: bot.Admin, Now: now,
			Chat: bot.Address{Messenger: "wall", Chat: c.chat}, Locale: enginetest.Bundle(t).Locale("en", time.UTC)})
		w.Must(err)
		if got := answer.Data.(digest.WeeklyData).Sums.Open; got != c.open {
			t.Errorf("in %s, weekly%s: %d open, want %d", c.chat, c.words, got, c.open)
		}
	}
}

// An invalid week is refused with the reason and an example.
func TestReportWeeklyOfNoWeek(t *testing.T) {
	now := time.Now().UTC()
	w := newWatched(t)
	for word, key := range map[string]string{
		"2026-99": "usage.week", "2025-W53": "usage.week", "2026-W00": "usage.week", "2026-W5": "usage.week", "2026-W+5": "usage.week",
		"2999-W01": "usage.future",
	} {
		_, err := w.Engine.Commands.Ask(t.Context(), "report weekly "+word, bot.Request{Role: bot.Admin, Now: now, Locale: enginetest.Bundle(t).Locale("en", time.UTC)})
		if refusal, ok := errors.AsType[*bot.Refusal](err); !ok || refusal.Code != bot.ResultUsage || refusal.Key != key {
			t.Errorf("report weekly %s: %v, want a refusal by %s", word, err, key)
		}
	}
}
