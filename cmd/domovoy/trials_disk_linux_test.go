package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A file system that is full, has no room for more files or is read-only is named with
// what to look at. Each is mounted for one run of config check alone.
func TestConfigCheckOfAFullDisk(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 || exec.Command("unshare", "--mount", "true").Run() != nil {
		t.Skip("SKIPPED: only root can mount a file system")
	}
	for options, c := range map[string]struct {
		says   string
		status int
	}{
		"size=8m":             {"Only 8 MB are free in \x00/state, for the state and the files of reports. Make room,", exitUsage},
		"size=100m":           {"Only 100 MB are free in \x00/state", exitOK},
		"size=1g,nr_inodes=5": {"takes only 4 more files (inodes). Remove small files: df -i \x00/state", exitUsage},
		"size=1g,ro":          {"read-only file system). Make it writable", exitUsage},
		"size=1g":             {": no errors\n", exitOK},
	} {
		t.Run(strings.NewReplacer("=", " ", ",", " ").Replace(options), func(t *testing.T) {
			t.Parallel()
			h := newHost(t)
			h.give()
			script := fmt.Sprintf("mount -t tmpfs -o mode=777,%s none %s && exec setpriv --reuid=%d --regid=%d --clear-groups %s config check %s",
				options, filepath.Join(h.folder, "state"), nobody, nobody, h.binary, h.config)
			cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-c", script)
			cmd.Env = []string{"LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
			out, _ := cmd.CombinedOutput()
			if status := cmd.ProcessState.ExitCode(); status != c.status || !strings.Contains(string(out), strings.ReplaceAll(c.says, "\x00", h.folder)) {
				t.Errorf("status %d, want %d and %q\n%s", status, c.status, c.says, out)
			}
		})
	}
}
