package main

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"domovoy/bot/console"
	"domovoy/checks/lab"
	"domovoy/cmd/internal/app"
	"domovoy/cmd/internal/config"
)

// The statements that both manuals give are typed as they stand, on a panel of a
// cluster that has no webdomain_ipaddr. With one of them left out, status says
// what may not be read; after a right was revoked, that it is no longer shown.
func TestTheGrantsOfTheManual(t *testing.T) {
	server := mariaDB(t)
	panel, err := lab.NewPanelIn(server, "ispmgr")
	if err := errors.Join(err, fillOften(panel, time.Now(), 40),
		server.Exec("ispmgr", "CREATE TABLE ipaddr_webdomain(ipaddr INTEGER, webdomain INTEGER)", "INSERT INTO ipaddr_webdomain SELECT 1, id FROM webdomain",
			"DROP TABLE webdomain_ipaddr", "CREATE TABLE node(id INTEGER PRIMARY KEY, name VARCHAR(64), admpwd VARCHAR(64), mainip VARCHAR(64), maintain CHAR(3), is_local CHAR(3), hostname VARCHAR(64))",
			"INSERT INTO node VALUES (1, 'master', 'hunter5', '203.0.113.10', 'off', 'on', 'master.hoster.ru')")); err != nil {
		t.Fatal(err)
	}
	defer panel.Close()
	grants := manualGrants(t)
	grants[0] = strings.Replace(grants[0], "'…'", "'hunter9'", 1)
	client := exec.CommandContext(t.Context(), "mysql", "--force", "--user=root", "--socket="+server.Socket())
	client.Env, client.Stdin = []string{"HOME=" + t.TempDir()}, strings.NewReader(strings.Join(grants, "\n"))
	out, _ := client.CombinedOutput() // its status says that something was refused
	refused := slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool { return !strings.HasPrefix(line, "ERROR ") })
	if len(refused) != 1 || !strings.Contains(refused[0], "webdomain_ipaddr") {
		t.Fatalf("the server says %s", out)
	}
	file := written(t, "mysql://domovoy@/ispmgr?socket="+server.Socket(), "UTC")
	put(t, filepath.Join(filepath.Dir(file), "panel.password"), []byte("hunter9"))
	if err := os.Chmod(filepath.Join(filepath.Dir(file), "panel.password"), 0o600); err != nil {
		t.Fatal(err)
	}
	changed(t, file, "timezone: UTC, acme", "password_file: panel.password, timezone: UTC, acme")
	cfg, faults := config.Load(file, func(string) (string, bool) { return "", false })
	if len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	a, err := app.Open(t.Context(), cfg, bundled(t), slog.New(slog.DiscardHandler), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	says := func(when string, want map[string]string) {
		t.Helper()
		for language, sentence := range want {
			reply, err := a.Ask(t.Context(), app.Local{User: "ann", Language: language}, "status", func(string) {})
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(strings.Fields(console.Render(reply.Message, bundled(t), 10_000, false)), " ")
			if !strings.Contains(text, sentence) || sentence == "" && strings.Contains(text, "GRANT") {
				t.Errorf("%s, %s: %q does not say %q", when, language, text, sentence)
			}
		}
	}
	tried(t, file, "panels[0].database", false)
	says("with all rights", map[string]string{"en": "", "ru": ""})
	if err := server.Exec("", "REVOKE SELECT (active) ON ispmgr.webdomain FROM domovoy@localhost"); err != nil {
		t.Fatal(err)
	}
	says("without the one to a column", map[string]string{
		"en": "No right to read webdomain.active (GRANT), or this panel does not have it.",
		"ru": "Нет прав на чтение webdomain.active (GRANT), или в базе этой панели этого нет."})
	tried(t, file, "webdomain.active: what needs it is off. Look at the user, its password file and its GRANT: ", true)
	if err := server.Exec("", "GRANT SELECT (active) ON ispmgr.webdomain TO domovoy@localhost"); err != nil {
		t.Fatal(err)
	}
	says("with it again", map[string]string{"en": "", "ru": ""})
	if err := server.Exec("", "REVOKE ALL PRIVILEGES, GRANT OPTION FROM domovoy@localhost"); err != nil {
		t.Fatal(err)
	}
	tried(t, file, "lets the user in, who may read nothing there. Look at the user, its password file and its GRANT: ", true)
}

// tried checks what config check says of a configuration.
func tried(t *testing.T, file, part string, want bool) {
	t.Helper()
	var out bytes.Buffer
	run([]string{"config", "check", "--offline", file}, stdio{strings.NewReader(""), &out, &out}, func(string) (string, bool) { return "", false })
	if text := strings.Join(strings.Fields(out.String()), " "); strings.Contains(text, part) != want {
		t.Errorf("config check: %q is %t in %s", part, !want, text)
	}
}

// manualGrants are the statements of the manuals, which are the same in both.
func manualGrants(t *testing.T) []string {
	t.Helper()
	block := regexp.MustCompile("(?s)```sql\n(CREATE USER.*?)```")
	var all [][]string
	for _, path := range []string{"../README.md", "../README.ru.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := block.FindSubmatch(text)
		if found == nil {
			t.Fatalf("%s has no statements", path)
		}
		all = append(all, strings.Split(strings.TrimSpace(string(found[1])), "\n"))
	}
	if !slices.Equal(all[0], all[1]) {
		t.Fatalf("the manuals differ: %q", all)
	}
	return all[0]
}
