package watch

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports"
	"domovoy/reports/journal"
)

// logged is a panel of which only the log matters.
type logged struct{ rows []checks.Attempt }

func (l *logged) Poll(context.Context) (checks.Snapshot, bool, error) {
	return checks.Snapshot{Server: "isp1"}, true, nil
}

func (l *logged) Newest(context.Context) (int64, error) { return int64(len(l.rows)), nil }

// Attempts passes the rows in batches of three.
func (l *logged) Attempts(_ context.Context, from int64, each func([]checks.Attempt) error) error {
	for at := max(0, from-1); at < int64(len(l.rows)); at += 3 {
		if err := each(append([]checks.Attempt(nil), l.rows[at:min(at+3, int64(len(l.rows)))]...)); err != nil {
			return err
		}
	}
	return nil
}

// add appends rows of five certificates, and now and then changes one of the last.
func (l *logged) add(rnd *rand.Rand, now time.Time) {
	for range rnd.IntN(12) {
		n := len(l.rows) + 1
		l.rows = append(l.rows, checks.Attempt{Row: int64(n), Certificate: fmt.Sprint("c", rnd.IntN(5)), Outcome: checks.AttemptOutcome(rnd.IntN(3)),
			Time: now.Truncate(time.Second), Text: fmt.Sprint("text ", n)})
	}
	if n := len(l.rows); n > 0 && rnd.IntN(3) == 0 {
		l.rows[n-1-rnd.IntN(min(n, 4))].Outcome = checks.AttemptOutcome(rnd.IntN(3))
	}
}

// The histories that a watch brings up to date row by row must be those that one finds
// which begins now, also where another process read the panel in between.
func TestHistoriesAreThoseOfTheJournal(t *testing.T) {
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		path := filepath.Join(t.TempDir(), "journal.db")
		panel, now := &logged{}, time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC)
		begin := func() *Watch {
			j, err := journal.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = j.Close() })
			return New(j, []Source{{Name: "isp1", Reader: panel}}, Rules{Within: 4 * time.Hour, Times: 2}, reports.Policy{}, slog.New(slog.DiscardHandler))
		}
		read := func(w *Watch) map[string]*checks.History {
			if err := w.Read(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			return w.panels[0].last.history
		}
		w := begin()
		for range 12 {
			now = now.Add(2 * time.Minute) // the last rows are read again each time
			panel.add(rnd, now)
			if rnd.IntN(4) == 0 {
				read(begin())
				panel.add(rnd, now)
			}
			got, want := read(w), read(begin())
			if len(got) != len(want) {
				t.Fatalf("seed %d: %d histories, want %d", seed, len(got), len(want))
			}
			for name, h := range want {
				if got[name] == nil || !sameHistory(got[name], h) {
					t.Fatalf("seed %d: the history of %s is\n%+v, want\n%+v", seed, name, got[name], h)
				}
			}
		}
	}
}
