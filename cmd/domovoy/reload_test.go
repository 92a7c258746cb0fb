package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"domovoy/bot/engine/enginetest"
	botlab "domovoy/bot/lab"
)

// change replaces a part of the house's configuration.
func (h *house) change(old, with string) {
	h.Helper()
	text, err := os.ReadFile(h.config)
	h.must(err)
	if !strings.Contains(string(text), old) {
		h.Fatalf("the configuration has no %q", old)
	}
	h.must(os.WriteFile(h.config, []byte(strings.Replace(string(text), old, with, 1)), 0o600))
}

func (c *child) hangUp() {
	c.Helper()
	c.must(c.cmd.Process.Signal(syscall.SIGHUP))
}

// SIGHUP reads the configuration again: people who left it lose their rights at
// once, and new ones have theirs. A wrong configuration is not used: that is said
// in the log and in the chats, and the old one stays.
func TestSIGHUPReadsTheConfigurationAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	h.telegram.AddChat(botlab.Chat{ID: stranger, Title: "Eve"})
	c := h.start()
	h.baseline()
	h.telegram.Say(admin, 0, admin, "Ann", "/whoami")
	h.inTelegram(admin, h.says("ru", "role.admin"))

	h.change(`{id: "telegram:42", role: admin}`, `{id: "telegram:99", role: operator}`)
	c.hangUp()
	h.until("the configuration is read again", func() bool { return strings.Contains(c.told.String(), "the configuration was read again") })
	h.telegram.Say(stranger, 0, stranger, "Eve", "/whoami")
	h.inTelegram(stranger, h.says("ru", "role.operator"))
	h.telegram.Say(admin, 0, admin, "Ann", "/audit")
	h.inTelegram(admin, h.says("ru", "refusal.stranger"))

	h.change("role: operator", "role: king")
	c.hangUp()
	h.inTelegram(group, h.says("ru", "reload.refused"), "king")
	h.inSlack(h.says("en", "reload.refused"))
	h.telegram.Say(stranger, 0, stranger, "Eve", "/lang ru")
	h.inTelegram(stranger, h.says("ru", "lang.set"))
	c.stop()
	if !strings.Contains(c.told.String(), "the new configuration is wrong, the old one stays") {
		t.Error("the log does not say so")
	}
	if n := h.told(h.says("ru", "reload.refused")); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// The port of the metrics can be opened, moved and closed without a restart.
func TestMetricsAreServedByTheConfiguration(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	first, second := enginetest.FreePort(t), enginetest.FreePort(t)
	h.change("schedule:", fmt.Sprintf("metrics: {listen: %q}\nschedule:", first))
	c := h.start()
	h.baseline()
	answers := func(address, path, with string) func() bool {
		return func() bool {
			response, err := http.Get("http://" + address + path)
			if err != nil {
				return with == ""
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			return err == nil && response.StatusCode == http.StatusOK && with != "" && strings.Contains(string(body), with)
		}
	}
	h.until("it is ready", answers(first, "/readyz", "ok"))
	h.until("the messages are counted", answers(first, "/metrics", `domovoy_messenger_calls_total{messenger="telegram",outcome="ok"} 1`))
	h.until("a reading is counted", answers(first, "/metrics", `domovoy_job_last_success_timestamp_seconds{task="panel"}`))
	h.telegram.Say(admin, 0, admin, "Ann", "/status")
	h.until("the command is counted", answers(first, "/metrics", `domovoy_commands_total{command="status",result="ok"} 1`))
	h.change(first, second)
	c.hangUp()
	h.until("the port moves", answers(second, "/healthz", "ok"))
	h.until("the old one is closed", answers(first, "/healthz", ""))
	h.change(second, "")
	c.hangUp()
	h.until("no port is open", answers(second, "/healthz", ""))
	c.stop()
}

// What is open is decided by the new configuration: a new step of the escalation calls
// somebody, a chat that is gone hears nothing more, and a higher threshold ends it.
func TestSIGHUPTakesOverWhatIsOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	c := h.start()
	h.baseline()
	reloads := 0
	reload := func() {
		t.Helper()
		reloads++
		c.hangUp()
		h.until("the configuration is read again", func() bool {
			return strings.Count(c.told.String(), "the configuration was read again") == reloads
		})
	}
	h.must(h.sample.MassReissue(time.Now(), 137))
	n, err := h.sample.Counts(time.Now())
	h.must(err)
	h.inTelegram(group, h.title("ru", n.Processing))
	h.inSlack(h.title("en", n.Processing))

	h.change("  - {to: \"slack:"+channel+"\", language: en}\n", "")
	h.change("people:", fmt.Sprintf("escalation: [{after: 1s, to: \"telegram:%d\"}]\npeople:", admin))
	reload()
	h.inTelegram(admin, h.title("ru", n.Processing))

	h.change("schedule:", "thresholds: {processing: {warn: 0, critical: 1000}}\nschedule:")
	reload()
	over := h.says("ru", "over.panel.processing")
	h.inTelegram(group, over)
	h.inTelegram(admin, over)
	c.stop()
	for _, m := range h.slack.Messages(channel) {
		if strings.Contains(slackText(m.Body), h.says("en", "over.panel.processing")) {
			t.Errorf("the chat that is gone hears the end: %s", slackText(m.Body))
		}
	}
}

