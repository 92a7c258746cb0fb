package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/checks/lab/internet"
	"domovoy/i18n"
)

// outdoors is a house whose bot also probes the five sites of the street, one
// after the other.
func (h *house) outdoors(w outsideWorld, names []string) {
	h.Helper()
	w.workers = 1
	w.database = hosting(h.T, nil, names...)
	h.config = w.written(h.T, h.folder)
	h.more(fmt.Sprintf(`telegram: {token_file: telegram, api_url: %q}
slack: {bot_token_file: slack.bot, app_token_file: slack.app, api_url: %q}
chats:
  - {to: "telegram:%d/%d", language: ru}
  - {to: "slack:%s", language: en}
people:
  - {id: "telegram:%d", role: operator}
schedule: {panel: "@every 1s", domains: "@every 1000h", daily: "@every 1000h"}
`, h.telegram.URL(), h.slack.APIURL(), group, topic, channel, admin))
}

// more adds text to the configuration.
func (h *house) more(text string) {
	h.Helper()
	f, err := os.OpenFile(h.config, os.O_APPEND|os.O_WRONLY, 0)
	h.must(err)
	_, err = f.WriteString(text)
	h.must(err)
	h.must(f.Close())
}

// A sweep of the running bot that is killed continues at the next start, and
// probes no site twice. That is true of scheduled sweeps and of those on
// demand.
func TestKilledInTheMiddleOfASweep(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		begin func(h *house, state string) // before the first start
		ask   func(h *house)               // after it
		end   func(h *house) string        // the chat's message at the end
		done  string                       // the journal's record of it
	}{
		{
			name: "the job domains",
			// Due a minute ago, and begun: the state left by a process that was
			// killed at once.
			begin: func(h *house, state string) {
				at := time.Now().Add(-time.Minute).UnixMilli()
				sqlite(h.T, state, fmt.Sprintf("INSERT INTO job_run (job, due, started) VALUES ('domains', %d, %[1]d)", at))
			},
			ask: func(*house) {},
			end: func(h *house) string {
				return h.says("ru", "baseline.more", i18n.Args{"Server": "isp1", "What": "\x00"})
			},
			done: "SELECT count(*) FROM job_run WHERE job = 'domains' AND finished > 0 AND error = ''",
		},
		{
			name:  "asked for in a chat",
			begin: func(*house, string) {},
			ask:   func(h *house) { h.telegram.Say(group, topic, admin, "Ann", "/sweep") },
			end: func(h *house) string {
				return h.counts("ru", "sweep.title", 5, i18n.Args{"Age": "\x00", "OK": 2})
			},
			done: "SELECT count(*) FROM task WHERE kind = 'sweep' AND state = 'done'",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, settings{resolveAfter: 1})
			l, w, names := street(t)
			h.outdoors(w, names)
			state := filepath.Join(h.folder, "state.db")
			if out, told, status := said("ask", "--config", h.config, "whoami"); status != exitOK {
				t.Fatalf("exit %d: %s%s", status, out, told)
			}
			c.begin(h, state)
			held := make(chan struct{})
			for _, kind := range []uint16{mdns.TypeA, mdns.TypeAAAA} {
				l.DNS.Resolve("closed.ru", kind, internet.Behaviour{Wait: held})
			}
			first := h.start()
			c.ask(h)
			select {
			case held <- struct{}{}: // it is at the third site; the other question is still blocked
			case <-h.soon().Done():
				t.Fatal("nobody came to the third site")
			}
			first.kill()
			close(held)
			second := h.start()
			ended, _, _ := strings.Cut(c.end(h), "\x00")
			h.arrived("ru", ended)
			second.stop()
			for i, name := range names {
				if n := l.DNS.Asked(name, mdns.TypeA); n != 1 && i != 2 || n < 1 {
					t.Errorf("%s was looked up %d times, want once", name, n)
				}
			}
			if n := sqlite(t, state, "SELECT count(DISTINCT site) FROM look", c.done, ""); n != "5\n1" {
				t.Errorf("looks and finished sweeps in the journal: %q", n)
			}
			troubles := "SELECT site FROM incident WHERE resolved = 0 AND (finding LIKE '%web.refused%' OR finding LIKE '%dns.elsewhere%' OR finding LIKE '%dns.unregistered%') ORDER BY site"
			if open := sqlite(t, state, troubles, ""); open != "closed.ru\nfree.ru\nmoved.ru" {
				t.Errorf("the journal has incidents of %q", open)
			}
		})
	}
}
