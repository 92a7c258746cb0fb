package ispmanager_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"domovoy/checks"
	"domovoy/checks/ispmanager"
	"domovoy/checks/lab"
)

// wantReason expects the same failure of everything that reads.
func wantReason(t *testing.T, r *ispmanager.Panel, want ispmanager.Reason) {
	t.Helper()
	_, _, err := r.Poll(t.Context())
	var failure *ispmanager.Error
	if !errors.As(err, &failure) || failure.Reason != want || failure.Path == "" {
		t.Errorf("Poll: %v, want %q", err, want)
	}
	err = r.Attempts(t.Context(), 0, func([]checks.Attempt) error { return nil })
	if !errors.As(err, &failure) || failure.Reason != want {
		t.Errorf("Attempts: %v, want %q", err, want)
	}
	if _, err = r.Newest(t.Context()); !errors.As(err, &failure) || failure.Reason != want {
		t.Errorf("Newest: %v, want %q", err, want)
	}
}

func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(content), 0o644))
		return path
	}
	must(t, os.Symlink("nowhere", filepath.Join(dir, "link")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	for path, want := range map[string]ispmanager.Reason{
		filepath.Join(dir, "none"):                ispmanager.Gone,
		filepath.Join(dir, "none", "ispmgr.db"):   ispmanager.Gone,
		filepath.Join(file("a", ""), "ispmgr.db"): ispmanager.Gone,
		filepath.Join(dir, "link"):                ispmanager.Gone,
		dir:                                       ispmanager.Directory,
		file("empty.db", ""):                      ispmanager.Empty,
		file("notes.txt", "certificates of the panel, and how they are renewed: first of all, by hand"): ispmanager.NotDatabase,
		file("short.db", "SQLite format 3\x00"):                                                         ispmanager.NotDatabase,
		filepath.Join(dir, "pipe"):                                                                      ispmanager.NotDatabase,
	} {
		t.Run(filepath.Base(path), func(t *testing.T) { wantReason(t, reader(t, path, time.UTC), want) })
	}
}

func TestNewAndCloseTouchNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ispmgr.db")
	must(t, ispmanager.New(ispmanager.Config{Database: path}).Close())
	wantReason(t, ispmanager.New(ispmanager.Config{Database: path}), ispmanager.Gone)
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// Names with characters that are special in a URI, and a relative path.
func TestAnyPath(t *testing.T) {
	for _, name := range []string{"isp mgr?mode=rwc#%41%.db", "данные.db", "a&b=c;.db", "file:x"} {
		panel, _ := newPanel(t)
		furnish(t, panel)
		dir := filepath.Join(filepath.Dir(panel.Path()), name+".d")
		must(t, os.Mkdir(dir, 0o755))
		t.Chdir(dir)
		must(t, os.Rename(panel.Path(), name))
		compare(t, read(t, reader(t, name, time.UTC)), furnished())
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("%s: left behind: %v", name, entries)
		}
	}
}

func TestLockedAndFreeAgain(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		furnish(t, panel)
		locked := func() {
			unlock, err := panel.Lock()
			must(t, err)
			wantReason(t, r, ispmanager.Locked)
			must(t, unlock())
			compare(t, read(t, r), furnished())
		}
		locked() // before the first reading
		locked() // and after one
	})
}

func TestAWriteAheadLogIsReadWhileThePanelWrites(t *testing.T) {
	panel, r := newPanel(t, lab.WithWAL())
	furnish(t, panel)
	unlock, err := panel.Lock()
	must(t, err)
	defer func() { must(t, unlock()) }()
	compare(t, read(t, r), furnished())
}

func TestGoneAndBackAndReplaced(t *testing.T) {
	panel, r := newPanel(t)
	furnish(t, panel)
	first := read(t, r)
	aside := panel.Path() + ".old"
	must(t, os.Rename(panel.Path(), aside))
	wantReason(t, r, ispmanager.Gone)
	must(t, os.Rename(aside, panel.Path()))
	compare(t, read(t, r), first)

	other, _ := newPanel(t)
	furnish(t, other)
	must(t, other.SetActive("a.example", false))
	must(t, other.Close())
	must(t, os.Rename(other.Path(), panel.Path()))
	if got := read(t, r); got.Sites[0].Active != checks.Off {
		t.Error("the file was replaced, and the old one is still read")
	}
}

// A file that a program without SQLite's locks overwrites.
func TestOverwrittenInPlace(t *testing.T) {
	panel, r := newPanel(t)
	furnish(t, panel)
	must(t, panel.Close())
	before, err := os.ReadFile(panel.Path())
	must(t, err)
	compare(t, read(t, r), furnished())

	must(t, os.WriteFile(panel.Path(), before[:len(before)/2], 0o644))
	wantReason(t, r, ispmanager.Malformed)
	must(t, os.WriteFile(panel.Path(), nil, 0o644))
	wantReason(t, r, ispmanager.Empty)
	must(t, os.WriteFile(panel.Path(), before, 0o644))
	compare(t, read(t, r), furnished())
	must(t, os.Remove(panel.Path()))
	must(t, os.Mkdir(panel.Path(), 0o755))
	wantReason(t, r, ispmanager.Directory)
}

