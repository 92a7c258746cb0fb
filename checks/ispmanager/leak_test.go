package ispmanager_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"domovoy/checks/ispmanager"
)

// A panel that cannot be read for days is opened again at every reading: each
// of them closes what it opened, whatever failed.
func TestFailedReadingsLeaveNothingOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: counts the descriptors in /proc")
	}
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string, exec func(string)) (want ispmanager.Reason)
	}{
		{"another shape", func(t *testing.T, _ string, exec func(string)) ispmanager.Reason {
			exec("DROP TABLE webdomain")
			exec("DROP TABLE letsencrypt_ssl")
			return ispmanager.Shape
		}},
		{"damaged", func(t *testing.T, path string, _ func(string)) ispmanager.Reason {
			must(t, os.Truncate(path, 2*4096))
			return ispmanager.Malformed
		}},
		{"gone", func(t *testing.T, path string, _ func(string)) ispmanager.Reason {
			must(t, os.Rename(path, path+".away"))
			return ispmanager.Gone
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			panel, r := newPanel(t)
			furnish(t, panel)
			read(t, r)
			want := c.spoil(t, panel.Path(), func(query string) { must(t, panel.Exec(query)) })
			wantReason(t, r, want)
			must(t, panel.Close())
			if n := descriptors(t, panel.Path()); n != 0 {
				t.Errorf("%d descriptors of the panel's files are open after one failed reading", n)
			}
		})
	}
	t.Run("locked", func(t *testing.T) {
		panel, r := newPanel(t)
		furnish(t, panel)
		read(t, r)
		unlock, err := panel.Lock()
		must(t, err)
		before := descriptors(t, panel.Path())
		for range 3 { // each waits for the busy timeout
			wantReason(t, r, ispmanager.Locked)
		}
		if n := descriptors(t, panel.Path()); n > before {
			t.Errorf("%d descriptors of the panel's files are open, %d before the failed readings", n, before)
		}
		must(t, unlock())
	})
	t.Run("for good", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "short.db")
		must(t, os.WriteFile(path, []byte("SQLite format 3\x00"), 0o644))
		r := reader(t, path, time.UTC)
		for range 300 { // a day
			wantReason(t, r, ispmanager.NotDatabase)
		}
		if n := descriptors(t, path); n != 0 {
			t.Errorf("%d descriptors are open after a day", n)
		}
	})
}

// descriptors counts this process's open descriptors of a database and the
// files beside it.
func descriptors(t *testing.T, path string) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.HasPrefix(to, path) {
			n++
		}
	}
	return n
}
