package watch

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/budget"
	"domovoy/reports"
	"domovoy/reports/journal"
)

const notThere = "urn:ietf:params:acme:error:dns :: DNS problem: NXDOMAIN looking up A for bad.ru - check that a DNS record exists for this domain"

// BenchmarkBudgets updates the usage of a big panel's account: ten thousand
// sites, half of which fail four times a day.
func BenchmarkBudgets(b *testing.B) {
	now := time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC)
	w := bigHouse(b, now)
	p := w.panels[0]
	all := make([]checks.Subject, 10_000)
	for n := range all {
		all[n].Site = &checks.Site{Name: fmt.Sprintf("s%d.ru", n), Certificate: fmt.Sprintf("s%d.ru_le1", n), Aliases: []string{fmt.Sprintf("www.s%d.ru", n)}}
	}
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Minute)
		if _, err := w.countBudgets(b.Context(), p, all, now); err != nil {
			b.Fatal(err)
		}
	}
}

// bigHouse is a watch whose journal has the log of a big panel.
func bigHouse(b *testing.B, now time.Time) *Watch {
	b.Helper()
	j, err := journal.Open(b.Context(), filepath.Join(b.TempDir(), "journal.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = j.Close() })
	book, err := budget.Builtin()
	if err != nil {
		b.Fatal(err)
	}
	rules, _ := book.Find("acme-v02.api.letsencrypt.org")
	w := New(j, []Source{{Name: "isp1", CA: &CA{Rules: rules}}}, Rules{Zombie: 180 * 24 * time.Hour}, reports.Policy{}, slog.New(slog.DiscardHandler))
	var log []checks.Attempt
	add := func(n int, at time.Time, outcome checks.AttemptOutcome, text string) {
		log = append(log, checks.Attempt{Row: int64(len(log) + 1), Certificate: fmt.Sprintf("s%d.ru_le1", n), Outcome: outcome, Time: at, Text: text})
	}
	for day := range 14 {
		for n := range 5000 {
			for k := range 4 {
				at := now.Add(-time.Duration(day*24+k*6)*time.Hour - time.Duration(n)*4*time.Second)
				add(n, at, checks.OutcomeFailed, fmt.Sprintf(notThere+" %d", n))
			}
		}
		for n := range 80 {
			add(5000+day*80+n, now.Add(-time.Duration(day)*24*time.Hour-time.Duration(n)*time.Minute), checks.OutcomeIssued, "")
		}
	}
	for len(log) > 0 {
		n := min(len(log), 5000)
		if err := j.KeepAttempts(b.Context(), "isp1", log[:n]); err != nil {
			b.Fatal(err)
		}
		log = log[n:]
	}
	return w
}
