package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/reports/journal"
)

// filled opens a state with an audit and a message that waits.
func filled(t *testing.T, path string) *journal.Journal {
	t.Helper()
	j := reopen(t, path)
	for n := range 3 {
		must(t, j.Audit(t.Context(), journal.AuditEntry{At: noon(), Person: "telegram:1", Command: "ack", Args: fmt.Sprint(n), Result: "ok"}))
	}
	if _, err := j.Enqueue(t.Context(), []journal.Delivery{say("c:1", "hello")}); err != nil {
		t.Fatal(err)
	}
	return j
}

// restorer is who restores.
func restorer() journal.AuditEntry {
	return journal.AuditEntry{At: noon().Add(time.Hour), Person: "local:ann", Name: "ann", Role: "admin", Chat: "console:"}
}

// TestRestoreGoesOn: the state is as it was when the backup was made; the audit goes on
// behind its last entry and is whole, although the audit that was replaced was longer;
// what waited may be a repetition.
func TestRestoreGoesOn(t *testing.T) {
	folder := t.TempDir()
	path, backup := filepath.Join(folder, "state.db"), filepath.Join(folder, "backup.db")
	j := filled(t, path)
	must(t, journal.Backup(t.Context(), path, backup))
	for n := range 5 {
		must(t, j.Audit(t.Context(), journal.AuditEntry{At: noon(), Command: "later", Args: fmt.Sprint(n), Result: "ok"}))
	}
	_, head, err := j.VerifyAudit(t.Context())
	must(t, err)
	must(t, j.Close())

	aside, err := journal.RestoreBackup(t.Context(), path, backup, restorer())
	must(t, err)
	j = reopen(t, path)
	defer func() { must(t, j.Close()) }()
	entries, _, err := j.VerifyAudit(t.Context())
	if err != nil || entries != 4 {
		t.Errorf("%d entries, %v", entries, err)
	}
	last, err := j.AuditOf(t.Context(), "", 1)
	must(t, err)
	if len(last) != 1 || last[0].Command != journal.RestoreCommand || last[0].Person != "local:ann" || !strings.Contains(last[0].Args, "entries=8 head="+head) {
		t.Errorf("the last entry is %+v, without the end that was replaced, %s", last, head)
	}
	due, err := j.Due(t.Context(), noon().Add(2*time.Hour), journal.Queue{Messenger: "c"}, 10)
	must(t, err)
	if len(due) != 1 || !due[0].Attempt.Begun {
		t.Errorf("what waited: %+v", due)
	}
	old := reopen(t, aside)
	if n, _, _ := old.VerifyAudit(t.Context()); n != 8 {
		t.Errorf("aside are %d entries", n)
	}
	must(t, old.Close())
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

// TestBackupUnderLoad: each backup taken beside a writer is one moment: as many audit
// entries as deliveries, without a gap.
func TestBackupUnderLoad(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state.db")
	j := reopen(t, path)
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() {
		var err error
		for n := 0; err == nil && ctx.Err() == nil; n++ {
			d := say("c:1", fmt.Sprint(n))
			err = j.Record(t.Context(), journal.Entry{At: noon(), Deliveries: []journal.Delivery{d}})
			if err == nil {
				err = j.Audit(t.Context(), journal.AuditEntry{At: noon(), Command: "record", Args: fmt.Sprint(n), Result: "ok"})
			}
		}
		written <- err
	}()
	for n := range 8 {
		backup, target := filepath.Join(folder, fmt.Sprint("backup", n)), filepath.Join(folder, fmt.Sprint("restored", n))
		must(t, journal.Backup(t.Context(), path, backup))
		if aside, err := journal.RestoreBackup(t.Context(), target, backup, restorer()); err != nil || aside != "" {
			t.Fatalf("restoring %d: %q %v", n, aside, err)
		}
		r := reopen(t, target)
		entries, _, err := r.VerifyAudit(t.Context())
		must(t, err)
		waiting, _, err := r.Waiting(t.Context())
		must(t, err)
		if records := entries - 1; waiting != records && waiting != records+1 { // one entry is the restorer's; a delivery comes before its entry
			t.Errorf("backup %d has %d deliveries and %d entries", n, waiting, records)
		}
		must(t, r.Close())
	}
	stop()
	must(t, <-written)
	must(t, j.Close())
}

// TestRestoreRefuses what would harm: then the state and its audit are as they were.
func TestRestoreRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path, backup string)
		want  error
	}{
		"a bot that runs": {func(t *testing.T, path, _ string) {
			j := reopen(t, path)
			release, err := j.Lock(t.Context(), "run")
			must(t, err)
			t.Cleanup(func() { must(t, errors.Join(release(), j.Close())) })
		}, journal.ErrLocked},
		"no backup": {func(t *testing.T, _, backup string) { must(t, os.Remove(backup)) }, fs.ErrNotExist},
		"a folder":  {func(t *testing.T, _, backup string) { must(t, errors.Join(os.Remove(backup), os.Mkdir(backup, 0o700))) }, journal.ErrDirectory},
		"a text": {func(t *testing.T, _, backup string) {
			must(t, os.WriteFile(backup, []byte(strings.Repeat("text ", 1000)), 0o600))
		}, journal.ErrForeign},
		"half of one": {func(t *testing.T, _, backup string) {
			info, err := os.Stat(backup)
			must(t, err)
			must(t, os.Truncate(backup, info.Size()/2))
		}, journal.ErrDamaged},
		"a newer one": {func(t *testing.T, _, backup string) {
			db, err := sql.Open("sqlite", backup)
			must(t, err)
			_, err = db.ExecContext(t.Context(), "PRAGMA user_version = 9000")
			must(t, errors.Join(err, db.Close()))
		}, journal.ErrNewer},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path, backup := filepath.Join(folder, "state.db"), filepath.Join(folder, "backup.db")
			must(t, filled(t, path).Close())
			must(t, journal.Backup(t.Context(), path, backup))
			c.spoil(t, path, backup)
			if _, err := journal.RestoreBackup(t.Context(), path, backup, restorer()); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			j := reopen(t, path)
			if n, _, err := j.VerifyAudit(t.Context()); n != 3 || err != nil {
				t.Errorf("the state has %d entries, %v", n, err)
			}
			must(t, j.Close())
			for _, pattern := range []string{"*.part*", "*.replaced-*"} {
				if left, err := filepath.Glob(filepath.Join(folder, pattern)); err != nil || len(left) > 0 {
					t.Errorf("left: %v %v", left, err)
				}
			}
		})
	}
}

// TestBackupReplacesNothing.
func TestBackupReplacesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state.db")
	must(t, filled(t, path).Close())
	for name, want := range map[string]error{"state.db": fs.ErrExist, "there": fs.ErrExist, "nowhere/backup.db": fs.ErrNotExist} {
		must(t, os.WriteFile(filepath.Join(folder, "there"), nil, 0o600))
		if err := journal.Backup(t.Context(), path, filepath.Join(folder, name)); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := journal.Backup(t.Context(), filepath.Join(folder, "none.db"), filepath.Join(folder, "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a state that there is not: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "none.db")); err == nil {
		t.Error("it was made")
	}
}
