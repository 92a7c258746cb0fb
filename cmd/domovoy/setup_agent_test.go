package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"domovoy/i18n"
)

// hubHost is a bot's host with a hub, where agents are enrolled.
type hubHost struct {
	*house
	hub   string
	shell func(string) string
}

func newHubHost(t *testing.T) *hubHost {
	t.Helper()
	h := &hubHost{house: newHouse(t, settings{resolveAfter: 1}), hub: unusedAddress(t)}
	buildHub(t)
	text, err := os.ReadFile(h.config)
	h.must(err)
	h.must(os.WriteFile(h.config, append(text, "fleet: {listen: \""+h.hub+"\"}\n"...), 0o600))
	h.shell = h.house.shell(h.installed())
	h.start()
	return h
}

// enrolment is a file of "fleet add", where a newcomer can read it.
func (h *hubHost) enrolment(n *newcomer, args string) string {
	h.Helper()
	file := filepath.Join(n.folder, strings.Fields(args)[0]+".enrolment")
	n.must(os.WriteFile(file, []byte(h.shell("domovoy fleet add "+args)), 0o600))
	n.give()
	return file
}

// seen waits until the hub has heard of an agent.
func (h *hubHost) seen(name, said string) {
	h.Helper()
	for until := h.soon(); ; {
		var list struct {
			Agents []struct{ Name, Seen string }
		}
		h.must(json.Unmarshal([]byte(h.shell("domovoy fleet list --format json")), &list))
		for _, a := range list.Agents {
			if a.Name == name && a.Seen != "" {
				return
			}
		}
		if until.Err() != nil {
			h.Fatalf("nothing is heard of %s: %+v\n%s", name, list, said)
		}
	}
}

// TestSetupOfAnAgent: with the file of "fleet add" a host with a panel, or without one,
// becomes an agent, in both languages; a second run changes nothing.
func TestSetupOfAnAgent(t *testing.T) {
	t.Parallel()
	h := newHubHost(t)
	for _, c := range []struct {
		name, language, args string
		lines                []string
		answers              string // nobody is asked
		has                  string
	}{
		{"panel", "en", "isp2", []string{""}, "", "name: isp2"},
		{"vantage", "ru", "fra1 --vantage", []string{"64500", "AS64500", "de", "да"}, "", "country: de"},
		{"answers", "en", "ams1 --vantage", nil, "vantage: {network: AS64501, country: nl}\n", "network: AS64501"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNewcomer(t, c.language)
			file := h.enrolment(n, c.args)
			args := []string{"--agent", file}
			if c.answers != "" {
				answers := filepath.Join(n.folder, "answers.yaml")
				n.must(os.WriteFile(answers, []byte(c.answers), 0o600))
				n.give()
				args = append(args, "--answers", answers)
			}
			d := n.begin(args...)
			d.answers(c.lines...)
			if status := d.end(); status != exitOK {
				t.Fatalf("status %d:\n%s", status, d.told)
			}
			if c.answers == "" {
				told := strings.ReplaceAll(d.text("no code"), h.hub, "bot.example.com:4222")
				golden(t, filepath.Join("testdata", "setup", "agent."+c.language+".txt"), told)
			}
			text, err := os.ReadFile(n.config)
			n.must(err)
			if !strings.Contains(string(text), c.has) || strings.Contains(string(text), "chats") {
				t.Errorf("the configuration has not %s:\n%s", c.has, text)
			}

			cmd := n.command("run", "--config", n.config)
			said := &output{}
			cmd.Stdout, cmd.Stderr = said, said
			n.must(cmd.Start())
			name, _, _ := strings.Cut(c.args, " ")
			h.seen(name, said.String())
			n.must(cmd.Process.Signal(syscall.SIGTERM))
			if err := cmd.Wait(); err != nil {
				t.Errorf("the agent ends with %v\n%s", err, said)
			}

			before := n.everything()
			for _, args := range [][]string{args, nil} {
				d := n.begin(args...)
				d.answers("", "")
				d.hears(d.says("setup.plan.nothing"))
				if status := d.end(); status != exitOK || n.everything() != before {
					t.Errorf("again with %q: status %d\n%s", args, status, d.told)
				}
			}
		})
	}
}

// TestSetupRefusesWhatIsNoAgent: a host does not become an agent with a file that is none,
// or over a bot's configuration.
func TestSetupRefusesWhatIsNoAgent(t *testing.T) {
	t.Parallel()
	h := newHubHost(t)
	n := newNewcomer(t, "en")
	removed := h.enrolment(n, "isp3")
	h.shell("domovoy fleet remove isp3")
	garbage := filepath.Join(n.folder, "garbage")
	n.must(os.WriteFile(garbage, []byte("hub: somewhere\n"), 0o600))
	good := h.enrolment(n, "isp2")
	before := n.everything()
	refused := func(file, key string, more ...string) {
		t.Helper()
		d := n.begin(append([]string{"--agent", file}, more...)...)
		says := d.says(key, i18n.Args{"File": file, "Config": n.config, "Panels": []string{"isp4", "isp5"}, "Hub": "tls://" + h.hub})
		if status := d.end(); status != exitRefused || !regexp.MustCompile(says).MatchString(d.told.String()) || n.everything() != before {
			t.Errorf("%s: status %d, want %q\n%s", file, status, says, d.told)
		}
	}
	refused(garbage, "setup.agent.none")
	refused(h.enrolment(n, "bot2 --bot"), "setup.agent.bot")
	refused(h.enrolment(n, "big --panel isp4 --panel isp5"), "setup.agent.several")
	refused(removed, "trial.hub.refused")
	refused(filepath.Join(n.folder, "nowhere"), "setup.unchanged")
	answers := filepath.Join(n.folder, "answers.yaml")
	n.must(os.WriteFile(answers, []byte("telegram: {token_file: telegram}\n"), 0o644))
	refused(good, "setup.agent.mute", "--answers", answers)
	n.must(os.MkdirAll(filepath.Dir(n.config), 0o755))
	n.must(os.WriteFile(n.config, []byte("state: "+n.folder+"/s.db\npanels: []\nfleet: {listen: \":0\"}\nchats: [{to: \"telegram:-1\"}]\n"), 0o644))
	before = n.everything()
	refused(good, "setup.agent.taken")
}
