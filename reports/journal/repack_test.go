package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// oldLog is the log of a server as the program before repacking stored it: each
// certificate fails with the same long text, and every third attempt succeeds.
func oldLog(server string, rows int) []checks.Attempt {
	log := make([]checks.Attempt, rows)
	for i := range log {
		name := fmt.Sprintf("site%d.example", i%7)
		log[i] = checks.Attempt{Server: server, Row: int64(i + 1), Certificate: name + "_le1", Outcome: checks.OutcomeFailed, Status: "failed",
			Time: time.Date(2026, 11, 1, 0, i, 0, 0, time.UTC),
			Text: "203.0.113.10: Invalid response from http://" + name + "/.well-known/acme-challenge/token" + fmt.Sprint(i) + ": " + strings.Repeat("<p>not found</p> ", 40)}
		if i%3 == 0 {
			log[i].Outcome, log[i].Status, log[i].Text = checks.OutcomeIssued, "ok", ""
		}
	}
	return log
}

// oldFile makes a state file of the version before repacking.
func oldFile(t *testing.T, path string, logs ...[]checks.Attempt) {
	t.Helper()
	ctx := t.Context()
	old, err := open(ctx, path, before(t, "0016.sql"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	err = old.change(ctx, "making an old file", func(x *tx) error {
		for _, log := range logs {
			for _, a := range log {
				id, _, err := one(ctx, x, single[int64], `INSERT INTO certificate (server, name) VALUES (?, ?)
					ON CONFLICT DO UPDATE SET name = name RETURNING id`, a.Server, a.Certificate)
				if err != nil {
					return err
				}
				if _, err := x.exec(ctx, `INSERT INTO attempt (server, row, certificate, outcome, status, time, text) VALUES (?, ?, ?, ?, ?, ?, ?)`,
					a.Server, a.Row, id, int64(a.Outcome), a.Status, millis(a.Time), a.Text); err != nil {
					return err
				}
				if _, err := x.exec(ctx, `UPDATE certificate SET last_row = ?2, last_time = ?3, failures = iif(?4 = ?5, 0, failures + 1),
					first_failed = CASE WHEN ?4 = ?5 THEN 0 WHEN failures = 0 THEN ?3 ELSE first_failed END, last_issued = iif(?4 = ?5, ?3, last_issued)
					WHERE id = ?1`, id, a.Row, millis(a.Time), int64(a.Outcome), int64(checks.OutcomeIssued)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// log returns what a journal has of a server, by row, and how its certificates are.
func (j *Journal) log(t *testing.T, server string) (rows []checks.Attempt, last map[string]LastAttempt) {
	t.Helper()
	ctx, names := t.Context(), []string{}
	last = map[string]LastAttempt{}
	err := j.LastAttempts(ctx, server, nil, func(l LastAttempt) {
		last[l.Attempt.Certificate] = l
		names = append(names, l.Attempt.Certificate)
	})
	if err == nil {
		rows, err = j.AttemptsOf(ctx, server, names, 1_000_000)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, k := 0, len(rows)-1; i < k; i, k = i+1, k-1 {
		rows[i], rows[k] = rows[k], rows[i]
	}
	return rows, last
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestOldStateFilesAreRepacked(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "j.db")
	first, second := oldLog("isp1", 40_000), oldLog("isp2", 1500)
	oldFile(t, path, first, second)
	before := size(t, path)
	var told []int
	j, err := Open(ctx, path, WithProgress(func(done, all int) {
		if all != 41_500 {
			t.Errorf("of %d attempts", all)
		}
		told = append(told, done)
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if told[0] != 0 || told[len(told)-1] != 41_500 {
		t.Errorf("told: %v", told)
	}
	for server, want := range map[string][]checks.Attempt{"isp1": first, "isp2": second} {
		rows, last := j.log(t, server)
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s (-want +got):\n%.2000s", server, diff)
		}
		fresh, err := Open(ctx, filepath.Join(t.TempDir(), "fresh.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer fresh.Close()
		if err := fresh.KeepAttempts(ctx, server, want); err != nil {
			t.Fatal(err)
		}
		if _, asKept := fresh.log(t, server); !cmp.Equal(asKept, last) {
			t.Errorf("%s: %v", server, cmp.Diff(asKept, last))
		}
	}
	if after := size(t, path); after*3 > before {
		t.Errorf("%d bytes, before %d", after, before)
	}
	if copied := size(t, snapshotName(path, 15)); copied*3 < before {
		t.Errorf("the copy has %d bytes of %d", copied, before)
	}
}

// repackKilled names the file that a child process opens, to be killed in the middle
// of its migration.
const repackKilled = "JOURNAL_REPACK"

func TestRepackChild(t *testing.T) {
	path := os.Getenv(repackKilled)
	if path == "" {
		t.Skip("this is the child process of TestARepackingThatIsKilledBeginsAgain")
	}
	_, err := Open(t.Context(), path, WithProgress(func(done, _ int) {
		if done >= 3000 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}))
	t.Errorf("the migration came to its end: %v", err)
}

func TestARepackingThatIsKilledBeginsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	log := oldLog("isp1", 5000)
	oldFile(t, path, log)
	for range 2 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRepackChild$")
		child.Env = append(os.Environ(), repackKilled+"="+path)
		if out, err := child.CombinedOutput(); child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("%v\n%s", err, out)
		}
		if rows, version := ask(t, path, `SELECT count(*) FROM attempt WHERE text <> '' OR status = 'ok'`); rows != "5000" || version != 15 {
			t.Fatalf("%s rows, version %d", rows, version)
		}
	}
	j, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if rows, _ := j.log(t, "isp1"); !cmp.Equal(rows, log) {
		t.Error(cmp.Diff(log, rows))
	}
}

// A context that ends, on SIGTERM, leaves the old file too.
func TestARepackingThatIsInterruptedBeginsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	oldFile(t, path, oldLog("isp1", 5000))
	ctx, stop := context.WithCancel(t.Context())
	_, err := Open(ctx, path, WithProgress(func(done, _ int) {
		if done >= 3000 {
			stop()
		}
	}))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if rows, version := ask(t, path, `SELECT count(*) FROM attempt WHERE text <> '' OR status = 'ok'`); rows != "5000" || version != 15 {
		t.Fatalf("%s rows, version %d", rows, version)
	}
}

func TestARepackingNeedsRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j.db")
	oldFile(t, path, oldLog("isp1", 40_000))
	room := func(bytes int64) Option {
		return func(j *Journal) { j.free = func(string) int64 { return bytes } }
	}
	_, err := Open(t.Context(), path, room(50<<20))
	if !errors.Is(err, syscall.ENOSPC) || ReasonOf(path, err) != FaultFull || !strings.Contains(err.Error(), "its disk has 50 MB") {
		t.Errorf("got %v", err)
	}
	if _, version := ask(t, path, `SELECT count(*) FROM attempt`); version != 15 {
		t.Errorf("version %d", version)
	}
	if _, err := os.Stat(snapshotName(path, 15)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a copy was begun: %v", err)
	}
	j, err := Open(t.Context(), path, room(-1)) // not known
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
}

// Free pages are returned at the next start if there was no room when they became
// free.
func TestAFileShrinksWhenThereIsRoom(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "j.db")
	oldFile(t, path, oldLog("isp1", 40_000))
	for _, c := range []struct {
		room  int64
		small bool
	}{{-1, false}, {1 << 40, true}} {
		free := func(folder string) int64 { return c.room }
		j, err := Open(ctx, path, func(j *Journal) { j.free = free })
		if err != nil {
			t.Fatal(err)
		}
		j.Close()
		if got := size(t, path); got < smallFile != c.small {
			t.Errorf("with %d bytes free: %d bytes", c.room, got)
		}
	}
}

func TestOnlyTheLastCopyIsKept(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "j[1].db")
	oldFile(t, path, oldLog("isp1", 10))
	for _, name := range []string{path + ".v0003", path + ".vacation", filepath.Join(filepath.Dir(path), "j1.db.v0003")} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	copies := func() (names []string) {
		t.Helper()
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.Contains(e.Name(), ".v") {
				names = append(names, e.Name())
			}
		}
		return names
	}
	if diff := cmp.Diff([]string{"j1.db.v0003", "j[1].db.v0015", "j[1].db.vacation"}, copies()); diff != "" {
		t.Error(diff)
	}
	made, err := os.Stat(path + ".v0015") // by the file system's clock, which a test cannot shift
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after time.Duration
		kept  int
	}{{29 * 24 * time.Hour, 3}, {31 * 24 * time.Hour, 2}} {
		if err := j.Prune(ctx, made.ModTime().Add(c.after)); err != nil {
			t.Fatal(err)
		}
		if got := copies(); len(got) != c.kept {
			t.Errorf("after %v: %v", c.after, got)
		}
	}
}
