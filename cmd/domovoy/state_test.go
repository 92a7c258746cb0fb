package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stateFile is the state of a house's program.
func (h *house) stateFile() string { return filepath.Join(h.folder, "state", "domovoy.db") }

// until waits until something holds.
func (h *house) until(what string, holds func() bool) {
	h.Helper()
	ctx := h.soon()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			h.Fatalf("it never happened: %s", what)
		case <-tick.C:
		}
	}
}

// A state file that is deleted while the program runs is put back, and that is
// said in both chats; nothing that was known is lost.
func TestTheStateIsDeletedWhileRunning(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	c := h.start()
	h.baseline()
	for _, beside := range []string{"", "-wal", "-shm"} {
		h.must(os.Remove(h.stateFile() + beside))
	}
	h.inTelegram(group, h.says("ru", "state.restored"))
	h.inSlack(h.says("en", "state.restored"))
	h.telegram.Say(admin, 0, admin, "Ann", "/status")
	h.inTelegram(admin, h.says("ru", "status.read"))
	c.stop()
	h.start().stop() // no second baseline: the state is the same
	for _, m := range h.telegram.Messages(group) {
		if strings.Contains(m.Text, h.says("ru", "state.lost")) {
			t.Errorf("the state was lost: %s", m.Text)
		}
	}
}

// A state file that is damaged at the start is moved aside, a new one is begun,
// and that is said in the log and in both chats.
func TestTheStateIsDamagedAtTheStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	c := h.start()
	h.baseline()
	c.stop()
	h.must(os.WriteFile(h.stateFile(), []byte(strings.Repeat("no database\n", 5000)), 0o600))
	c = h.start()
	h.inTelegram(group, h.says("ru", "state.renewed"), h.stateFile()+".corrupt-")
	h.inSlack(h.says("en", "state.renewed"))
	c.stop()
	if !strings.Contains(c.told.String(), "the state file was damaged") {
		t.Error("the log does not say so")
	}
	if aside, _ := filepath.Glob(h.stateFile() + ".corrupt-*"); len(aside) != 1 {
		t.Errorf("aside are %v", aside)
	}
	ask := exec.Command(realProgram, "ask", "--config", h.config, "whoami")
	if out, err := ask.CombinedOutput(); err != nil {
		t.Errorf("ask: %v\n%s", err, out)
	}
}

// So is one of which only some pages are damaged, that are met after the start.
func TestSomePagesOfTheStateAreDamaged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	c := h.start()
	h.baseline()
	c.stop()
	pages := strings.Fields(sqlite(t, h.stateFile(), "SELECT rootpage FROM sqlite_schema WHERE tbl_name NOT LIKE 'sqlite_%' AND type = 'table' AND rootpage > 1"))
	content, err := os.ReadFile(h.stateFile())
	h.must(err)
	for _, page := range pages {
		n, err := strconv.Atoi(page)
		h.must(err)
		for i := range 4096 {
			content[(n-1)*4096+i] = 0x5a
		}
	}
	h.must(os.WriteFile(h.stateFile(), content, 0o600))
	c = h.start()
	h.inTelegram(group, h.says("ru", "state.renewed"), h.stateFile()+".corrupt-")
	h.telegram.Say(admin, 0, admin, "Ann", "/whoami")
	h.inTelegram(admin, h.says("ru", "role.admin"))
	c.stop()
}

// ask says why there is no answer, in the JSON of the contract too.
func TestAskWithoutAState(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	ask := func() (code, text string, status int) {
		t.Helper()
		answer, status := askJSON(t, h.config, "status")
		return answer.Error.Code, answer.Error.Text, status
	}
	if _, _, status := ask(); status != exitOK {
		t.Errorf("exit %d with a state", status)
	}
	h.must(os.WriteFile(h.stateFile(), []byte(strings.Repeat("no database\n", 5000)), 0o600))
	if code, text, status := ask(); code != "unavailable" || status != exitRefused || !strings.Contains(text, "not a SQLite database") {
		t.Errorf("damaged: %q %q, exit %d", code, text, status)
	}
}

// A full disk is said once, from memory; so is the reason to a person who gets no
// answer. What was asked is answered when there is room again.
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	// A disk of its own, in a mount namespace of the program's own.
	folder := filepath.Dir(h.stateFile())
	h.must(os.MkdirAll(folder, 0o700))
	if out, err := exec.Command("unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "none", folder).CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: no file system can be mounted here, so no disk was full: %v %s", err, out)
	}
	c := h.launchBy("unshare", "-m", "sh", "-c", `mount -t tmpfs -o size=64m none "$0" && exec "$@"`, folder)
	h.inTelegram(group, h.counts("ru", "baseline.title", 2000))

	inside := filepath.Join("/proc", strconv.Itoa(c.cmd.Process.Pid), "root", folder, "filler")
	f, err := os.Create(inside)
	h.must(err)
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	for len(block) > 1 && errors.Is(err, syscall.ENOSPC) { // to the last byte
		block = block[:len(block)/2]
		_, err = f.Write(block)
	}
	h.must(f.Close())
	stop := h.busyPanel()
	h.must(h.sample.Panel.Exec("UPDATE letsencrypt_log SET message = message || ' again'"))
	h.inTelegram(group, h.says("ru", "state.why.full"))
	h.telegram.Say(admin, 0, admin, "Ann", "/whoami")
	h.inTelegram(admin, h.says("ru", "state.why.full"))
	h.must(os.Remove(inside))
	h.inTelegram(admin, "telegram:42")
	stop()
	n := 0
	for _, m := range h.telegram.Messages(group) {
		if strings.Contains(m.Text, h.says("ru", "state.why.full")) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the fault was said %d times", n)
	}
	c.stop()
}
