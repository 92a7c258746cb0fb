package bot_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// watched is a panel that can be read and away, and the program over it that
// can be ended and begun again.
type watched struct {
	t      *testing.T
	panel  *lab.Panel
	folder string
	policy reports.Policy

	managers []bot.Manager
	unnamed  error // of reading a manager's list of customers

	journal *journal.Journal
	reader  *ispmanager.Panel
	bot     *bot.Bot
}

// newWatched has a panel with certificates for each count: 1 to 299 for what
// is issued or given up, 301 to 360 with neither name nor domain for what is
// overdue, and f1 to f60 that the log may speak of.
func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, folder: t.TempDir(), policy: reports.Policy{ResolveAfter: 2, Remind: 4 * time.Hour,
		Thresholds: map[checks.Code]reports.Threshold{checks.PanelProcessing: {Warn: 60, Critical: 100}, checks.PanelFailed: {Critical: 50},
			checks.PanelFailing: {Critical: 21}, checks.PanelOverdue: {Critical: 20}}}}
	var err error
	w.panel, err = lab.NewPanel(filepath.Join(w.folder, "panel.db"), lab.WithZone(time.UTC))
	w.must(err)
	w.must(w.panel.Transaction(func() error {
		for i := range 360 {
			c := lab.Certificate{Name: fmt.Sprintf("c%d", i+1), Domain: fmt.Sprintf("c%d.example", i+1)}
			if i >= 300 {
				c = lab.Certificate{}
			}
			if _, err := w.panel.AddCertificate(c); err != nil {
				return err
			}
		}
		return nil
	}))
	w.begin()
	t.Cleanup(func() { w.end(); w.must(w.panel.Close()) })
	return w
}

func (w *watched) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *watched) begin() {
	w.t.Helper()
	var err error
	w.journal, err = journal.Open(w.t.Context(), filepath.Join(w.folder, "state.db"))
	w.must(err)
	w.reader = ispmanager.New(ispmanager.Config{Name: "isp1", Database: w.panel.Path()})
	log := slog.New(slog.DiscardHandler)
	watch := bot.NewWatch(w.journal, []bot.Panel{{Name: "isp1", Reader: w.reader}}, bot.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.1}, log)
	who := bot.Audience{Bundle: loadBundle(w.t), Zone: time.UTC, Language: "en",
		Chats: []bot.Chat{{To: bot.Address{Messenger: "wall", Chat: "ops"}, Receives: []string{bot.Alerts}},
			{To: bot.Address{Messenger: "wall", Chat: "boss"}, Receives: []string{bot.Daily, bot.Weekly}}}, Managers: w.managers}
	w.bot = bot.New(w.journal, watch, who, w.policy, log)
}

func (w *watched) end() { w.t.Helper(); w.must(errors.Join(w.reader.Close(), w.journal.Close())) }

// away takes the panel's database away, and back brings it.
func (w *watched) away() { w.t.Helper(); w.must(os.Rename(w.panel.Path(), w.panel.Path()+".away")) }
func (w *watched) back() { w.t.Helper(); w.must(os.Rename(w.panel.Path()+".away", w.panel.Path())) }

// counts has the panel show these from now on; of failing so many more.
func (w *watched) counts(now time.Time, processing, failed, failing, overdue int) {
	w.t.Helper()
	old, fresh := now.AddDate(0, 0, -200).Format(time.DateTime), now.Format(time.DateTime)
	w.must(w.panel.Transaction(func() error {
		err := errors.Join(
			w.panel.Exec(`UPDATE letsencrypt_ssl SET processing = iif(id <= ?, 'on', 'off'), failed = iif(id > 299 - ?, 'on', 'off') WHERE id < 300`, processing, failed),
			w.panel.Exec(`UPDATE letsencrypt_ssl SET time_started = iif(id <= 300 + ?, ?, ?) WHERE id > 300`, overdue, old, fresh))
		for i := range 2 * failing {
			_, failed := w.panel.AddAttempt(lab.Attempt{Certificate: fmt.Sprintf("f%d", i/2+1), Status: lab.StatusFailed, At: now.Add(-time.Minute)})
			err = errors.Join(err, failed)
		}
		return err
	}))
}

// alerts are what was really told of counts, as the state has it.
func (w *watched) alerts(from time.Time) []string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.folder, "state.db"))
	w.must(err)
	defer db.Close()
	rows, err := db.QueryContext(w.t.Context(), `SELECT d.created, d.kind, i.key, i.opened, i.resolved, i.peak FROM delivery d JOIN incident i ON i.id = d.incident
		WHERE d.edits IS NULL AND i.site = '' AND instr(i.finding, 'counts.') > 0 AND d.created >= ? ORDER BY d.created, i.key`, from.UnixMilli())
	w.must(err)
	defer rows.Close()
	var told []string
	for rows.Next() {
		var at, opened, resolved int64
		var kind, key string
		var peak int
		w.must(rows.Scan(&at, &kind, &key, &opened, &resolved, &peak))
		told = append(told, fmt.Sprintf("%s %s %s, from %s to %s, peak %d", moment(at), kind, code(key), moment(opened), moment(resolved), peak))
	}
	w.must(rows.Err())
	return told
}

