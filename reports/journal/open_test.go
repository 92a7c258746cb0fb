package journal_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"domovoy/reports/journal"
)

// command runs SQL on a file without the journal.
func command(t testing.TB, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), query)
	must(t, err)
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		arrange func(t *testing.T, dir string) string // returns the path
		want    error
		says    string
	}{
		"a directory": {
			func(t *testing.T, dir string) string { return dir },
			journal.ErrDirectory, "is a directory, not a file",
		},
		"a directory that is missing": {
			func(t *testing.T, dir string) string { return filepath.Join(dir, "none", "j.db") },
			journal.ErrUnwritable, "there is no directory",
		},
		"a file where a directory should be": {
			func(t *testing.T, dir string) string {
				must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
				return filepath.Join(dir, "file", "j.db")
			},
			journal.ErrUnwritable, "not a directory",
		},
		"a text file": {
			func(t *testing.T, dir string) string {
				path := filepath.Join(dir, "notes.txt")
				must(t, os.WriteFile(path, []byte(strings.Repeat("milk, bread\n", 100)), 0o600))
				return path
			},
			journal.ErrForeign, "it is not a SQLite database",
		},
		"another program's database": {
			func(t *testing.T, dir string) string {
				path := filepath.Join(dir, "panel.db")
				command(t, path, "CREATE TABLE webdomain (id INTEGER PRIMARY KEY)")
				return path
			},
			journal.ErrForeign, "it belongs to another program",
		},
		"a file of a newer program": {
			func(t *testing.T, dir string) string {
				path := filepath.Join(dir, "j.db")
				j, err := journal.Open(t.Context(), path)
				must(t, err)
				must(t, j.Close())
				command(t, path, "PRAGMA user_version = 99")
				return path
			},
			journal.ErrNewer, "its tables have version 99, and this program knows up to",
		},
		"a file that is read-only": {
			func(t *testing.T, dir string) string {
				if os.Geteuid() == 0 {
					t.Skip("root may write everything")
				}
				path := filepath.Join(dir, "j.db")
				j, err := journal.Open(t.Context(), path)
				must(t, err)
				must(t, j.Close())
				must(t, os.Chmod(path, 0o400))
				return path
			},
			journal.ErrUnwritable, "cannot be written",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := c.arrange(t, t.TempDir())
			before, _ := os.ReadFile(path)
			_, err := journal.Open(t.Context(), path)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q", err, c.says)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one sentence: %v", err)
			}
			after, _ := os.ReadFile(path)
			same(t, "the file", string(after), string(before))
		})
	}
}

func TestOpenNeedsAPath(t *testing.T) {
	if _, err := journal.Open(t.Context(), ""); err == nil {
		t.Fatal("no error")
	}
}

func TestOpenOddNames(t *testing.T) {
	for _, name := range []string{"a b.db", "100%.db", "what?.db", "c#.db", "дом.db", "x&mode=ro.db"} {
		path := filepath.Join(t.TempDir(), name)
		reopen(t, path)
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	must(t, os.WriteFile(path, nil, 0o644)) // as created by touch with the usual umask
	j := reopen(t, path)
	must(t, j.SetLanguage(t.Context(), "console:me", "ru"))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		must(t, err)
		same(t, "mode of "+suffix, info.Mode().Perm(), os.FileMode(0o600))
	}
}

func TestTwoJournalsOnOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	run, ask := reopen(t, path), reopen(t, path)
	must(t, run.SetLanguage(t.Context(), "console:me", "ru"))
	language, _, err := ask.Language(t.Context(), "console:me")
	must(t, err)
	same(t, "language", language, "ru")
}

func TestManyOpenAFreshFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	var all errgroup.Group
	for range 6 {
		all.Go(func() error {
			j, err := journal.Open(t.Context(), path)
			if err != nil {
				return err
			}
			return errors.Join(j.SetLanguage(t.Context(), "console:me", "ru"), j.Close())
		})
	}
	must(t, all.Wait())
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	first, second := reopen(t, path), reopen(t, path)
	release := got(first.Lock(t.Context(), "run"))(t)
	_, err := second.Lock(t.Context(), "run")
	if !errors.Is(err, journal.ErrLocked) || !strings.Contains(err.Error(), "run (process ") {
		t.Fatalf("got %v, want who holds it", err)
	}
	must(t, got(second.Lock(t.Context(), "sweep"))(t)()) // another name is another lock
	must(t, release())
	must(t, got(second.Lock(t.Context(), "run"))(t)())
}
