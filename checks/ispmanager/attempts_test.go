package ispmanager_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// attempts returns all attempts from a row on.
func attempts(t *testing.T, r *ispmanager.Panel, from int64) []checks.Attempt {
	t.Helper()
	var all []checks.Attempt
	must(t, r.Attempts(t.Context(), from, func(batch []checks.Attempt) error {
		all = append(all, batch...)
		return nil
	}))
	return all
}

func compareAttempts(t *testing.T, got, want []checks.Attempt) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("attempts differ (-want +got):\n" + diff)
	}
}

func TestAttemptsComeFromARowOnInOrder(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		const rows = 3210
		must(t, panel.Exec(`INSERT INTO letsencrypt_log(certname, status, date)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?) SELECT 'a', 'failed', '2026-11-21 12:00:00' FROM n`, rows))
		must(t, panel.Exec("DELETE FROM letsencrypt_log WHERE id BETWEEN 1000 AND 1999"))
		for from, want := range map[int64]int{-1 << 63: 2210, -7: 2210, 0: 2210, 1: 2210, 2: 2209, 999: 1212, 1500: 1211, rows: 1, rows + 1: 0} {
			got := attempts(t, r, from)
			if len(got) != want {
				t.Errorf("from %d: %d attempts, want %d", from, len(got), want)
			}
			last := int64(0)
			for _, a := range got {
				if a.Row <= last || a.Row < from {
					t.Fatalf("from %d: row %d after %d", from, a.Row, last)
				}
				last = a.Row
			}
		}
		if newest, err := r.Newest(t.Context()); err != nil || newest != rows {
			t.Error("newest:", newest, err)
		}
	})
}

// A writer without a busy timeout must succeed between two batches, while the
// consumer works, and after a Poll.
func TestNothingIsLockedBetweenBatches(t *testing.T) {
	panel, r := newPanel(t)
	must(t, panel.Exec(`INSERT INTO letsencrypt_log(certname, status, date)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) SELECT 'a', 'failed', '2026-11-21 12:00:00' FROM n`))
	writer, err := sql.Open("sqlite", panel.Path()+"?_pragma=busy_timeout(0)")
	must(t, err)
	defer writer.Close()
	write := func() error {
		_, err := writer.Exec("UPDATE letsencrypt_log SET status = 'ok' WHERE id = (SELECT max(id) FROM letsencrypt_log)")
		return err
	}
	batches := 0
	must(t, r.Attempts(t.Context(), 0, func([]checks.Attempt) error {
		batches++
		if _, _, err := r.Poll(t.Context()); err != nil {
			return err
		}
		return write()
	}))
	if batches < 2 {
		t.Errorf("only %d batches", batches)
	}
}

func TestAttemptsStopAtAnErrorOfTheConsumer(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		furnish(t, panel)
		full := errors.New("disk full")
		if err := r.Attempts(t.Context(), 0, func([]checks.Attempt) error { return full }); err != full {
			t.Errorf("got %v, want the consumer's own error", err)
		}
		if err := r.Attempts(t.Context(), 0, func([]checks.Attempt) error { return nil }); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}

func TestOddAttempts(t *testing.T) {
	panel, r := newPanel(t, lab.WithoutTable("letsencrypt_log"))
	must(t, panel.Exec("CREATE TABLE LetsEncrypt_LOG(id INTEGER PRIMARY KEY, Text BLOB, CrtName TEXT, Status, DATE)"))
	long := strings.Repeat("я", 70_000)
	for _, row := range [][]any{
		{"a\x1fb\x1ec\x00d", "one", "Failed", "2026-11-21T12:00:00"},
		{[]byte("\xff"), nil, nil, nil},
		{long, "three", "success", 1795262400},
		{"\x02", "four", "pending", "0000-00-00 00:00:00"},
	} {
		must(t, panel.Exec("INSERT INTO letsencrypt_log(text, crtname, status, date) VALUES (?, ?, ?, ?)", row...))
	}
	compareAttempts(t, attempts(t, r, 0), []checks.Attempt{
		{Server: "isp1", Row: 1, Certificate: "one", Outcome: checks.OutcomeFailed, Status: "Failed", Time: noon, Text: "a b c"}, // SQLite ends a text at NUL
		{Server: "isp1", Row: 2, Text: "\uFFFD"},
		{Server: "isp1", Row: 3, Certificate: "three", Outcome: checks.OutcomeIssued, Status: "success", Time: noon, Text: long[:2*65536]},
		{Server: "isp1", Row: 4, Certificate: "four", Status: "pending"},
	})
}

func TestLongTextsMakeSmallBatches(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		text := strings.Repeat("x", 20_000)
		must(t, panel.Transaction(func() error {
			for range 600 {
				if _, err := panel.AddAttempt(lab.Attempt{Certificate: "a", Status: "failed", At: noon, Message: text}); err != nil {
					return err
				}
			}
			return nil
		}))
		var sizes []int
		must(t, r.Attempts(t.Context(), 0, func(batch []checks.Attempt) error { sizes = append(sizes, len(batch)); return nil }))
		if last := sizes[len(sizes)-2]; last > 40 {
			t.Errorf("batches of %v rows", sizes)
		}
	})
}
