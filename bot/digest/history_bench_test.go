package digest_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"domovoy/bot"
	"domovoy/bot/engine"
	"domovoy/bot/engine/enginetest"
	"domovoy/bot/watch"
	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// A panel of 10,000 sites, nearly half of them with problems, of which a
// hundred change a day, with snapshots of a year.
const (
	yearSites = 10_000
	yearTurns = 100
	yearDays  = 365
)

// yearlong returns the program over that panel, with the snapshots.
func yearlong(b *testing.B, days int) (*engine.Engine, *year) {
	b.Helper()
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	folder := b.TempDir()
	p, err := lab.NewPanel(filepath.Join(folder, "panel.db"), lab.WithZone(time.UTC))
	must(err)
	y := &year{rand: rand.New(rand.NewPCG(1, 2)), now: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -days)}
	must(p.Transaction(func() error { return y.fill(p) }))
	y.journal, err = journal.Open(b.Context(), filepath.Join(folder, "state.db"))
	must(err)
	reader := ispmanager.New(ispmanager.Config{Name: "isp1", Database: p.Path()})
	b.Cleanup(func() { _, _, _ = reader.Close(), y.journal.Close(), p.Close() })
	e := enginetest.New(b, engine.Config{
		Journal: y.journal, Sources: []watch.Source{{Name: "isp1", Reader: reader}}, Rules: watch.Rules{Within: 4 * time.Hour, Times: 2, LifeLeft: 0.1},
		Audience: bot.Audience{Language: "ru"},
		Policy: reports.Policy{ResolveAfter: 2, // and a day with something to report
			Thresholds: map[checks.Code]reports.Threshold{checks.PanelFailed: {Critical: 50}}},
	})
	for range days {
		must(y.journal.KeepSnapshot(b.Context(), y.next()))
	}
	must(e.Alerts.Observe(b.Context(), time.Now().Add(-25*time.Hour)))
	must(p.Exec(`UPDATE letsencrypt_ssl SET failed = 'on' WHERE id % 97 = 0`))
	must(e.Alerts.Observe(b.Context(), time.Now()))
	return e, y
}

// year generates the history of the panel's sites.
type year struct {
	journal   *journal.Journal
	rand      *rand.Rand
	standings []reports.SiteState
	now       time.Time
}

func (y *year) fill(p *lab.Panel) error {
	for i := range yearSites {
		name := fmt.Sprintf("site%d.example", i)
		s := reports.SiteState{Site: name, Owner: fmt.Sprintf("client%d", i%900), Code: checks.OK}
		c := lab.Certificate{Name: name + "_le1", Domain: name, Owner: s.Owner, Started: time.Now().AddDate(0, 0, -i%80), Failed: i%9 == 0}
		if _, err := p.AddCertificate(c); err != nil {
			return err
		}
		if _, err := p.AddSite(lab.Site{Name: name, Owner: s.Owner, Active: true, Secure: true, Certificate: c.Name}); err != nil {
			return err
		}
		if i%20 < 9 {
			y.turn(&s)
		}
		y.standings = append(y.standings, s)
	}
	return nil
}

// turn gives a site a problem, or solves it.
func (y *year) turn(s *reports.SiteState) {
	codes := []checks.Code{checks.DNSElsewhere, checks.WebTimeout, checks.DNSUnregistered, checks.CADNS, checks.CertExpired}
	if s.Code != checks.OK && y.rand.IntN(2) == 0 {
		s.Code, s.Severity = checks.OK, checks.Healthy
		return
	}
	s.Code = codes[y.rand.IntN(len(codes))]
	s.Severity = s.Code.Severity()
}

// next returns the snapshot of the next day.
func (y *year) next() journal.Snapshot {
	y.now = y.now.Add(24 * time.Hour)
	for range yearTurns {
		y.turn(&y.standings[y.rand.IntN(yearSites)])
	}
	return journal.Snapshot{Tally: reports.Tally{Server: "isp1", At: y.now, Sites: yearSites, Rules: "bench"}, States: y.standings}
}

// BenchmarkDigest composes the daily digest with its chart: it must take less
// than a second.
func BenchmarkDigest(b *testing.B) { benchReport(b, "report daily") }

// BenchmarkWeekly composes the weekly report with its files.
func BenchmarkWeekly(b *testing.B) { benchReport(b, "report weekly") }

func benchReport(b *testing.B, text string) {
	e, _ := yearlong(b, yearDays)
	r := bot.Request{Role: bot.Admin, Locale: e.People.Bundle.Locale("ru", time.UTC), Now: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		answer, err := e.Commands.Ask(b.Context(), text, r)
		if err != nil || len(answer.Message.Files) == 0 {
			b.Fatalf("files %v, %v", answer.Message.Files, err)
		}
	}
}

// BenchmarkSnapshot stores another day after a year of them.
func BenchmarkSnapshot(b *testing.B) {
	_, y := yearlong(b, yearDays)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		s := y.next()
		b.StartTimer()
		if err := y.journal.KeepSnapshot(b.Context(), s); err != nil {
			b.Fatal(err)
		}
	}
}
