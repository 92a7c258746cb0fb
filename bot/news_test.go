package bot

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/i18n"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// observer is a bot over a panel of the lab, with a journal of its own.
func observer(t *testing.T, panel *lab.Panel) *Bot {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: panel.Path(), Zone: panel.Zone()})
	t.Cleanup(func() { _, _ = reader.Close(), j.Close() })
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	w := NewWatch(j, []Panel{{Name: "isp1", Reader: reader}}, Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 7.0 / 90}, log)
	audience := Audience{Language: "en", Zone: time.UTC, Bundle: bundle}
	return New(j, w, audience, reports.Policy{ResolveAfter: 2}, log)
}

// TestSecondsGiveWhatMinutesGive changes a panel again and again. Who polls
// every second, and compares what changed only, has the same incidents open as
// who compares everything each time.
func TestSecondsGiveWhatMinutesGive(t *testing.T) {
	panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "panel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = panel.Close() })
	now := time.Now().Truncate(time.Second)
	sites := fill(t, panel, now)
	quick, thorough := observer(t, panel), observer(t, panel)
	dice := rand.New(rand.NewPCG(3, 5))
	for turn := range 50 {
		now = now.Add(time.Second)
		if turn > 0 {
			stir(t, panel, sites[dice.IntN(len(sites))], dice, now)
		}
		for _, p := range thorough.watch.panels {
			p.learned(nil, true)
		}
		for _, b := range []*Bot{quick, thorough} {
			if err := b.Observe(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(standing(t, thorough), standing(t, quick), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("open after turn %d (-all compared +what changed):\n%s", turn, d)
		}
	}
}

func fill(t *testing.T, panel *lab.Panel, now time.Time) []string {
	t.Helper()
	var names []string
	for i := range 20 {
		name := fmt.Sprintf("s%d.example", i)
		_, err := panel.AddSite(lab.Site{Name: name, Owner: "client", Active: true, Secure: i%3 != 0, Certificate: name + "_le1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := panel.AddCertificate(lab.Certificate{Name: name + "_le1", Domain: name, Owner: "client", Started: now.Add(-24 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// stir changes one thing about a site.
func stir(t *testing.T, panel *lab.Panel, site string, dice *rand.Rand, now time.Time) {
	t.Helper()
	var err error
	certificate := site + "_le1"
	switch dice.IntN(5) {
	case 0:
		_, err = panel.AddAttempt(lab.Attempt{Certificate: certificate, Status: lab.StatusOK, At: now})
	case 1:
		err = panel.SetActive(site, dice.IntN(2) == 0)
	case 2:
		err = panel.SetFailed(dice.IntN(2) == 0, certificate)
	default:
		_, err = panel.AddAttempt(lab.Attempt{Certificate: certificate, Status: lab.StatusFailed, At: now,
			Message: []string{"DNS problem: NXDOMAIN looking up A for " + site, "nobody knows this"}[dice.IntN(2)]})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// standing is what is open, by key: its severity and how often it was missed.
func standing(t *testing.T, b *Bot) map[string]string {
	t.Helper()
	open, err := b.journal.OpenIncidents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, i := range open {
		by[i.Finding.Key()] = fmt.Sprint(i.Finding.Severity, " missed ", i.Clear)
	}
	return by
}

func TestNewsThatWereNotRecordedStayNews(t *testing.T) {
	p := &watched{}
	p.learned([]string{"a.example"}, false)
	if _, n := p.takeNews(); !n.sites["a.example"] || n.all {
		t.Errorf("news = %+v, want a.example", n)
	}
	if _, n := p.takeNews(); len(n.sites) > 0 || n.all {
		t.Errorf("news = %+v when all was taken", n)
	}
	p.learned(nil, true)
	p.learned([]string{"b.example"}, false)
	if _, n := p.takeNews(); !n.all {
		t.Errorf("news = %+v, want all", n)
	}
	p.server.Trouble = "locked"
	p.learned([]string{"c.example"}, false)
	p.takeNews()
	p.server.Trouble = ""
	if _, n := p.takeNews(); !n.sites["c.example"] {
		t.Errorf("news = %+v: what came before a reading that failed is lost", n)
	}
	s := reports.Server{Name: "isp1", Outcome: checks.Outcome{Findings: []checks.Finding{{Site: "c.example"}, {Site: "d.example"}, {}}}}
	kept, _ := news{sites: map[string]bool{"c.example": true}}.narrow(s, nil)
	if len(kept.Outcome.Findings) != 2 || len(s.Outcome.Findings) != 3 {
		t.Errorf("narrowed to %d findings of %d, want 2 of 3", len(kept.Outcome.Findings), len(s.Outcome.Findings))
	}
}
