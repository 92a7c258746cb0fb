package alerts_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot"
	"domovoy/bot/alerts"
	"domovoy/bot/engine/enginetest"
	"domovoy/checks"
)

// watched is a program over a panel, whose alerts are compared with a replay's.
type watched struct{ *enginetest.Program }

// alerts returns the alerts of counts that were sent, from the state.
func (w watched) alerts(from time.Time) []string {
	w.T.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.Folder, "state.db"))
	w.Must(err)
	defer db.Close()
	rows, err := db.QueryContext(w.T.Context(), `SELECT d.created, d.kind, p.key, p.opened, p.resolved, p.peak FROM delivery d JOIN problem p ON p.id = d.problem
		WHERE d.edits IS NULL AND p.cause IN ('panel.processing', 'panel.failed', 'panel.failing', 'panel.overdue') AND d.created >= ? ORDER BY d.created, p.key`, from.UnixMilli())
	w.Must(err)
	defer rows.Close()
	var told []string
	for rows.Next() {
		var at, opened, resolved int64
		var kind, key string
		var peak int
		w.Must(rows.Scan(&at, &kind, &key, &opened, &resolved, &peak))
		told = append(told, fmt.Sprintf("%s %s %s, from %s to %s, peak %d", moment(at), kind, code(key), moment(opened), moment(resolved), peak))
	}
	w.Must(rows.Err())
	return told
}

func moment(at int64) string {
	if at <= 0 {
		return "-"
	}
	return time.UnixMilli(at).UTC().Format("02 15:04:05.000")
}

// code returns the code of a count from the key of its finding.
func code(key string) string {
	_, after, _ := strings.Cut(key, "panel.")
	return "panel." + strings.FieldsFunc(after, func(r rune) bool { return r < 'a' || r > 'z' })[0]
}

// replayed returns what the replay reports for the same time, in the same
// format.
func (w watched) replayed(now time.Time, days int) []string {
	w.T.Helper()
	answer, err := w.Engine.Alerts.Replay(w.T.Context(), days, bot.Request{Locale: enginetest.Bundle(w.T).Locale("en", time.UTC), Now: now})
	w.Must(err)
	var told []string
	for _, e := range answer.Data.(alerts.ReplayData).Alerts {
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

// tide is a count that is low most of the time, sometimes rises above its
// threshold, oscillates there and falls again.
type tide struct {
	rand       *rand.Rand
	threshold  int
	level, end int // end: number of readings until the next change
}

func (d *tide) next() int {
	if d.end--; d.end < 0 {
		d.end = 4 + d.rand.IntN(40) // up to a day and a half
		d.level = d.threshold / 4
		switch d.rand.IntN(4) {
		case 0:
			d.level = d.threshold // oscillates
		case 1:
			d.level = d.threshold + d.rand.IntN(2*d.threshold)
			if d.rand.IntN(3) == 0 {
				d.end *= 6
			}
		}
	}
	return max(0, d.level+d.rand.IntN(d.threshold/6+2)-d.threshold/12)
}

// TestReplayTellsWhatWasTold runs a program for 31 days, with gaps and
// restarts, and then replays the month with the same thresholds.
func TestReplayTellsWhatWasTold(t *testing.T) {
	w := watched{enginetest.NewProgram(t)}
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
	w.Must(w.Journal.PruneMetrics(t.Context(), now))
	t.Run("thinned out", same)
}

// month simulates 31 days with a reading every forty to sixty minutes.
func (w watched) month(from time.Time, seed uint64) (end time.Time) {
	w.T.Helper()
	r := rand.New(rand.NewPCG(seed, 5))
	tides := map[checks.Code]*tide{}
	for _, code := range []checks.Code{checks.PanelProcessing, checks.PanelFailed, checks.PanelFailing, checks.PanelOverdue} {
		tides[code] = &tide{rand: r, threshold: w.Policy.Thresholds[code].Critical}
	}
	end = from.AddDate(0, 0, 31)
	away := 0 // readings until the panel can be read again
	for now := from; now.Before(end); now = now.Add(40*time.Minute + time.Duration(r.IntN(20*60_000))*time.Millisecond) {
		if away == 0 && r.IntN(100) == 0 {
			away = 1 + r.IntN(12)
			w.Away()
		} else if away > 0 {
			if away--; away == 0 {
				w.Back()
			}
		}
		if away == 0 {
			w.Counts(now, tides[checks.PanelProcessing].next(), tides[checks.PanelFailed].next(), tides[checks.PanelFailing].next()/2, tides[checks.PanelOverdue].next())
		}
		if r.IntN(60) == 0 {
			w.End()
			w.Begin()
		}
		w.Must(w.Engine.Alerts.Observe(w.T.Context(), now))
		w.Disk(`UPDATE delivery SET state = 'sent', ref = 'm' WHERE state = 'pending'`) // a reminder of what was not sent is left out
	}
	return end
}
