package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/hub"
	"domovoy/bot/fleet/trust"
	"domovoy/checks/lab/internet"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
	"domovoy/reports/journal"
)

// outlooks is a hub with vantage points that look at a laboratory.
type outlooks struct {
	*testing.T
	folder, hub string
	address     string
	lab         *internet.Lab
}

func newOutlooks(t *testing.T, l *internet.Lab) *outlooks {
	t.Helper()
	folder := t.TempDir()
	o := &outlooks{T: t, folder: folder, hub: filepath.Join(folder, "hub"), lab: l}
	_, err := fleet.BotKey(o.hub)
	must(t, err)
	h, err := hub.Start(t.Context(), hub.Config{Folder: o.hub, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(h.Stop)
	o.address = "tls://" + h.Addr().String()
	return o
}

// enrolment writes the file that lets a program with a key in.
func (o *outlooks) enrolment(name string, key fleet.Key, panels ...string) (file string) {
	o.Helper()
	authority, err := trust.CA(o.hub)
	must(o.T, err)
	text, err := fleet.Enrolment{Hub: o.address, Name: name, Bot: name == "home", Panels: panels, Key: key, CA: authority}.Text("")
	must(o.T, err)
	file = filepath.Join(o.folder, name+".enrolment")
	must(o.T, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// bot writes the configuration of a bot that reads the panel, and uses the hub.
func (o *outlooks) bot() (file string) {
	o.Helper()
	key, err := fleet.BotKey(o.hub)
	must(o.T, err)
	file = worldOf(o.lab).configured(o.T, hosting(o.T, o.lab.Panel.Aliases, o.lab.Domain))
	text, err := os.ReadFile(file)
	must(o.T, err)
	text = fmt.Appendf(text, "fleet: {key_file: %q}\nvantage: {name: home, country: de}\n", o.enrolment("home", key))
	must(o.T, os.WriteFile(file, text, 0o600))
	cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		o.Fatal(faults)
	}
	ctx, cancel := context.WithCancel(o.Context())
	var running sync.WaitGroup
	running.Go(func() { hubs.KeepStreams(ctx, cfg, slog.New(slog.DiscardHandler)) }) // as "run" does
	o.Cleanup(func() { cancel(); running.Wait() })
	return file
}

// point runs an agent that has no panel and only looks, at the given port of web
// servers, until stop is called.
func (o *outlooks) point(name, country string, port int) (stop func()) {
	o.Helper()
	key, err := fleet.NewKey()
	must(o.T, err)
	must(o.T, fleet.ChangeMembers(o.hub, func(m *fleet.Members) error {
		return m.Add(fleet.Member{Name: name, Key: key.Public(), Since: time.Now()})
	}))
	text := fmt.Sprintf("timezone: UTC\nstate: %s/%s/state.db\nresolvers: [%q]\nprobe: {http_port: %d, https_port: %d, timeout: %s}\nfleet: {key_file: %q}\nvantage: {name: %s, network: AS64500, country: %s}\n",
		o.folder, name, o.lab.Resolver, port, o.lab.Web.HTTPSPort(), probeTimeout, o.enrolment(name, key), name, country)
	file := filepath.Join(o.folder, name+".yaml")
	must(o.T, os.WriteFile(file, []byte(text), 0o600))
	cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
	if len(faults)+len(cfg.CheckAgent()) > 0 {
		o.Fatal(faults, cfg.CheckAgent())
	}
	ctx, cancel := context.WithCancel(o.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := app.RunAgent(ctx, cfg, slog.New(slog.DiscardHandler)); err != nil {
			o.Error(err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	o.Cleanup(stop)
	return stop
}

// check is the answer to a check of the site, as text on one line once every given word
// is in it, and the verdict.
func (o *outlooks) check(file string, words ...string) (text, code string) {
	o.Helper()
	for range 30 {
		out, told, status := said("ask", "--config", file, "check", o.lab.Domain)
		if text = strings.Join(strings.Fields(out), " "); status != exitOK {
			o.Fatal(out, told)
		}
		missing := false
		for _, w := range words {
			missing = missing || !strings.Contains(text, w)
		}
		if missing {
			continue
		}
		out, told, _ = said("ask", "--config", file, "--format", "json", "check", o.lab.Domain)
		var got checked
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			o.Fatal(err, out, told)
		}
		return text, got.Verdict.Code
	}
	o.Fatalf("%q is not in the answer: %s", words, text)
	return "", ""
}

// closedPort is a port on which nothing listens.
func closedPort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	must(t, l.Close())
	return port
}

// TestCheckFromSeveralPlaces: a check asks every vantage point and says who saw what.
// One that was stopped could not look, which makes nothing down.
func TestCheckFromSeveralPlaces(t *testing.T) {
	o := newOutlooks(t, playing(t, "all is well"))
	file := o.bot()
	if text, code := o.check(file); code != "ok" || strings.Contains(text, "home") {
		t.Errorf("without vantage points: %s, %s", code, text)
	}
	o.point("fra1", "de", o.lab.Web.HTTPPort())
	if text, code := o.check(file, "home (de)", "fra1 (AS64500, de)"); code != "ok" {
		t.Errorf("from two places: %s, %s", code, text)
	}
	stop := o.point("mow1", "ru", closedPort(t))
	text, code := o.check(file, "home (de)", "fra1 (AS64500, de)", "mow1 (AS64500, ru)")
	t.Log(text)
	if code != "web.blocked" {
		t.Errorf("one of three does not get through: %s, %s", code, text)
	}
	stop()
	began := time.Now()
	text, code = o.check(file, "mow1 (AS64500, ru)")
	t.Log(text)
	if code != "ok" {
		t.Errorf("with a vantage point that was stopped: %s, %s", code, text)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("two answers took %s: was the stopped one waited for?", took)
	}
	out, told, status := said("sweep", "--config", file, "--format", "json")
	if status != exitOK || strings.Contains(out, "web.") || !strings.Contains(out, o.lab.Domain) {
		t.Errorf("a sweep, exit %d: %s%s", status, out, told)
	}
}

// TestSharedSweep: with fleet.share_sweeps a sweep looks at a site that is fine from one
// place, each time from another.
func TestSharedSweep(t *testing.T) {
	o := newOutlooks(t, playing(t, "all is well"))
	file := o.bot()
	o.point("fra1", "de", o.lab.Web.HTTPPort())
	o.point("mow1", "ru", o.lab.Web.HTTPPort())
	o.check(file, "home (de)", "fra1 (AS64500, de)", "mow1 (AS64500, ru)")
	text, err := os.ReadFile(file)
	must(t, err)
	shared := strings.TrimSuffix(file, ".yaml") + "-shared.yaml"
	must(t, os.WriteFile(shared, []byte(strings.Replace(string(text), "fleet: {", "fleet: {share_sweeps: true, ", 1)), 0o600))
	sweep := func(file string) (questions int, code string) {
		t.Helper()
		before := o.lab.DNS.Asked(o.lab.Domain, mdns.TypeA)
		out, told, status := said("sweep", "--config", file, "--format", "json")
		first, _, _ := strings.Cut(out, "\n")
		var got checked
		if err := json.Unmarshal([]byte(first), &got); err != nil || status != exitOK {
			t.Fatal(err, out, told)
		}
		return o.lab.DNS.Asked(o.lab.Domain, mdns.TypeA) - before, got.Verdict.Code
	}
	all, code := sweep(file)
	alone := map[string]bool{}
	for range 3 {
		one, sharedCode := sweep(shared)
		if all != 3*one || one == 0 || code != "ok" || sharedCode != "ok" {
			t.Errorf("from all places %d questions and %s, from one %d and %s", all, code, one, sharedCode)
		}
		alone[o.alone(file)] = true
	}
	if len(alone) != 3 || !alone["home"] || !alone["fra1"] || !alone["mow1"] {
		t.Errorf("the places that looked: %v", alone)
	}
}

// alone is the place that looked at the site last, by the bot's state.
func (o *outlooks) alone(file string) string {
	o.Helper()
	cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		o.Fatal(faults)
	}
	j, err := journal.Open(o.Context(), cfg.State)
	must(o.T, err)
	defer j.Close()
	probes, err := j.Probes(o.Context(), cfg.Panels[0].Name)
	must(o.T, err)
	return probes[o.lab.Domain].Alone
}
