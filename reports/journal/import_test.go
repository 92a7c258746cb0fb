package journal_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/reports/journal"
)

// indexed reports whether the attempts of a state file can be found by their
// certificate.
func indexed(t *testing.T, path string) bool {
	t.Helper()
	db := got(sql.Open("sqlite", "file:"+path))(t)
	defer db.Close()
	var n int
	must(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE name = 'attempt_certificate'`).Scan(&n))
	return n == 1
}

func imported(row int64, minutes int) []checks.Attempt {
	return []checks.Attempt{{Server: "isp1", Row: row, Certificate: "a.example_le1", Outcome: checks.OutcomeFailed,
		Status: "failed", Time: noon().Add(time.Duration(minutes) * time.Minute)}}
}

func TestAnImportIsIndexedAtItsEnd(t *testing.T) {
	died := errors.New("the panel went away")
	for _, want := range []error{nil, died} {
		path := filepath.Join(t.TempDir(), "journal.db")
		j := reopen(t, path)
		err := j.Import(t.Context(), func() error {
			must(t, j.KeepAttempts(t.Context(), "isp1", imported(1, 1)))
			if indexed(t, path) {
				t.Error("the index is there from the start")
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("Import = %v, want %v", err, want)
		}
		if !indexed(t, path) {
			t.Errorf("no index after %v", want)
		}
		same(t, "attempts", got(j.AttemptsOf(t.Context(), "isp1", []string{"a.example_le1"}, 9))(t), imported(1, 1))
	}
}

// Rows out of order are counted again from the stored ones, which without the
// index would read all of them for each.
func TestAnImportOutOfOrderIsIndexedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	j := reopen(t, path)
	must(t, j.Import(t.Context(), func() error {
		must(t, j.KeepAttempts(t.Context(), "isp1", imported(1, 30)))
		must(t, j.KeepAttempts(t.Context(), "isp1", imported(2, 10)))
		if !indexed(t, path) {
			t.Error("no index")
		}
		return nil
	}))
	last := lastAttempts(t, j, nil)["a.example_le1"]
	same(t, "failures", last.Failures, 2)
	same(t, "the latest", last.Attempt.Row, int64(1))
}

func TestAnImportThatDiedIsIndexedAtTheNextStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	must(t, reopen(t, path).Close())
	db := got(sql.Open("sqlite", "file:"+path))(t)
	_, err := db.ExecContext(t.Context(), `DROP INDEX attempt_certificate`)
	must(t, err)
	must(t, db.Close())
	must(t, got(journal.Open(t.Context(), path))(t).Close())
	if !indexed(t, path) {
		t.Error("no index")
	}
}
