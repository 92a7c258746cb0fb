package journal_test

import (
	"testing"
	"time"

	"domovoy/checks"
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
