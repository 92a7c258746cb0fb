package account

import (
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"domovoy/checks"
)

// TestCertbot has Debian's certbot order for three names and die in its hook,
// before it answers any challenge. What it leaves pending is found in its own
// log, by its own key and account folder, and cancelled.
func TestCertbot(t *testing.T) {
	program := debian(t, "certbot")
	p := newPebble(t, 0)
	folder := t.TempDir()
	certbotDies(t, program, p, folder)

	keys, err := filepath.Glob(filepath.Join(folder, "config/accounts/*/*/*/private_key.json"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	noted := storedKID(keys[0])
	key, err := LoadKey(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.open(key)
	if err != nil {
		t.Fatal(err)
	}
	if c.AccountURL() != noted || noted == "" {
		t.Errorf("the account is %q, certbot noted %q", c.AccountURL(), noted)
	}
	ctx := within(t, time.Minute)
	if asked, err := c.askKID(ctx); err != nil || asked != noted {
		t.Errorf("the CA says %q of the key, certbot noted %q; %v", asked, noted, err)
	}

	found := find(t, Sources{Logs: []string{filepath.Join(folder, "logs/letsencrypt.log*")}, KeyFile: keys[0]})
	if len(found.URLs) != 3 || len(found.Orders) != 0 {
		t.Fatalf("found %+v", found)
	}
	var names []string
	for _, s := range found.URLs {
		a, err := c.Read(ctx, s.URL)
		if err != nil || a.Status != checks.AuthorizationPending || a.Name != s.Name {
			t.Errorf("%+v, the log says %+v; %v", a, s, err)
		}
		names = append(names, a.Name)
		if _, err := c.Deactivate(ctx, s.URL); err != nil {
			t.Error(err)
		}
		if got := status(t, c, s.URL); got != checks.AuthorizationDeactivated {
			t.Errorf("%s is %q in the end", s.URL, got)
		}
	}
	slices.Sort(names)
	if want := []string{"blog.shop.example", "shop.example", "www.shop.example"}; !slices.Equal(names, want) {
		t.Errorf("cancelled %v, want %v", names, want)
	}
}

// certbotDies runs certbot until its hook, the first thing after the order,
// kills it.
func certbotDies(t *testing.T, program string, p *pebble, folder string) {
	t.Helper()
	root := filepath.Join(folder, "root.pem")
	writeFile(t, root, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})), 0o600)
	command := exec.CommandContext(within(t, time.Minute), program, "certonly", "--non-interactive", "--agree-tos",
		"--register-unsafely-without-email", "--server", p.directory,
		"--manual", "--preferred-challenges", "http", "--manual-auth-hook", "kill -KILL $PPID",
		"--config-dir", filepath.Join(folder, "config"), "--work-dir", filepath.Join(folder, "work"), "--logs-dir", filepath.Join(folder, "logs"),
		"-d", "shop.example", "-d", "www.shop.example", "-d", "blog.shop.example")
	command.Env = append(os.Environ(), "REQUESTS_CA_BUNDLE="+root, "HOME="+folder, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	out, err := command.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || !ended.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("certbot was to be killed: %v\n%s", err, out)
	}
	if strings.Contains(string(out), "Traceback") {
		t.Fatalf("%s", out)
	}
}

// debian finds a program, or skips the test: only CI is sure to have it.
func debian(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	if err == nil {
		return program
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed; CI has it", name)
	}
	t.Skipf("SKIPPED: %s is not installed", name)
	return ""
}
