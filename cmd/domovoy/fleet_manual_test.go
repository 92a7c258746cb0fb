package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"domovoy/bot/fleet"
	"domovoy/bot/fleet/trust"
	"domovoy/checks/lab"
	"domovoy/i18n"
)

// TestFleetOfTheManual does what bot/fleet/README.md says, with the real programs: the
// hub of a bot, an enrolment, an agent, who is there, and an end.
func TestFleetOfTheManual(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	buildHub(t)
	config, err := os.OpenFile(h.config, os.O_APPEND|os.O_WRONLY, 0)
	h.must(err)
	hub := unusedAddress(t)
	_, err = fmt.Fprintf(config, "fleet: {listen: %q}\n", hub)
	h.must(err)
	h.must(config.Close())
	shell := h.shell(h.installed())

	bot := h.start()
	shell("domovoy fleet add isp2 --out isp2.enrolment")
	h.must(os.Mkdir(filepath.Join(h.folder, "agent"), 0o700))
	shell("install -m 600 isp2.enrolment agent/isp2.enrolment")
	panel, err := lab.NewPanel(filepath.Join(h.folder, "agent", "ispmgr.db"))
	h.must(err)
	h.must(panel.Close())
	its := filepath.Join(h.folder, "agent", "config.yaml")
	h.must(os.WriteFile(its, fmt.Appendf(nil, "state: %[1]s/agent/domovoy.db\npanels: [{name: isp2, database: %[1]s/agent/ispmgr.db, timezone: UTC, acme: {directory: \"https://127.0.0.1:9/directory\"}}]\nresolvers: []\nfleet: {key_file: isp2.enrolment}\n", h.folder), 0o600))
	if out := shell("domovoy config check --offline agent/config.yaml"); !strings.Contains(out, "tls://") || strings.Contains(out, "weekly") || strings.Contains(out, "telegram") {
		h.Errorf("the check of an agent's configuration says:\n%s", out)
	}

	said := &output{}
	agent := exec.Command(realProgram, "run", "--config", its) // as its service does
	agent.Stdout, agent.Stderr = said, said
	h.must(agent.Start())
	defer func() { _ = agent.Process.Kill() }() // it may have ended
	var list struct {
		Agents []struct {
			Name      string     `json:"name"`
			Seen      *time.Time `json:"seen"`
			Abilities []string   `json:"abilities"`
		} `json:"agents"`
	}
	for until := h.soon(); len(list.Agents) != 1 || list.Agents[0].Seen == nil; {
		if until.Err() != nil {
			h.Fatalf("no agent is heard of: %+v\n%s", list, said)
		}
		h.must(json.Unmarshal([]byte(shell("domovoy fleet list --format json")), &list))
	}
	for _, command := range []string{"domovoy ask fleet", "domovoy ask агенты", "domovoy ask status", "domovoy fleet list"} {
		if out := shell(command); !strings.Contains(out, "isp2") {
			h.Errorf("%s:\n%s", command, out)
		}
	}
	if out := shell("domovoy fleet add big --panel isp3 --panel isp4"); !strings.Contains(out, "panels: isp3 isp4") {
		h.Error(out)
	}

	h.checks(its, exitOK, "trial.hub.reached", hub)
	enrolled, err := os.ReadFile(filepath.Join(h.folder, "isp2.enrolment"))
	h.must(err)
	foreign, err := trust.CA(t.TempDir())
	h.must(err)
	ca := fleet.Certificates(string(enrolled))
	h.must(os.WriteFile(filepath.Join(h.folder, "agent", "foreign"), []byte(strings.Replace(string(enrolled), ca, foreign, 1)), 0o600))

	text, err := os.ReadFile(its)
	h.must(err)
	misled := filepath.Join(h.folder, "agent", "misled.yaml")
	h.must(os.WriteFile(misled, []byte(strings.Replace(string(text), "key_file: isp2.enrolment", "key_file: foreign", 1)), 0o600))
	h.checks(misled, exitUsage, "trial.cure.hub.tls", hub)
	for _, c := range []struct{ more, says string }{ // systemctl reload
		{"fleet: {listen: \"127.0.0.1:0\"}\n", "the new configuration is wrong, the old one stays"},
		{"schedule: {panel: \"0 * * * *\"}\n", "the configuration was read again"},
	} {
		h.must(os.WriteFile(its, append(text[:len(text):len(text)], c.more...), 0o600))
		h.must(agent.Process.Signal(syscall.SIGHUP))
		for until := h.soon(); !strings.Contains(said.String(), c.says); {
			if until.Err() != nil {
				h.Fatalf("with %s it does not say that %s:\n%s", c.more, c.says, said)
			}
			runtime.Gosched()
		}
	}

	shell("domovoy fleet remove isp2")
	if out := shell("domovoy fleet list"); strings.Contains(out, "isp2") {
		h.Errorf("it was removed:\n%s", out)
	}
	h.checks(its, exitUsage, "trial.hub.refused", hub)
	h.must(agent.Process.Signal(syscall.SIGTERM))
	if err := agent.Wait(); err != nil {
		h.Errorf("the agent ends with %v\n%s", err, said)
	}
	bot.stop()
	h.checks(its, exitOK, "trial.cure.hub", hub) // it may be away for a while
}

