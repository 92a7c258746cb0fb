package journal

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

func TestTried(t *testing.T) {
	j, err := Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
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
		err := j.Tried(t.Context(), "isp1", issued, failed, func(a checks.Attempt) { found = append(found, a) })
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
