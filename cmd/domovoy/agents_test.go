package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/hub"
	"domovoy/bot/fleet/trust"
	"domovoy/checks/lab/boulder"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
	"domovoy/cmd/internal/hubs"
)

// changing are the parts of an answer that differ between two runs: times, the names of
// plans and of challenge files.
var changing = regexp.MustCompile(`domovoy-[A-Z2-7]{26}|\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)|"(id|plan)": ?"[0-9a-f]+"|confirm [0-9a-f]+|(today|yesterday) at \d\d:\d\d`)

// Two panels behind two agents give the answers that the same two panels give on the
// bot's own host.
func TestPanelsBehindAgentsAnswerAlike(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	ca, err := boulder.Start(boulder.Options{})
	must(t, err)
	t.Cleanup(ca.Close)
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	write("root.pem", string(ca.RootPEM()))
	panel := func(name string, sites ...string) string {
		database := hosting(t, []string{"www." + sites[0]}, sites...)
		sqlite(t, database, "UPDATE letsencrypt_ssl SET failed = 'on' WHERE certname = '"+sites[0]+"_le1'",
			"INSERT INTO letsencrypt_log (certname, status, date, message) VALUES ('"+sites[0]+"_le1', 'failed', '"+time.Now().UTC().Format("2006-01-02 15:04:05")+"', 'Timeout during connect (likely firewall problem)')")
		key := write(name+".key", accountOf(t, ca, filepath.Join(folder, name+".log"), sites...))
		return fmt.Sprintf("  - {name: %s, database: %q, timezone: UTC, acme: {directory: %q, ca_file: %q, account_key_file: %q, logs: [%q]}}\n",
			name, database, ca.Directory(), filepath.Join(folder, "root.pem"), key, filepath.Join(folder, name+".log"))
	}
	panels := map[string]string{"isp1": panel("isp1", "shop.ru", "blog.ru"), "isp2": panel("isp2", "shop.com", "blog.com", "wiki.com")}
	settings := func(name, more string) string {
		return write(name+".yaml", fmt.Sprintf("language: en\ntimezone: UTC\nresolvers: []\nstate: %s/%s/state.db\nschedule: {panel: \"* * * * *\"}\n%s", folder, name, more))
	}
	local := settings("local", "panels:\n"+panels["isp1"]+panels["isp2"])

	there := filepath.Join(folder, "hub")
	bot, err := fleet.BotKey(there)
	must(t, err)
	h, err := hub.Start(t.Context(), hub.Config{Folder: there, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(h.Stop)
	authority, err := trust.CA(there)
	must(t, err)
	address := "tls://" + h.Addr().String()
	enrolment := func(name string, key fleet.Key, panels ...string) string {
		text, err := fleet.Enrolment{Hub: address, Name: name, Bot: len(panels) == 0, Panels: panels, Key: key, CA: authority}.Text("")
		must(t, err)
		return write(name+".enrolment", text)
	}
	ctx, stop := context.WithCancel(t.Context())
	var agents sync.WaitGroup
	t.Cleanup(func() { stop(); agents.Wait() })
	for name, panel := range panels {
		key, err := fleet.NewKey()
		must(t, err)
		must(t, fleet.ChangeMembers(there, func(m *fleet.Members) error {
			return m.Add(fleet.Member{Name: name, Key: key.Public(), Panels: []string{name}, Since: time.Now()})
		}))
		file := settings("agent-"+name, fmt.Sprintf("panels:\n%sfleet: {key_file: %q}\n", panel, enrolment(name, key, name)))
		cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		agents.Go(func() {
			if err := app.RunAgent(ctx, cfg, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	remote := settings("remote", fmt.Sprintf("fleet: {key_file: %q}\n", enrolment("bot", bot)))
	cfg, faults := config.Load(remote, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	agents.Go(func() { hubs.KeepStreams(ctx, cfg, slog.New(slog.DiscardHandler)) }) // as "run" does
	answer := func(file string, words ...string) string {
		out, told, status := said(append([]string{"ask", "--config", file, "--format", "json"}, words...)...)
		if status != exitOK {
			out += fmt.Sprintf("exit %d: %s", status, told)
		}
		return changing.ReplaceAllString(out, "…")
	}
	status := answer(local, "status")
	for giveUp := time.After(20 * time.Second); answer(remote, "status") != status; { // until each agent's first reading is whole
		select {
		case <-giveUp:
			t.Fatalf("the agents’ panels do not come (-local +behind agents):\n%s", cmp.Diff(status, answer(remote, "status")))
		default:
		}
	}
	for _, words := range []string{"status", "list trouble", "list failed", "list overdue", "check shop.ru", "check wiki.com", "why shop.com", "limits", "report weekly", "cancel authz all"} {
		is, want := answer(remote, strings.Fields(words)...), answer(local, strings.Fields(words)...)
		if strings.Contains(want, "exit ") { // else two failures would be alike, too
			t.Errorf("%s: %s", words, want)
		}
		if diff := cmp.Diff(want, is); diff != "" {
			t.Errorf("%s (-local +behind agents):\n%s", words, diff)
		}
	}
}

// accountOf makes an account with three pending authorizations, which are in a log of
// its client, and returns its key.
func accountOf(t *testing.T, ca *boulder.CA, log string, names ...string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	account := ca.Register(key.Public())
	var text strings.Builder
	for _, u := range ca.Populate(account.ID, names, 1, boulder.Pending) {
		fmt.Fprintf(&text, "[Sat Nov 21 14:05:00 MSK 2026] _authz_url='%s'\n", u)
	}
	must(t, os.WriteFile(log, []byte(text.String()), 0o600))
	der, err := x509.MarshalECPrivateKey(key)
	must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// What needs the panel's host gives the same answer whether the bot is there or the
// panel's agent is: access logs, private keys, the web server's settings, the way to
// the CA, challenge files, the roots of a private CA. While the agent is away, nothing
// of that is called fine.
func TestHostOfAgentAnswersAlike(t *testing.T) {
	for situation, want := range map[string]string{
		"one validator of six came":       "web.blocked",
		"the key of another certificate":  "cert.keymismatch",
		"all is well":                     "ok",
		"another folder than the panel's": "web.notfound", // seen only with a challenge file in place
	} {
		t.Run(situation, func(t *testing.T) {
			t.Parallel()
			l := playing(t, situation)
			o := newOutlooks(t, l)
			database := hosting(t, l.Panel.Aliases, l.Domain)
			for _, a := range l.Panel.Attempts {
				sqlite(t, database, fmt.Sprintf("INSERT INTO letsencrypt_log (certname, status, date, message) VALUES ('%s_le1', 'failed', '%s', '%s')",
					l.Domain, a.At.UTC().Format("2006-01-02 15:04:05"), strings.ReplaceAll(a.Text, "'", "''")))
			}
			world := worldOf(l)
			world.accessLog, world.certificates = l.Panel.AccessLog, t.TempDir()
			for path, name := range map[string]string{l.Panel.Certificate: ".crt", l.Panel.Key: ".key"} {
				if path == "" {
					continue
				}
				data, err := os.ReadFile(path)
				must(t, err)
				must(t, os.MkdirAll(filepath.Join(world.certificates, "client1"), 0o700))
				must(t, os.WriteFile(filepath.Join(world.certificates, "client1", l.Domain+"_le1"+name), data, 0o600))
			}
			local := world.configured(t, database)
			text, err := os.ReadFile(local)
			must(t, err)
			text = []byte(strings.Replace(string(text), "{name: isp1,", fmt.Sprintf("{name: isp1, compare_keys: true, vhosts: [%q],", filepath.Join(world.certificates, "*.conf")), 1))
			must(t, os.WriteFile(local, text, 0o600))
			panels := regexp.MustCompile(`(?m)^panels:\n  - .*\n`)

			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			end := sync.OnceFunc(func() { stop(); running.Wait() })
			t.Cleanup(end)
			key, err := fleet.NewKey()
			must(t, err)
			must(t, fleet.ChangeMembers(o.hub, func(m *fleet.Members) error {
				return m.Add(fleet.Member{Name: "isp1", Key: key.Public(), Panels: []string{"isp1"}, Since: time.Now()})
			}))
			configured := func(name, text string) (file string, cfg *config.Config) {
				file = filepath.Join(o.folder, name+".yaml")
				must(t, os.WriteFile(file, []byte(text), 0o600))
				cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				return file, cfg
			}
			_, agent := configured("agent", fmt.Sprintf("timezone: UTC\nstate: %s/agent/agent.db\nresolvers: []\n%sfleet: {key_file: %q}\n", o.folder, panels.Find(text), o.enrolment("isp1", key, "isp1")))
			bot, err := fleet.BotKey(o.hub)
			must(t, err)
			remote, cfg := configured("remote", strings.Replace(panels.ReplaceAllString(string(text), "panels: []\n"), "state.db", "remote.db", 1)+fmt.Sprintf("fleet: {key_file: %q}\n", o.enrolment("bot", bot)))
			streams, stopStreams := context.WithCancel(t.Context())
			defer stopStreams()
			go hubs.KeepStreams(streams, cfg, slog.New(slog.DiscardHandler)) // as "run" does
			running.Go(func() {
				if err := app.RunAgent(ctx, agent, slog.New(slog.DiscardHandler)); err != nil {
					t.Error(err)
				}
			})
			ask := func(file string) (answer, code string) {
				out, told, status := said("ask", "--config", file, "--format", "json", "check", l.Domain)
				var got checked
				if status != exitOK {
					return told, ""
				}
				must(t, json.Unmarshal([]byte(out), &got))
				return changing.ReplaceAllString(out, "…"), got.Verdict.Code
			}
			there, code := ask(local)
			if code != want {
				t.Fatalf("on the panel's own host: %s", there)
			}
			is := ""
			for giveUp := time.After(30 * time.Second); ; { // until the agent's first reading is whole
				if is, code = ask(remote); code != "" {
					break
				}
				select {
				case <-giveUp:
					t.Fatalf("the agent’s panel does not come: %s", is)
				default:
				}
			}
			if diff := cmp.Diff(there, is); diff != "" {
				t.Errorf("-local +behind an agent:\n%s", diff)
			}
			end()
			if is, code = ask(remote); code == "ok" || strings.Count(is, "noanswer") == 0 {
				t.Errorf("the agent is away: %s", is)
			}
		})
	}
}