// checks runs "config check" of an agent: how it ends, and a text that it says.
func (h *house) checks(config string, status int, key, hub string) {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), realProgram, "config", "check", config)
	cmd.Env = []string{"LANG=en_US.UTF-8"}
	out, err := cmd.CombinedOutput()
	got := exitOK
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got, err = failed.ExitCode(), nil
	}
	h.must(err)
	if said := h.says("en", key, i18n.Args{"Hub": "tls://" + hub}); got != status || !strings.Contains(string(out), said) {
		h.Errorf("config check ends with %d, want %d, and %q:\n%s", got, status, said, out)
	}
}

// TestTwoBotsOfTheManual does what the manual says of two bots: a hub of its own, with
// both enrolled, of which one speaks.
func TestTwoBotsOfTheManual(t *testing.T) {
	t.Parallel()
	h := newHouse(t, settings{resolveAfter: 1})
	buildHub(t)
	address := unusedAddress(t)
	third := filepath.Join(h.folder, "third.yaml")
	h.must(os.WriteFile(third, fmt.Appendf(nil, "language: en\nstate: %s/third/domovoy.db\npanels: []\nresolvers: []\nfleet: {listen: %q, public: %q}\n", h.folder, address, address), 0o600))
	bots := h.config
	h.config = third // where bots are enrolled
	shell := h.shell(h.installed())
	shell("domovoy fleet add bot1 --bot --out bot1.enrolment")
	shell("domovoy fleet add bot2 --bot --out bot2.enrolment")
	if out := shell("cat bot1.enrolment"); !strings.Contains(out, "role: bot") || !strings.Contains(out, "/etc/domovoy/bot1.enrolment, pair: true}") {
		h.Errorf("the file of a bot:\n%s", out)
	}
	program, err := exec.LookPath(realProgram)
	h.must(err)
	server := exec.Command(filepath.Join(filepath.Dir(program), "domovoy-hub"), "--dir", filepath.Join(h.folder, "third", "hub"), "--listen", address, "--names", "hub.example.com")
	h.must(server.Start())
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()

	var running []*child
	for _, name := range []string{"bot1", "bot2"} {
		text, err := os.ReadFile(bots)
		h.must(err)
		h.config = filepath.Join(h.folder, name+".yaml")
		config := strings.ReplaceAll(string(text), h.folder+"/state", h.folder+"/"+name) + fmt.Sprintf("fleet: {key_file: %s.enrolment, pair: true}\n", name)
		h.must(os.WriteFile(h.config, []byte(config), 0o600))
		h.must(os.Mkdir(filepath.Join(h.folder, name), 0o700))
		shell("domovoy config check --offline " + name + ".yaml")
		running = append(running, h.launch())
		word := "this bot has the lease: it speaks"
		if name == "bot2" {
			word = "another bot speaks: this one waits"
		}
		h.until(word, func() bool { return strings.Contains(running[len(running)-1].told.String(), word) })
	}
	h.baseline()
	for _, c := range running {
		c.stop()
	}
}

// buildHub puts the hub's program beside the bot's, where the bot finds it.
func buildHub(t *testing.T) {
	t.Helper()
	built, err := exec.LookPath(realProgram)
	must(t, err)
	program := filepath.Join(filepath.Dir(built), "domovoy-hub")
	if _, err := os.Stat(program); err == nil {
		return
	}
	mine := filepath.Join(t.TempDir(), "domovoy-hub") // another test may build it, too
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", mine, "domovoy/cmd/domovoy-hub").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	must(t, os.Rename(mine, program))
}

// shell runs lines of a document in the house's folder; each must succeed.
func (h *house) shell(path string) func(line string) string {
	return func(line string) string {
		h.Helper()
		cmd := exec.CommandContext(h.soon(), "sh", "-c", line)
		cmd.Dir = h.folder
		cmd.Env = []string{"PATH=" + path, "HOME=" + h.folder, "LANG=en_US.UTF-8", "TZ=UTC", "DOMOVOY_CONFIG=" + h.config}
		errs := &output{}
		cmd.Stderr = errs
		out, err := cmd.Output()
		if err != nil {
			h.Fatalf("%s: %v\n%s%s", line, err, out, errs)
		}
		return string(out)
	}
}

// unusedAddress is an address on this host with a port that nobody has.
func unusedAddress(t *testing.T) string {
	t.Helper()
	address, err := lab.FreeAddress()
	must(t, err)
	return address
}