// Reading the configuration again leaves nothing open of what was before.
func TestManyReloadsLeaveNothingOpen(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: counts the descriptors in /proc")
	}
	h := newHouse(t, settings{resolveAfter: 1})
	c := h.start()
	h.baseline()
	times := 0
	reload := func() (open int) {
		t.Helper()
		times++
		c.hangUp()
		h.until("the configuration is read again", func() bool {
			return strings.Count(c.told.String(), "the configuration was read again") == times && strings.Count(c.told.String(), "msg=running") == times+1
		})
		entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(c.cmd.Process.Pid), "fd"))
		h.must(err)
		for _, e := range entries {
			to, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(c.cmd.Process.Pid), "fd", e.Name()))
			if err == nil && strings.HasPrefix(to, h.folder) { // connections come and go
				open++
			}
		}
		return open
	}
	first := reload()
	for range 8 {
		reload()
	}
	if last := reload(); last > first+8 { // the four connections that read are opened as they are needed, with two files each
		t.Errorf("%d files are open after ten reloads, %d after the first", last, first)
	}
	c.stop()
}

// A token that is replaced in its file is used without a restart.
func TestANewTokenIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	token := filepath.Join(h.folder, "telegram")
	h.must(os.WriteFile(token, []byte("5000000001:AArevoked-token_of_nobody_at_all_98765\n"), 0o600))
	c := h.launch()
	h.inSlack(h.counts("en", "baseline.title", 2000))
	if n := len(h.telegram.Messages(group)); n != 0 {
		t.Fatalf("%d messages with a revoked token", n)
	}
	h.must(os.WriteFile(token+".new", []byte(h.telegram.Token()+"\n"), 0o600))
	h.must(os.Rename(token+".new", token))
	h.telegram.Say(admin, 0, admin, "Ann", "/whoami")
	h.inTelegram(admin, h.says("ru", "role.admin"))
	c.stop()
}

// The heartbeat is sent after each complete run, and not while the state cannot be
// kept.
func TestTheHeartbeatStopsWithTheState(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	var beats atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/secret-of-the-heartbeat" {
			beats.Add(1)
		}
	}))
	t.Cleanup(server.Close)
	h.must(os.WriteFile(filepath.Join(h.folder, "beat"), []byte(server.URL+"/secret-of-the-heartbeat\n"), 0o600))
	h.change("resolvers: []", "resolvers: []\nheartbeat: {url_file: beat}")
	c := h.start()
	h.baseline()
	h.until("the heart beats", func() bool { return beats.Load() > 2 })
	h.must(os.Rename(h.stateFile(), h.stateFile()+".aside"))
	h.must(os.WriteFile(h.stateFile(), nil, 0o600))
	h.inTelegram(group, h.says("ru", "state.why.replaced"))
	was := beats.Load()
	h.telegram.Say(admin, 0, admin, "Ann", "/whoami")
	h.inTelegram(admin)               // the answer, or that there is none: a new connection opens the empty file
	if n := beats.Load(); n > was+1 { // one may have been under way
		t.Errorf("%d heartbeats while the state cannot be kept", n-was)
	}
	h.must(os.Rename(h.stateFile()+".aside", h.stateFile()))
	c.stop()
	if strings.Contains(c.told.String(), "secret-of-the-heartbeat") {
		t.Error("the log has the URL of the heartbeat")
	}
}
