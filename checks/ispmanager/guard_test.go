package ispmanager

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	sqlite3 "modernc.org/sqlite/lib"

	"domovoy/checks"
	"domovoy/checks/lab"
)

func labPanel(t *testing.T) (*lab.Panel, *Panel) {
	t.Helper()
	panel, err := lab.NewPanel(filepath.Join(t.TempDir(), "ispmgr.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { panel.Close() })
	p := New(Config{Name: "isp1", Database: panel.Path()})
	t.Cleanup(func() { p.Close() })
	return panel, p
}

func TestAPanicOfTheDriverIsAnErrorAndNotTheEnd(t *testing.T) {
	_, p := labPanel(t)
	if _, _, err := p.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := p.exclusively(t.Context(), func() error { panic("index out of range") })
	var failure *Error
	if !errors.As(err, &failure) || failure.Reason != Malformed {
		t.Errorf("got %v", err)
	}
	if _, changed, err := p.Poll(t.Context()); err != nil || !changed {
		t.Errorf("afterwards: %v %v", changed, err)
	}
}

func TestManyMayReadAtOnce(t *testing.T) {
	panel, p := labPanel(t)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for range 10 {
				if _, _, err := p.Poll(t.Context()); err != nil {
					t.Error(err)
				}
				if err := p.Attempts(t.Context(), 0, func([]checks.Attempt) error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 20 {
		if _, err := panel.AddSite(lab.Site{Name: "a.example", Aliases: make([]string, i)}); err != nil {
			t.Error(err)
		}
	}
	readers.Wait()
}

func TestReasonsOfSQLitesCodes(t *testing.T) {
	_, p := labPanel(t)
	for code, want := range map[int]Reason{
		sqlite3.SQLITE_BUSY: Locked, sqlite3.SQLITE_BUSY_RECOVERY: Locked, sqlite3.SQLITE_LOCKED: Locked,
		sqlite3.SQLITE_READONLY_ROLLBACK: HotJournal, sqlite3.SQLITE_READONLY_DIRECTORY: NoWAL, sqlite3.SQLITE_READONLY_RECOVERY: NoWAL,
		sqlite3.SQLITE_CORRUPT: Malformed, sqlite3.SQLITE_CORRUPT_INDEX: Malformed, sqlite3.SQLITE_IOERR_SHORT_READ: Malformed,
		sqlite3.SQLITE_NOTADB: NotDatabase, sqlite3.SQLITE_CANTOPEN: NoWAL, sqlite3.SQLITE_INTERRUPT: Timeout,
		sqlite3.SQLITE_IOERR_READ: IO, sqlite3.SQLITE_NOMEM: IO, sqlite3.SQLITE_ERROR: Shape, sqlite3.SQLITE_PERM: Permission,
	} {
		if got := reasonOf(code, p.cfg.Database); got != want {
			t.Errorf("%d: %q, want %q", code, got, want)
		}
	}
}