// disk changes the state's file behind the program's back.
func (w *watched) disk(query string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.folder, "state.db"))
	w.must(err)
	defer db.Close()
	_, err = db.ExecContext(w.t.Context(), query)
	w.must(err)
}

func moment(at int64) string {
	if at <= 0 {
		return "-"
	}
	return time.UnixMilli(at).UTC().Format("02 15:04:05.000")
}

// code is the count's in the key of its finding.
func code(key string) string {
	_, after, _ := strings.Cut(key, "panel.")
	return "panel." + strings.FieldsFunc(after, func(r rune) bool { return r < 'a' || r > 'z' })[0]
}

// replayed is what the replay says of the same time, in the same words.
func (w *watched) replayed(now time.Time, days int) []string {
	w.t.Helper()
	answer, err := w.bot.Replay(w.t.Context(), days, bot.Request{Locale: loadBundle(w.t).Locale("en", time.UTC), Now: now})
	w.must(err)
	var told []string
	for _, e := range answer.Data.(bot.ReplayData).Alerts {
		until := "-"
		if e.Until != nil {
			until = moment(e.Until.UnixMilli())
		}
		for _, m := range e.Messages {
			told = append(told, fmt.Sprintf("%s %s %s, from %s to %s, peak %d", moment(m.At.UnixMilli()), m.Kind, e.Code, moment(e.From.UnixMilli()), until, e.Peak))
		}
	}
	return told
}

// tide is a count that mostly lies low, at times rises above its threshold,
// trembles there and sinks again.
type tide struct {
	rand       *rand.Rand
	threshold  int
	level, end int // end: readings until the next turn
}

func (d *tide) next() int {
	if d.end--; d.end < 0 {
		d.end = 4 + d.rand.IntN(40) // up to a day and a half
		d.level = d.threshold / 4
		switch d.rand.IntN(4) {
		case 0:
			d.level = d.threshold // trembles
		case 1:
			d.level = d.threshold + d.rand.IntN(2*d.threshold)
			if d.rand.IntN(3) == 0 {
				d.end *= 6
			}
		}
	}
	return max(0, d.level+d.rand.IntN(d.threshold/6+2)-d.threshold/12)
}

// TestReplayTellsWhatWasTold watches a panel over 31 days, with gaps and
// restarts, and then has the month replayed with the same thresholds.
func TestReplayTellsWhatWasTold(t *testing.T) {
	w := newWatched(t)
	now := w.month(time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), 7)
	if told := w.alerts(now.AddDate(0, 0, -30)); len(told) < 100 {
		t.Errorf("only %d alerts: the month is too quiet to prove anything", len(told))
	}
	same := func(t *testing.T) {
		for _, days := range []int{31, 30, 14, 7, 3, 1} {
			told, replayed := w.alerts(now.AddDate(0, 0, -days)), w.replayed(now, days)
			slices.Sort(told)
			slices.Sort(replayed)
			if diff := cmp.Diff(told, replayed); diff != "" {
				t.Errorf("%d days (-told +replayed):\n%s", days, diff)
			}
		}
	}
	t.Run("as it was kept", same)
	w.must(w.journal.PruneMetrics(t.Context(), now))
	t.Run("thinned out", same)
}

// month lets 31 days go by, read every forty to sixty minutes.
func (w *watched) month(from time.Time, seed uint64) (end time.Time) {
	w.t.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	tides := map[checks.Code]*tide{}
	for _, code := range []checks.Code{checks.PanelProcessing, checks.PanelFailed, checks.PanelFailing, checks.PanelOverdue} {
		tides[code] = &tide{rand: r, threshold: w.policy.Thresholds[code].Critical}
	}
	end = from.AddDate(0, 0, 31)
	away := 0 // readings until the panel can be read again
	for now := from; now.Before(end); now = now.Add(40*time.Minute + time.Duration(r.IntN(20*60_000))*time.Millisecond) {
		if away == 0 && r.IntN(100) == 0 {
			away = 1 + r.IntN(12)
			w.away()
		} else if away > 0 {
			if away--; away == 0 {
				w.back()
			}
		}
		if away == 0 {
			w.counts(now, tides[checks.PanelProcessing].next(), tides[checks.PanelFailed].next(), tides[checks.PanelFailing].next()/2, tides[checks.PanelOverdue].next())
		}
		if r.IntN(60) == 0 {
			w.end()
			w.begin()
		}
		w.must(w.bot.Observe(w.t.Context(), now))
	}
	return end
}
