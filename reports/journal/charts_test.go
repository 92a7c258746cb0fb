package journal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// Samples are those of one count of one server; what could not be counted is none.
func TestSamples(t *testing.T) {
	j := open(t)
	for i, m := range []checks.Metric{
		{Server: "isp1", Code: checks.PanelFailed, Value: 1}, {Server: "isp1", Code: checks.PanelFailed, Value: 2},
		{Server: "isp1", Code: checks.PanelFailed, Err: "locked"}, {Server: "isp2", Code: checks.PanelFailed, Value: 9},
		{Server: "isp1", Code: checks.PanelOverdue, Value: 8}, {Server: "isp1", Code: checks.PanelFailed, Value: 6}, {Server: "isp1", Code: checks.PanelFailed, Value: 7},
	} {
		must(t, j.Record(t.Context(), journal.Entry{At: noon().Add(time.Duration(i) * time.Minute), Metrics: []checks.Metric{m}}))
	}
	var got []reports.Sample
	must(t, j.Samples(t.Context(), "isp1", checks.PanelFailed, noon().Add(time.Minute), noon().Add(5*time.Minute), func(s reports.Sample) { got = append(got, s) }))
	same(t, "samples", got, []reports.Sample{{At: noon().Add(time.Minute), Value: 2}, {At: noon().Add(5 * time.Minute), Value: 6}})
}

// Attempts are counted by quarters of an hour, and known from the first of them or as
// long as they are kept.
func TestTried(t *testing.T) {
	j := open(t)
	undated := row(99, "a", 0, failed)
	undated.Time = time.Time{}
	if since, err := j.AttemptsSince(t.Context(), "isp1", noon()); err != nil || !since.IsZero() {
		t.Errorf("an empty log is known since %v, %v", since, err)
	}
	keep(t, j, row(1, "a", -61, failed), row(2, "a", -60, issued), row(3, "b", -46, failed), row(4, "c", -50, other), row(5, "c", -45, failed), row(6, "c", 0, failed), undated)
	var got []reports.Tried
	must(t, j.Tried(t.Context(), "isp1", noon().Add(-time.Hour), noon(), func(x reports.Tried) { got = append(got, x) }))
	same(t, "tried", got, []reports.Tried{
		{Server: "isp1", At: noon().Add(-60 * time.Minute), Issued: 1, Failed: 1}, {Server: "isp1", At: noon().Add(-45 * time.Minute), Failed: 1}})
	for after, want := range map[time.Duration]time.Time{0: noon().Add(-61 * time.Minute), 500 * 24 * time.Hour: noon().Add(100 * 24 * time.Hour)} {
		since, err := j.AttemptsSince(t.Context(), "isp1", noon().Add(after))
		must(t, err)
		if !since.Equal(want) {
			t.Errorf("after %v the log is known since %v, want %v", after, since, want)
		}
	}
}

// Passings are the successes that Issuance counts as recovered.
func TestPassings(t *testing.T) {
	j := open(t)
	const day = 24 * 60
	keep(t, j,
		row(1, "a", -2*day-10, failed), row(2, "a", -2*day-5, failed), row(3, "a", -2*day, issued),
		row(4, "b", -9*day, failed), row(5, "b", -day-5, issued), // somebody mended it after a week
		row(6, "c", -2*day+2, issued),                                                                                                           // never failed
		row(7, "d", -9*day, failed), row(8, "d", -8*day, issued), row(9, "d", -20, failed), row(10, "d", -10, issued), row(11, "d", -5, failed), // failed again since
		row(12, "e", -day, failed), row(13, "e", -day, issued), // at one moment
		row(14, "f", -10, failed), row(15, "f", 0, issued), // after the last moment
	)
	elsewhere := row(1, "a", -day-1, failed)
	elsewhere.Server = "isp2"
	must(t, j.KeepAttempts(t.Context(), "isp2", []checks.Attempt{elsewhere}))
	var got []string
	must(t, j.Passings(t.Context(), "isp1", noon().AddDate(0, 0, -2), noon(), 72*time.Hour, func(began time.Time, text string) {
		got = append(got, fmt.Sprint(noon().Sub(began), " ", text))
	}))
	if want := []string{"48h10m0s text 2", "24h0m0s text 12", "20m0s text 9"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	days, err := j.Issuance(t.Context(), "isp1", []time.Time{noon().AddDate(0, 0, -2), noon()}, 72*time.Hour)
	must(t, err)
	if days[0].Recovered != len(got) {
		t.Errorf("%d passings, and %d recovered", len(got), days[0].Recovered)
	}
}

// What a chart costs over a log of 50,000 attempts, one of nine of them a success.
func BenchmarkCharts(b *testing.B) {
	j := openBench(b)
	benchKeep(b, j, 0, 50_000, 2000)
	from, to := benchLog(0, 1)[0].Time, benchLog(50_000, 1)[0].Time
	b.Run("passings", func(b *testing.B) {
		for b.Loop() {
			if err := j.Passings(b.Context(), "isp1", from, to, 72*time.Hour, func(time.Time, string) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tried", func(b *testing.B) {
		for b.Loop() {
			if err := j.Tried(b.Context(), "isp1", from, to, func(reports.Tried) {}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
