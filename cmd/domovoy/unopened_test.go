package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"domovoy/i18n"
)

// needsMounts skips a test where no file system can be mounted.
func needsMounts(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("unshare", "-m", "mount", "-t", "tmpfs", "none", t.TempDir()).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no file system can be mounted here, so no disk was full or read-only: %v %s", err, out)
	}
}

// unopened is the title of the last word for a reason.
func (h *house) unopened(language, reason string) string {
	l := h.bundle.Locale(language, nil)
	return l.Say("state.unopened", i18n.Args{"Why": l.Say("state.why." + reason)})
}

// told counts the messages of the group that contain a text.
func (h *house) told(text string) (n int) {
	for _, m := range h.telegram.Messages(group) {
		if strings.Contains(m.Text, text) {
			n++
		}
	}
	return n
}

// forget removes what the program keeps in mind outside the folder of its state.
func (h *house) forget() {
	sum := sha256.Sum256([]byte(h.stateFile()))
	for _, folder := range []string{"/dev/shm", os.TempDir()} {
		marks, _ := filepath.Glob(filepath.Join(folder, "domovoy-*-"+hex.EncodeToString(sum[:8])+".told"))
		for _, m := range marks {
			h.must(os.Remove(m))
		}
	}
}

// A state that cannot be opened at the start is said once in each chat, in the
// terminal, and by the exit status; systemd's restarts say no more. When it can be
// opened again, that is said, too. The script has the program's command line as its
// arguments, and the state's folder in $0.
func TestTheStateCannotBeOpened(t *testing.T) {
	t.Parallel()
	const again = `"$@"; echo "status $?"; `
	for name, c := range map[string]struct {
		spoil  string // after which it is on a disk of its own
		mend   string
		reason string
	}{
		"a full disk": {
			`dd if=/dev/zero of=$0/filler bs=64k 2>/dev/null; dd if=/dev/zero of=$0/filler2 bs=1 2>/dev/null; `, `rm $0/filler $0/filler2; `, "full"},
		"a full disk and no state": {
			`rm $0/domovoy.db*; dd if=/dev/zero of=$0/filler bs=64k 2>/dev/null; `, `rm $0/filler; `, "full"},
		"a read-only disk": {`mount -o remount,ro $0; `, `mount -o remount,rw $0; `, "readonly"},
		"a read-only disk with a damaged state": {
			`yes | head -c 90000 >$0/domovoy.db; rm -f $0/domovoy.db-*; mount -o remount,ro $0; `, `mount -o remount,rw $0; `, "readonly"},
		"a folder in its place":           {`rm $0/domovoy.db*; mkdir $0/domovoy.db; `, `rmdir $0/domovoy.db; `, "foreign"},
		"another program's database":      {`rm $0/domovoy.db*; sqlite3 $0/domovoy.db 'CREATE TABLE t (x)'; `, `rm $0/domovoy.db; `, "foreign"},
		"a newer version's state":         {`sqlite3 $0/domovoy.db 'PRAGMA user_version = 999' >/dev/null; `, `sqlite3 $0/domovoy.db "PRAGMA user_version = $(cat $0/version)" >/dev/null; `, "newer"},
		"a folder that cannot be created": {`umount $0; rm -r $0; touch $0; `, `rm $0; `, "folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, settings{resolveAfter: 1})
			needsMounts(t)
			h.start().stop()
			t.Cleanup(h.forget)
			version := strings.TrimSpace(sqlite(t, h.stateFile(), "PRAGMA user_version"))
			folder := filepath.Dir(h.stateFile())
			script := fmt.Sprintf(`cp -a $0 $0.good; mount -t tmpfs -o size=8m none $0; cp -a $0.good/. $0/; echo %s >$0/version; `, version) +
				c.spoil + again + again + c.mend + `exec "$@"`
			p := h.launchBy("unshare", "-m", "sh", "-c", script, folder)
			h.inTelegram(group, h.unopened("ru", c.reason), h.says("ru", "state.absent"), h.stateFile())
			h.inSlack(h.unopened("en", c.reason), h.stateFile())
			h.inTelegram(group, h.says("ru", "state.again"))
			p.stop()
			if n := h.told(h.unopened("ru", c.reason)); n != 1 {
				t.Errorf("it was said %d times", n)
			}
			status := exitRefused
			if name == "a folder in its place" || name == "a folder that cannot be created" { // what config check finds, too
				status = exitUsage
			}
			if n := strings.Count(p.told.String(), fmt.Sprintf("status %d\n", status)); n != 2 {
				t.Errorf("not ended twice with the status %d:\n%s", status, p.told)
			}
		})
	}
}
