package journal_test

import (
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

func TestMetricAt(t *testing.T) {
	j := open(t)
	sample := func(minutes, value int, err string) {
		t.Helper()
		must(t, j.Record(t.Context(), journal.Entry{At: noon().Add(time.Duration(minutes) * time.Minute),
			Metrics: []checks.Metric{{Server: "isp1", Code: checks.PanelFailed, Value: value, Err: err}}}))
	}
	sample(-70, 10, "")
	sample(-60, 0, "database is locked")
	sample(-50, 30, "")
	for _, c := range []struct {
		name   string
		back   int // minutes
		within time.Duration
		want   int
		ok     bool
	}{
		{"at the sample", 50, time.Minute, 30, true},
		{"the nearest before", 55, time.Hour, 10, true},
		{"what could not be counted leaves a gap", 60, 5 * time.Minute, 0, false},
		{"at the edge of what is not too old", 60, 10 * time.Minute, 10, true},
		{"before the first", 71, time.Hour, 0, false},
	} {
		got, ok, err := j.MetricAt(t.Context(), "isp1", checks.PanelFailed, noon().Add(-time.Duration(c.back)*time.Minute), c.within)
		must(t, err)
		if got != c.want || ok != c.ok {
			t.Errorf("%s: got %d, %t", c.name, got, ok)
		}
	}
	_, ok, err := j.MetricAt(t.Context(), "isp2", checks.PanelFailed, noon(), time.Hour)
	must(t, err)
	same(t, "another server's", ok, false)
}

func TestPruneMetricsThinsOut(t *testing.T) {
	j := open(t)
	hour, day := time.Hour, 24*time.Hour
	for _, back := range []time.Duration{
		800 * day,                        // too old
		100*day + 2*hour, 100*day + hour, // one day: the last stays
		40*day + 20*time.Minute, // 11:40
		40*day + 10*time.Minute, // 11:50, the last of its hour
		40 * day,                // 12:00, another hour
		10*day + 50*time.Second, // the last of its minute stays
		10*day + 10*time.Second,
		time.Hour, time.Hour - 5*time.Minute, // recent: all stay
	} {
		must(t, j.Record(t.Context(), journal.Entry{At: noon().Add(-back), Metrics: []checks.Metric{{Server: "isp1", Code: checks.PanelFailed, Value: int(back / time.Second)}}}))
	}
	for range 2 { // thinning what is thin changes nothing
		must(t, j.PruneMetrics(t.Context(), noon()))
	}
	runs, err := j.MetricRuns(t.Context(), "isp1", noon().Add(-1000*day), noon())
	must(t, err)
	var want []reports.Run
	for _, back := range []time.Duration{100*day + hour, 40*day + 10*time.Minute, 40 * day, 10*day + 10*time.Second, hour, hour - 5*time.Minute} {
		want = append(want, reports.Run{At: noon().Add(-back),
			Metrics: []checks.Metric{{Server: "isp1", Code: checks.PanelFailed, Value: int(back / time.Second)}}})
	}
	same(t, "runs", runs, want)
}
