package digest_test

import (
	"bytes"
	"image/png"
	"os"
	"slices"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// watched is a program over a panel, with managers whose lists can be unreadable.
type watched struct {
	*enginetest.Program
	unnamed *error // error of reading a manager's list of customers
}

func newWatched(t *testing.T) watched {
	t.Helper()
	return watched{enginetest.NewProgram(t), new(error)}
}

// snapshot stores a day with one site in trouble.
func (w watched) snapshot(at time.Time) {
	w.T.Helper()
	s := journal.Snapshot{Tally: reports.Tally{Server: "isp1", At: at, Sites: 1, Rules: "test"},
		States: []reports.SiteState{{Site: "shop.example", Code: checks.WebTimeout, Severity: checks.Warning}}}
	w.Must(w.Journal.KeepSnapshot(w.T.Context(), s))
}

// A digest has a chart if there is a history to draw and something to report,
// both on request and from the job.
func TestDigestBringsItsChart(t *testing.T) {
	for _, c := range []struct {
		name       string
		snapshots  int
		processing int // 100 and more are a problem
		want       string
	}{
		{"no history", 0, 150, ""},
		{"one snapshot", 1, 150, ""},
		{"two", 2, 150, "domovoy-digest-"},
		{"nothing new", 2, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, now := newWatched(t), time.Now().UTC()
			w.Must(w.Engine.Alerts.Observe(t.Context(), now.Add(-25*time.Hour)))
			w.Counts(now, c.processing, 0, 0, 0)
			w.Must(w.Engine.Alerts.Observe(t.Context(), now))
			for i := range c.snapshots {
				w.snapshot(now.AddDate(0, 0, -5+i))
			}
			answer, err := w.Engine.Commands.Ask(t.Context(), "report daily", bot.Request{Role: bot.Admin, Locale: enginetest.Bundle(t).Locale("en", time.UTC), Now: now})
			w.Must(err)
			w.charted(answer.Message, c.want, now)
			w.Must(w.Engine.Reports.SendDaily(t.Context(), now))
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

// next returns the next delivery to a chat.
func (w watched) next(chat string) journal.Delivery {
	w.T.Helper()
	due, err := w.Journal.Due(w.T.Context(), time.Now(), journal.Queue{}, 9)
	w.Must(err)
	i := slices.IndexFunc(due, func(d journal.Delivery) bool { return d.To == chat })
	if i < 0 {
		w.T.Fatalf("nothing is to be sent to %s", chat)
	}
	return due[i]
}

// charted checks the one picture of a digest; want is a prefix of its name,
// empty: there must be none.
func (w watched) charted(m reports.Message, want string, now time.Time) {
	w.T.Helper()
	if want == "" {
		if len(m.Files) > 0 {
			w.T.Errorf("files %q, want none", m.Files[0].Name)
		}
		return
	}
	if len(m.Files) != 1 || m.Files[0].Name != want+now.Format(time.DateOnly)+".png" {
		w.T.Fatalf("files %+v, want one chart", m.Files)
	}
	picture, err := png.Decode(bytes.NewReader(m.Files[0].Data))
	if err != nil || picture.Bounds().Dx() < 600 {
		w.T.Errorf("a picture %v, %v", picture.Bounds(), err)
	}
}

// There is no digest without data: it would say that there are no problems.
func TestNoDigestOfPanelsThatNobodyRead(t *testing.T) {
	e := enginetest.New(t, engine.Config{Audience: bot.Audience{Chats: []bot.Chat{{To: bot.Address{Messenger: "post", Chat: "a"}, Receives: []string{bot.Daily}}}}})
	if err := e.Reports.SendDaily(t.Context(), time.Now()); err == nil {
		t.Error("no error")
	}
	if due, err := e.Journal.Due(t.Context(), time.Now(), journal.Queue{}, 9); err != nil || len(due) > 0 {
		t.Errorf("to be sent: %v, %v", due, err)
	}
}
