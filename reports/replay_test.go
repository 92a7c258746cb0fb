package reports_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/reports"
)

// TestReplay passes counts, one every five minutes ("-": not available), and
// lists what would have been reported: the run, the reason, and the severity.
func TestReplay(t *testing.T) {
	for _, tt := range []struct{ name, counts, want string }{
		{"calm", "1 2 3 4 5", ""},
		{"rises, rises by half, falls", "10 60 100 140 160 50 50", "1 opened warning, 2 worsened critical, 4 grown critical, 6 resolved critical"},
		{"was there before", "120 120 120 50 50 130", "4 resolved critical, 5 opened critical"},
		{"trembles around the threshold", "10 100 95 101 94", "1 opened critical"},
		{"one good run is not over", "10 100 50 100 50 50", "1 opened critical, 5 resolved critical"},
		{"not looked at is not over", "10 100 - - -", "1 opened critical"},
		{"reminded after four hours", "10 " + strings.TrimSpace(strings.Repeat("100 ", 60)), "1 opened critical, 49 reminded critical"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := reports.Policy{Thresholds: map[checks.Code]reports.Threshold{checks.PanelProcessing: {Warn: 60, Critical: 100}}, Remind: 4 * time.Hour, ResolveAfter: 2}
			start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
			var runs []reports.Run
			for i, word := range strings.Fields(tt.counts) {
				run := reports.Run{At: start.Add(time.Duration(i) * 5 * time.Minute)}
				var n int
				if _, err := fmt.Sscan(word, &n); err == nil {
					run.Metrics = []checks.Metric{{Server: "isp1", Code: checks.PanelProcessing, Value: n}}
				}
				runs = append(runs, run)
			}
			var got []string
			for _, r := range p.Replay("isp1", runs, start, nil) {
				got = append(got, fmt.Sprint(int(r.At.Sub(start)/(5*time.Minute)), " ", r.Reason, " ", r.Problem.Worst))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
			if late := p.Replay("isp1", runs, start.Add(24*time.Hour), nil); len(late) > 0 {
				t.Errorf("before the time asked for: %v", late)
			}
		})
	}
}

// A count above its threshold when its watch begins counts as known before; one
// that is above it when the stored history begins does not: its reminders
// continue.
func TestReplayKnowsWhenWatchesBegan(t *testing.T) {
	p := reports.Policy{Thresholds: map[checks.Code]reports.Threshold{checks.PanelProcessing: {Critical: 100}}, Remind: time.Hour, ResolveAfter: 1}
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	var runs []reports.Run
	for i, n := range []int{120, 120, 0, 120, 120} {
		runs = append(runs, reports.Run{At: start.Add(time.Duration(i) * time.Hour), Metrics: []checks.Metric{{Server: "isp1", Code: checks.PanelProcessing, Value: n}}})
	}
	for _, tt := range []struct {
		name  string
		begun []time.Time
		want  string
	}{
		{"not known: with the first run", nil, "2 resolved, 3 opened, 4 reminded"},
		{"long ago", []time.Time{start.AddDate(0, -3, 0)}, "0 opened, 1 reminded, 2 resolved, 3 opened, 4 reminded"},
		{"again", []time.Time{start, runs[3].At}, "2 resolved"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, r := range p.Replay("isp1", runs, start, map[string][]time.Time{reports.CountCheck + "." + string(checks.PanelProcessing): tt.begun}) {
				got = append(got, fmt.Sprint(int(r.At.Sub(start)/time.Hour), " ", r.Reason))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, ", ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
