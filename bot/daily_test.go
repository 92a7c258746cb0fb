package bot_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// snapshot remembers a day with one site in trouble.
func (w *watched) snapshot(at time.Time) {
	w.t.Helper()
	s := journal.Snapshot{Tally: reports.Tally{Server: "isp1", At: at, Sites: 1, Rules: "test"},
		States: []reports.SiteState{{Site: "shop.example", Code: checks.WebTimeout, Severity: checks.Warning}}}
	w.must(w.journal.KeepSnapshot(w.t.Context(), s))
}

// A digest brings a chart where there is a history to draw and something to
// tell, be it asked for or told by the job.
func TestDigestBringsItsChart(t *testing.T) {
	for _, c := range []struct {
		name       string
		snapshots  int
		processing int // 100 and more are a trouble
		want       string
	}{
		{"no history", 0, 150, ""},
		{"one snapshot", 1, 150, ""},
		{"two", 2, 150, "domovoy-digest-"},
		{"nothing new", 2, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, now := newWatched(t), time.Now().UTC()
			w.bot.KeepReports(filepath.Join(w.folder, "reports"))
			w.must(w.bot.Observe(t.Context(), now.Add(-25*time.Hour)))
			w.counts(now, c.processing, 0, 0, 0)
			w.must(w.bot.Observe(t.Context(), now))
			for i := range c.snapshots {
				w.snapshot(now.AddDate(0, 0, -5+i))
			}
			answer, err := w.bot.Ask(t.Context(), "report daily", bot.Request{Role: bot.Admin, Locale: loadBundle(t).Locale("en", time.UTC), Now: now})
			w.must(err)
			w.charted(answer.Message, c.want, now)
			w.must(w.bot.Digest(t.Context(), now))
			told := w.next("wall:boss").Message
			w.charted(told, c.want, now)
			for _, f := range told.Files {
				if kept, err := os.ReadFile(f.Path); err != nil || !bytes.Equal(kept, f.Data) {
					t.Errorf("it is not kept at %q: %v", f.Path, err)
				}
			}
		})
	}
}

// next is what is to be sent to a chat next.
func (w *watched) next(chat string) journal.Delivery {
	w.t.Helper()
	due, err := w.journal.Due(w.t.Context(), time.Now(), journal.Lane{}, 9)
	w.must(err)
	i := slices.IndexFunc(due, func(d journal.Delivery) bool { return d.To == chat })
	if i < 0 {
		w.t.Fatalf("nothing is to be sent to %s", chat)
	}
	return due[i]
}

// charted checks the one picture of a digest; want is how its name begins,
// empty: there is none.
func (w *watched) charted(m reports.Message, want string, now time.Time) {
	w.t.Helper()
	if want == "" {
		if len(m.Files) > 0 {
			w.t.Errorf("files %q, want none", m.Files[0].Name)
		}
		return
	}
	if len(m.Files) != 1 || m.Files[0].Name != want+now.Format(time.DateOnly)+".png" {
		w.t.Fatalf("files %+v, want one chart", m.Files)
	}
	picture, err := png.Decode(bytes.NewReader(m.Files[0].Data))
	if err != nil || picture.Bounds().Dx() < 600 {
		w.t.Errorf("a picture %v, %v", picture.Bounds(), err)
	}
}
