package journal_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

func TestRecovered(t *testing.T) {
	after := func(minutes int) time.Time { return noon().Add(time.Duration(minutes) * time.Minute) }
	const week = 7 * 24 * 60
	undated := row(1, "a", 0, failed)
	undated.Time = time.Time{}
	for name, c := range map[string]struct {
		kept []checks.Attempt
		want *checks.Recovery
	}{
		"failed, then issued": {[]checks.Attempt{row(1, "a", -30, failed), row(2, "a", -20, failed), row(3, "a", -10, issued)},
			&checks.Recovery{Failures: 2, First: after(-30), Last: after(-20), Text: "text 2"}},
		"an answer of neither kind between": {[]checks.Attempt{row(1, "a", -30, failed), row(2, "a", -20, other), row(3, "a", -10, issued), row(4, "a", -5, other)},
			&checks.Recovery{Failures: 1, First: after(-30), Last: after(-30), Text: "text 1"}},
		"only those since the success before": {[]checks.Attempt{row(1, "a", -50, failed), row(2, "a", -40, issued), row(3, "a", -30, failed), row(4, "a", -10, issued)},
			&checks.Recovery{Failures: 1, First: after(-30), Last: after(-30), Text: "text 3"}},
		"at one moment": {[]checks.Attempt{row(1, "a", -10, failed), row(2, "a", -10, issued)},
			&checks.Recovery{Failures: 1, First: after(-10), Last: after(-10), Text: "text 1"}},
		"stored out of order": {[]checks.Attempt{row(3, "a", -10, issued), row(1, "a", -30, failed)},
			&checks.Recovery{Failures: 1, First: after(-30), Last: after(-30), Text: "text 1"}},
		"issued twice since":                    {[]checks.Attempt{row(1, "a", -30, failed), row(2, "a", -20, issued), row(3, "a", -10, issued)}, nil},
		"failed again":                          {[]checks.Attempt{row(1, "a", -30, failed), row(2, "a", -20, issued), row(3, "a", -10, failed)}, nil},
		"never failed":                          {[]checks.Attempt{row(1, "a", -10, issued)}, nil},
		"never issued":                          {[]checks.Attempt{row(1, "a", -10, failed)}, nil},
		"issued long ago":                       {[]checks.Attempt{row(1, "a", -30-week, failed), row(2, "a", -10-week, issued)}, nil},
		"a failure long before":                 {[]checks.Attempt{row(1, "a", -30-week, failed), row(2, "a", -10, issued)}, nil},
		"a failure at a time that nobody knows": {[]checks.Attempt{undated, row(2, "a", -10, issued)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t)
			keep(t, j, row(90, "b", -30, failed), row(91, "b", -20, issued))
			keep(t, j, c.kept...)
			must(t, j.KeepAttempts(t.Context(), "isp2", []checks.Attempt{row(1, "a", -30, failed), row(2, "a", -20, issued)}))
			want := map[string]checks.Recovery{}
			if c.want != nil {
				want["a"] = *c.want
			}
			since := noon().Add(-24 * time.Hour)
			some, err := j.Recovered(t.Context(), "isp1", []string{"a", "none"}, since)
			must(t, err)
			same(t, "some", some, want)
			want["b"] = checks.Recovery{Failures: 1, First: after(-30), Last: after(-30), Text: "text 90"}
			all, err := j.Recovered(t.Context(), "isp1", nil, since)
			must(t, err)
			same(t, "all", all, want)
		})
	}
}

// At a start all of them are read, of 20,000 certificates; a reading that
// brought rows asks for those it touched.
func BenchmarkRecovered(b *testing.B) {
	j := openBench(b)
	benchKeep(b, j, 0, 50_000, 2000)
	since := benchLog(20_000, 1)[0].Time
	for name, certificates := range map[string][]string{"all": nil, "some": {"site1.example.com_le1", "site2.example.com_le1"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := j.Recovered(b.Context(), "isp1", certificates, since); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestOrderEvents(t *testing.T) {
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var log []checks.Attempt
	add := func(name string, age time.Duration, outcome checks.AttemptOutcome) {
		log = append(log, checks.Attempt{Row: int64(len(log) + 1), Certificate: name, Outcome: outcome, Time: now.Add(-age), Text: "words"})
	}
	const day = 24 * time.Hour
	add("new", time.Hour, checks.OutcomeFailed)
	add("old issued", 10*day, checks.OutcomeIssued)
	add("old failed", 2*day, checks.OutcomeFailed)
	add("older issued", 15*day, checks.OutcomeIssued)
	add("neither", time.Hour, checks.OutcomeOther)
	add("issued", 2*time.Hour, checks.OutcomeIssued)
	log = append(log, checks.Attempt{Row: 99, Certificate: "undated", Outcome: checks.OutcomeFailed})
	if err := j.KeepAttempts(t.Context(), "isp1", log); err != nil {
		t.Fatal(err)
	}
	if err := j.KeepAttempts(t.Context(), "isp2", log); err != nil {
		t.Fatal(err)
	}
	tried := func(issued, failed time.Time) string {
		var found []checks.Attempt
		err := j.OrderEvents(t.Context(), "isp1", issued, failed, func(a checks.Attempt) { found = append(found, a) })
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, a := range found {
			lines = append(lines, fmt.Sprintf("%s %s %s", a.Certificate, a.Outcome, a.Text))
		}
		return strings.Join(lines, "|")
	}
	if got, want := tried(now.Add(-14*day), now.Add(-day)), "old issued issued |issued issued |new failed words"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := tried(time.Time{}, time.Time{}); strings.Contains(got, "undated") || !strings.Contains(got, "older issued") {
		t.Error(got)
	}
}

// Each day has its attempts; a success counts as recovered if its series of
// failures was short.
func TestIssuance(t *testing.T) {
	j := open(t)
	const day = 24 * 60
	undated := row(99, "a", 0, failed)
	undated.Time = time.Time{}
	kept := []checks.Attempt{
		row(1, "a", -2*day-10, failed), row(2, "a", -2*day, issued), // recovered at the first moment of its day
		row(3, "b", -9*day, failed), row(4, "b", -2*day+1, failed), row(5, "b", -day-5, issued), // somebody mended it after a week
		row(6, "c", -2*day+2, issued), row(7, "c", -day-3, issued), // never failed
		row(8, "d", -9*day, failed), row(9, "d", -8*day, issued), row(10, "d", -day-20, failed), row(11, "d", -day, issued), // the old series has ended
		row(12, "e", -day+1, other), row(13, "e", 0, failed), // of neither kind; after the last moment
		undated,
	}
	must(t, j.KeepAttempts(t.Context(), "isp1", kept))
	elsewhere := row(1, "a", -day-1, failed)
	elsewhere.Server = "isp2"
	must(t, j.KeepAttempts(t.Context(), "isp2", []checks.Attempt{elsewhere}))
	moments := []time.Time{noon().AddDate(0, 0, -2), noon().AddDate(0, 0, -1), noon()}
	got, err := j.Issuance(t.Context(), "isp1", moments, 72*time.Hour)
	must(t, err)
	want := []reports.IssuanceDay{{From: moments[0], Attempts: 6, Failed: 2, Recovered: 1}, {From: moments[1], Attempts: 1, Recovered: 1}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}