// A panel that crashed while writing leaves a journal that only a writer can
// roll back.
func TestHotJournal(t *testing.T) {
	panel, _ := newPanel(t)
	furnish(t, panel)
	crashed := filepath.Join(t.TempDir(), "ispmgr.db")
	must(t, panel.Exec("PRAGMA cache_size = 2"))
	stop := errors.New("crash")
	err := panel.Transaction(func() error {
		must(t, panel.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000)
			INSERT INTO letsencrypt_log(certname, status, date) SELECT 'a', 'failed', '2026-11-21 12:00:00' FROM n`))
		copyFile(t, panel.Path(), crashed)
		copyFile(t, panel.Path()+"-journal", crashed+"-journal")
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	r := reader(t, crashed, time.UTC)
	wantReason(t, r, ispmanager.HotJournal)

	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("the repair was not tried: there is no sqlite3 here")
	}
	if out, err := exec.Command("sqlite3", crashed, "BEGIN IMMEDIATE; COMMIT").CombinedOutput(); err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
	compare(t, read(t, r), furnished())
}

// copyFile copies in a child process: closing a descriptor of this process
// would drop its locks on the file.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v: %s", err, out)
	}
}

// unprivileged is set in the child process of TestPermissions.
const unprivileged = "ISPMANAGER_TEST_DATABASE"

// Root may read and write everything, so the reader runs as the user nobody.
func TestPermissions(t *testing.T) {
	if path := os.Getenv(unprivileged); path != "" {
		r := reader(t, path, time.UTC)
		if filepath.Ext(path) == ".conf" {
			r = auto(t, path)
		}
		wantReason(t, r, ispmanager.Reason(os.Getenv(unprivileged+"_REASON")))
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root can become somebody else")
	}
	dir, err := os.MkdirTemp("", "panel") // other users may not enter t.TempDir
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	build := func(name string, variants ...lab.Variant) string {
		panel, err := lab.NewPanel(filepath.Join(dir, name), variants...)
		must(t, err)
		furnish(t, panel)
		must(t, panel.Close())
		must(t, os.Chmod(panel.Path(), 0o644))
		return panel.Path()
	}
	private := build("private.db")
	must(t, os.Chmod(private, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "closed"), 0o700))
	conf := filepath.Join(dir, "db.conf")
	must(t, os.WriteFile(conf, nil, 0o600))
	for path, want := range map[string]ispmanager.Reason{
		private:                                 ispmanager.Permission,
		conf:                                    ispmanager.ConfDenied,
		filepath.Join(dir, "closed", "db.conf"): ispmanager.ConfDenied,
		filepath.Join(dir, "closed", "x.db"):    ispmanager.Permission,
		build("asleep.db", lab.WithWAL()):       ispmanager.NoWAL,
	} {
		asNobody(t, dir, path, want)
	}
}

func asNobody(t *testing.T, dir, path string, want ispmanager.Reason) {
	t.Helper()
	binary := filepath.Join(dir, "reader.test")
	self, err := os.Executable()
	must(t, err)
	copyFile(t, self, binary)
	must(t, os.Chmod(binary, 0o755))
	command := exec.Command(binary, "-test.run=^TestPermissions$")
	command.Dir = "/"
	command.Env = []string{unprivileged + "=" + path, unprivileged + "_REASON=" + string(want), "TMPDIR=" + os.TempDir()}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := command.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", filepath.Base(path), err, out)
	}
}

func TestCancelledIsThePlainError(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		furnish(t, panel)
		ctx, cancel := context.WithCancel(t.Context())
		err := r.Attempts(ctx, 0, func([]checks.Attempt) error { cancel(); return nil })
		if err != nil {
			t.Errorf("cancelled after the last batch: %v", err)
		}
		if _, _, err := r.Poll(ctx); err != context.Canceled {
			t.Errorf("Poll: %v", err)
		}
		if err := r.Attempts(ctx, 0, nil); err != context.Canceled {
			t.Errorf("Attempts: %v", err)
		}
		compare(t, read(t, r), furnished())
	})
}

func TestALockMetUnderADeadlineIsTheDeadline(t *testing.T) {
	panel, r := newPanel(t)
	furnish(t, panel)
	read(t, r)
	unlock, err := panel.Lock()
	must(t, err)
	defer func() { must(t, unlock()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	begun := time.Now()
	if _, _, err := r.Poll(ctx); err != context.DeadlineExceeded {
		t.Errorf("Poll: %v after %v", err, time.Since(begun))
	}
}

func TestCloseOnlyLetsGo(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		panel, r := b.newPanel(t)
		furnish(t, panel)
		read(t, r)
		must(t, r.Close())
		must(t, r.Close())
		compare(t, read(t, r), furnished())
	})
}
