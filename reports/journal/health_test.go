package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks"
)

// opened is a journal with one audit entry.
func openedAt(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func act(t *testing.T, j *Journal, args string) {
	t.Helper()
	if err := j.Audit(t.Context(), AuditEntry{At: time.Now(), Command: "cancel", Args: args}); err != nil {
		t.Fatal(err)
	}
}

func wantFault(t *testing.T, j *Journal, want FaultReason) {
	t.Helper()
	err := j.Health(t.Context(), time.Now())
	fault, ok := errors.AsType[*Fault](err)
	if want == "" && err != nil || want != "" && (!ok || fault.Reason != want) {
		t.Fatalf("its health is %v, want %q", err, want)
	}
}

// A disk that is full is found by whatever is written first, also where a small
// change still fits; it is over when all is written again.
func TestHealthOfAFullDisk(t *testing.T) {
	j := openedAt(t, filepath.Join(t.TempDir(), "j.db"))
	wantFault(t, j, "")
	if _, err := j.write.db.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // SQLite never goes below what the file has
		t.Fatal(err)
	}
	var log []checks.Attempt
	for n := range 500 {
		log = append(log, checks.Attempt{Row: int64(n + 1), Certificate: "a_le1", Time: time.Now(), Text: strings.Repeat("x", 1000)})
	}
	if err := j.KeepAttempts(t.Context(), "isp1", log); err == nil {
		t.Fatal("half a megabyte was written to a full disk")
	}
	wantFault(t, j, FaultFull)
	wantFault(t, j, "")
	if _, err := j.write.db.ExecContext(t.Context(), "PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if err := j.KeepAttempts(t.Context(), "isp1", log); err != nil {
		t.Fatal(err)
	}
	wantFault(t, j, "")
}

// A state file that is deleted while it is in use is noticed, and put back with
// all that it had, whichever of its files are gone.
func TestADeletedStateIsPutBack(t *testing.T) {
	for name, remove := range map[string]func(path string) error{
		"the file": os.Remove,
		"all of them": func(path string) error {
			return errors.Join(os.Remove(path), os.Remove(path+"-wal"), os.Remove(path+"-shm"), os.Remove(path+HeadFile))
		},
		"the folder": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "j.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			j := openedAt(t, path)
			release, err := j.Lock(t.Context(), "run")
			if err != nil {
				t.Fatal(err)
			}
			act(t, j, "before")
			if err := remove(path); err != nil {
				t.Fatal(err)
			}
			wantFault(t, j, FaultGone)
			if err := j.SetLanguage(t.Context(), "telegram:1", "ru"); err != nil {
				t.Fatal(err)
			}
			if err := j.Restore(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantFault(t, j, "")
			act(t, j, "after")
			again := openedAt(t, path)
			if _, err := again.Lock(t.Context(), "run"); !errors.Is(err, ErrLocked) {
				t.Errorf("a second one runs: %v", err)
			}
			if err := release(); err != nil {
				t.Error(err)
			}
			if n, _, err := again.VerifyAudit(t.Context()); n != 2 || err != nil {
				t.Errorf("%d entries of the audit, %v", n, err)
			}
			if language, _, _ := again.Language(t.Context(), "telegram:1"); language != "ru" {
				t.Error("what was written after the file was deleted is gone")
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
		})
	}
}

func TestAReplacedStateIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := openedAt(t, path)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFault(t, j, FaultReplaced)
}

// A state that is damaged while it is in use is moved aside, and a new one is
// begun, which transactions that wait go on with.
func TestADamagedStateIsRenewed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	j := openedAt(t, path)
	act(t, j, "before")
	if err := j.Close(); err != nil { // all of it is in the file itself
		t.Fatal(err)
	}
	j = openedAt(t, path)
	spoil(t, path)
	if _, err := j.AuditOf(t.Context(), "", 9); err == nil {
		t.Fatal("a damaged file was read")
	}
	wantFault(t, j, FaultCorrupt)
	aside, err := j.Renew(t.Context(), time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if want := path + ".corrupt-20261121-140500"; aside != want {
		t.Errorf("it is at %s, want %s", aside, want)
	}
	if _, err := os.Stat(aside); err != nil {
		t.Error(err)
	}
	wantFault(t, j, "")
	entries, err := j.AuditOf(t.Context(), "", 9)
	if err != nil || len(entries) != 1 || entries[0].Command != Begin || !strings.HasPrefix(entries[0].Args, "entries=1 head=") {
		t.Errorf("the new audit is %+v, %v; want the end of the old one", entries, err)
	}
	act(t, j, "after")
	if n, _, err := j.VerifyAudit(t.Context()); n != 2 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

// spoil overwrites all pages but the first, which has the schema.
func spoil(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(content); i++ {
		content[i] = 0x5a
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// At the start a damaged state is moved aside, but not a file that is none of
// ours, nor one that another process uses.
func TestMend(t *testing.T) {
	garbage := []byte(strings.Repeat("milk, bread\n", 1000))
	now := time.Date(2026, 11, 21, 14, 5, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		arrange func(t *testing.T, path string)
		aside   bool
	}{
		"none":  {func(*testing.T, string) {}, false},
		"whole": {func(t *testing.T, path string) { act(t, openedAt(t, path), "x") }, false},
		"overwritten": {func(t *testing.T, path string) {
			j := openedAt(t, path)
			act(t, j, "x")
			_ = j.Close()
			_ = os.WriteFile(path, garbage, 0o600)
		}, true},
		"damaged": {func(t *testing.T, path string) {
			j := openedAt(t, path)
			act(t, j, "x")
			_ = j.Close()
			content, _ := os.ReadFile(path)
			for i := 200; i < 4096; i++ {
				content[i] = 0x5a
			}
			_ = os.WriteFile(path, content, 0o600)
		}, true},
		"another program's": {func(_ *testing.T, path string) { _ = os.WriteFile(path, garbage, 0o600) }, false},
		"used by another": {func(t *testing.T, path string) {
			j := openedAt(t, path)
			act(t, j, "x")
			release, err := j.Lock(context.Background(), "run")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = release() })
			_ = os.WriteFile(path, garbage, 0o600)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j.db")
			c.arrange(t, path)
			aside, err := Mend(t.Context(), path, now)
			if err != nil || (aside != "") != c.aside {
				t.Fatalf("moved to %q, %v", aside, err)
			}
			if !c.aside {
				return
			}
			if _, err := os.Stat(aside); err != nil {
				t.Error(err)
			}
			if j := openedAt(t, path); j.Lost() != 1 {
				t.Errorf("%d entries of the audit are lost, want 1", j.Lost())
			}
		})
	}
}
