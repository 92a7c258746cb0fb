package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domovoy/checks/lab"
)

// atServer moves the newcomer's panel into a server, which its db.conf names.
func (n *newcomer) atServer(server *lab.MariaDB) {
	n.Helper()
	panel, err := lab.NewPanelIn(server, "ispmgr")
	n.must(err)
	n.must(errors.Join(fillOften(panel, time.Now(), 30), panel.Close()))
	n.must(os.Chmod(filepath.Dir(server.Socket()), 0o755))
	etc := filepath.Join(n.prefix, "usr/local/mgr5/etc")
	n.must(os.Remove(filepath.Join(etc, "ispmgr.db")))
	n.must(os.WriteFile(filepath.Join(etc, "ispmgr.conf.d/db.conf"), fmt.Appendf(nil, "DBHost %s\nDBName ispmgr\nDBUser %s\nDBPassword %s\n", server.Socket(), lab.Owner().Name, lab.Owner().Password), 0o600))
	n.give()
}

// A panel whose database is in a server gets a user for Domovoy alone: root makes it at
// once, anybody else is shown the statements, without the password.
func TestSetupOfAPanelInAServer(t *testing.T) {
	n, server := newNewcomer(t, "en"), mariaDB(t)
	n.atServer(server)
	file := filepath.Join(n.folder, "answers.yaml")
	n.must(os.WriteFile(file, []byte(`panel: {name: isp7, rights: user}
telegram: {token_file: telegram, chat: "telegram:-1001234567890/7", admin: "telegram:42"}
`), 0o600))
	n.give()
	d := n.begin("--answers", file)
	if status := d.end(); status != exitRefused {
		t.Errorf("not root: status %d, want %d", status, exitRefused)
	}
	secret, err := os.ReadFile(filepath.Join(n.prefix, "etc/domovoy/isp7.db"))
	n.must(err)
	told := d.told.String()
	for _, part := range []string{n.says("en", "setup.done.hand"), "mariadb --force --socket=" + server.Socket(), "CREATE USER IF NOT EXISTS domovoy@localhost IDENTIFIED BY '***'", "GRANT SELECT (id, ", n.says("en", "setup.done.unread")} {
		if !strings.Contains(told, part) {
			t.Errorf("setup does not say %q:\n%s", part, told)
		}
	}
	if strings.Contains(told, strings.TrimSpace(string(secret))) || strings.Contains(told, lab.Owner().Password) {
		t.Errorf("a password is shown:\n%s", told)
	}
	if os.Geteuid() != 0 {
		return
	}
	n.must(os.RemoveAll(filepath.Join(n.prefix, "etc/domovoy")))
	cmd := exec.CommandContext(t.Context(), n.binary, "setup", "--prefix", n.prefix, "--user", "nobody", "--answers", file, "--telegram-api", n.telegram.URL())
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/bin", "COLUMNS=1000", "LANG=en_US.UTF-8", "HOME=" + n.folder}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "isp7 can be read: sites 30") && !strings.Contains(string(out), n.says("en", "metric.panel.processing")) {
		t.Fatalf("root: %v\n%s", err, out)
	}
	if check, err := n.command("config", "check", "--offline", n.config).CombinedOutput(); err != nil || !strings.Contains(string(check), "isp7 can be read: sites 30,") {
		t.Errorf("config check: %v\n%s", err, check)
	}
}

// A server that somebody names is tried with the password, which is asked for until the
// server takes it.
func TestSetupOfANamedServer(t *testing.T) {
	n, server := newNewcomer(t, "en"), mariaDB(t)
	n.atServer(server)
	n.must(os.RemoveAll(filepath.Join(n.prefix, "usr/local/mgr5")))
	d := n.begin("--dry-run")
	d.hears(d.says("setup.panel.where"))
	d.answers("/nowhere/ispmgr.db")
	d.hears(d.says("setup.panel.where"))
	d.answers("mysql://" + lab.Reader().Name + "@/ispmgr?socket=" + server.Socket())
	d.hears("Password of " + lab.Reader().Name)
	d.answers("hunter3")
	d.hears("refuses that password")
	d.answers(lab.Reader().Password)
	d.hears("can be read: sites 30,")
	d.answers(n.telegram.Token())
	d.bothSay(d.hears(`\?start=(\w+)`)).answers("")
	d.hears(`password_file: \S+\.db\n`)
	if status := d.end(); status != exitOK {
		t.Errorf("status %d", status)
	}
	if told := d.told.String(); strings.Contains(told, lab.Reader().Password) || strings.Contains(told, "hunter3") {
		t.Errorf("a password is shown:\n%s", told)
	}
}
