package bot

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"domovoy/checks"
	"domovoy/checks/suite"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// A look that takes long is announced in the chat, and the answer takes the
// place of the announcement. A quick one is only answered.
func TestALongLookIsAnnounced(t *testing.T) {
	for _, c := range []struct {
		name     string
		takes    time.Duration
		language string
		want     []string // what is announced
	}{
		{"quick", wordless - time.Millisecond, "en", nil},
		{"long", wordless + time.Second, "en", []string{"Looking at shop.ru…"}},
		{"long", wordless + time.Second, "ru", []string{"Проверяю shop.ru…"}},
	} {
		t.Run(c.name+" "+c.language, func(t *testing.T) {
			bundle, err := i18n.Load()
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				b := oneSite(t, bundle, func(context.Context, *checks.Target) ([]checks.Finding, error) {
					time.Sleep(c.takes)
					return nil, nil
				})
				defer b.journal.Close()
				u := journal.Update{ID: 1, Chat: "post:5", Person: "post:5", Text: "check shop.ru"}
				r := Request{Person: u.Person, Role: Viewer, Locale: bundle.Locale(c.language, nil), Now: time.Now()}
				said, err := b.answer(t.Context(), u, r)
				answers := said.answers
				if err != nil || said.entry != nil {
					t.Fatalf("%+v, %v", said, err)
				}
				sent, err := b.journal.Due(t.Context(), time.Now(), journal.Lane{}, 9)
				if err != nil || len(sent) != len(c.want) || len(answers) != 1 {
					t.Fatalf("%d announcements and the answers %+v, %v", len(sent), answers, err)
				}
				var announced int64
				for i, d := range sent {
					if announced = d.ID; d.Message.Title != c.want[i] || d.To != u.Chat {
						t.Errorf("%s is told %q", d.To, d.Message.Title)
					}
				}
				if answers[0].Edits != announced {
					t.Errorf("the answer edits %d, want %d", answers[0].Edits, announced)
				}
			})
		})
	}
}

// oneSite is a bot over a panel with the site shop.ru, whose names are looked
// up as given.
func oneSite(t *testing.T, bundle *i18n.Bundle, names func(context.Context, *checks.Target) ([]checks.Finding, error)) *Bot {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	watch := NewWatch(j, []Panel{{Name: "isp1", Live: &suite.Live{Checks: []checks.Check{lookingUp(names)}}}}, Rules{}, log)
	p := watch.panels[0]
	p.tried()
	p.server = reports.Server{Name: "isp1", Read: time.Now(), Subjects: []checks.Subject{{Site: &checks.Site{Server: "isp1", Name: "shop.ru", Active: checks.On}}}}
	return New(j, watch, Audience{Bundle: bundle, Language: "en", Zone: time.UTC}, reports.Policy{}, log)
}
