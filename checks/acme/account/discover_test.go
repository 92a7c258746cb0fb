package account

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"domovoy/checks"
)

// TestFindInRealLogs reads what certbot 2.1 and acme.sh 3.1.4 wrote while
// they ordered from Pebble. The logs were shortened, and their ids replaced.
func TestFindInRealLogs(t *testing.T) {
	const authz, order = "https://ca.example/acme/authz/1/", "https://ca.example/acme/order/1/"
	for _, c := range []struct {
		file   string
		urls   []string // URL and name
		orders []string
		hint   Hint
	}{
		{"certbot.log", []string{authz + "101 www.shop.example", authz + "102 shop.example", authz + "103 blog.shop.example"}, nil, HintNone},
		{"acmesh-debug2.log", []string{authz + "101 shop.example", authz + "102 www.shop.example", authz + "103 blog.shop.example"}, nil, HintNone},
		{"acmesh-debug1.log", []string{authz + "101 level.example", authz + "102 www.level.example"}, []string{order + "201"}, HintNone},
		{"acmesh.conf", []string{authz + "101 shop.example", authz + "102 www.shop.example", authz + "103 blog.shop.example"}, nil, HintNone},
		{"acmesh-stock.log", nil, nil, HintNotLogged},
	} {
		t.Run(c.file, func(t *testing.T) {
			file := filepath.Join("testdata", c.file)
			found := find(t, Sources{Logs: []string{file}})
			var urls []string
			for _, s := range found.URLs {
				urls = append(urls, s.URL+" "+s.Name)
				if s.Source != file {
					t.Errorf("%s is from %q", s.URL, s.Source)
				}
				if strings.HasSuffix(c.file, ".log") && s.At.Format(time.DateOnly) != "2026-11-21" {
					t.Errorf("%s is of %v", s.URL, s.At)
				}
			}
			slices.Sort(urls)
			if diff := cmp.Diff(c.urls, urls); diff != "" {
				t.Errorf("authorizations (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(c.orders, urlsOf(found.Orders)); diff != "" {
				t.Errorf("orders (-want +got)\n%s", diff)
			}
			if found.Hint != c.hint {
				t.Errorf("hint %q, want %q", found.Hint, c.hint)
			}
		})
	}
}

// TestFindLine reads single lines of CAs and clients.
func TestFindLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"Let's Encrypt", `https://acme-v02.api.letsencrypt.org/acme/authz/123/456`, "a https://acme-v02.api.letsencrypt.org/acme/authz/123/456"},
		{"an end of a sentence", `see https://ca.example/acme/authz/1/2.`, "a https://ca.example/acme/authz/1/2"},
		{"ZeroSSL", `"url":"https://acme.zerossl.com/v2/DV90/authz/x-Y_z"`, "a https://acme.zerossl.com/v2/DV90/authz/x-Y_z"},
		{"escaped slashes", `{"authorizations":["https:\/\/ca.example\/auth\/9"]}`, "a https://ca.example/auth/9"},
		{"any form in a list", `{"authorizations" : [ "https://ca.example/x?id=1", "https://ca.example/x?id=2" ] }`, "a https://ca.example/x?id=1 a https://ca.example/x?id=2"},
		{"the form of before 2025", `https://acme-v02.api.letsencrypt.org/acme/authz-v3/77`, "s https://acme-v02.api.letsencrypt.org/acme/authz-v3/77"},
		{"old ones in a list", `"authorizations":["https://ca.example/acme/authz-v3/77"]`, "s https://ca.example/acme/authz-v3/77"},
		{"an order", `Location: https://ca.example/acme/order/1/2`, "o https://ca.example/acme/order/1/2"},
		{"an order of ZeroSSL", `Le_LinkOrder='https://acme.zerossl.com/v2/DV90/order/abc'`, "o https://acme.zerossl.com/v2/DV90/order/abc"},
		{"finalizing is no order", `https://ca.example/acme/finalize/1/2 https://acme.zerossl.com/v2/DV90/order/abc/finalize`, ""},
		{"a challenge", `https://ca.example/acme/chall/1/2/abc`, ""},
		{"an order and its list", `https://ca.example/acme/order/1/2 "authorizations":["https://ca.example/acme/authz/1/3"]`, "a https://ca.example/acme/authz/1/3"},
		{"a list that was cut off by a new record", "\"authorizations\": [\n2026-11-21 10:00:00,1:DEBUG: https://ca.example/docs", ""},
		{"no web", `ftp://ca.example/acme/authz/1/2 /acme/authz/1/2`, ""},
		{"a URL too long", "https://ca.example/acme/authz/1/" + strings.Repeat("2", 4000), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "acme.log")
			writeFile(t, log, c.text, 0o600)
			found := find(t, Sources{Logs: []string{log}})
			var got []string
			for kind, list := range map[string][]FoundURL{"a": found.URLs, "o": found.Orders, "s": found.Stale} {
				for _, u := range urlsOf(list) {
					got = append(got, kind+" "+u)
				}
			}
			slices.Sort(got)
			if text := strings.Join(got, " "); text != c.want {
				t.Errorf("found %q, want %q", text, c.want)
			}
		})
	}
}

// TestFindFiles shows which files are read: rotated and compressed logs,
// acme.sh's state near a key, and no others.
func TestFindFiles(t *testing.T) {
	home := t.TempDir()
	for name, n := range map[string]int{
		"logs/acme.log": 1, "logs/acme.log.1": 2, "logs/acme.log-20261120": 3, "logs/other.log": 4,
		"shop.example_ecc/shop.example.conf": 5, "shop.example_ecc/shop.example.csr.conf": 6, "acme.sh.log": 7,
	} {
		writeFile(t, filepath.Join(home, name), fmt.Sprintf("_authz_url='https://ca.example/acme/authz/1/%d'\n", n), 0o600)
	}
	packFile(t, filepath.Join(home, "logs/acme.log.2.gz"), "_authz_url='https://ca.example/acme/authz/1/8'\n")
	found := find(t, Sources{Logs: []string{filepath.Join(home, "logs/acme.log")}, KeyFile: filepath.Join(home, "ca/ca.example/directory/account.key")})
	var got []string
	for _, s := range found.URLs {
		got = append(got, strings.TrimPrefix(s.URL, "https://ca.example/acme/authz/1/"))
	}
	slices.Sort(got)
	if want := []string{"1", "2", "3", "5", "7", "8"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v in %v", got, want, found.Files)
	}
}

// TestFindNothing checks the reasons for finding nothing.
func TestFindNothing(t *testing.T) {
	folder := t.TempDir()
	stock := filepath.Join(folder, "stock.log")
	writeFile(t, stock, "[Sat Nov 21 14:34:01 UTC 2026] Verifying: client.example\n", 0o600)
	broken := filepath.Join(folder, "broken.log.gz")
	writeFile(t, broken, "this is no archive", 0o600)
	stale := filepath.Join(folder, "stale.log")
	writeFile(t, stale, "https://ca.example/acme/authz-v3/2\n", 0o600)
	for _, c := range []struct {
		name string
		s    Sources
		hint Hint
		skip SkipReason
	}{
		{"nothing is configured", Sources{}, HintNoFiles, ""},
		{"the path leads nowhere", Sources{Logs: []string{filepath.Join(folder, "none.log")}}, HintNoFiles, SkipMissing},
		{"no file fits the pattern", Sources{Logs: []string{filepath.Join(folder, "none*.log")}}, HintNoFiles, ""},
		{"a bad pattern", Sources{Logs: []string{"[", ""}}, HintNoFiles, ""},
		{"a client that does not log", Sources{Logs: []string{stock}}, HintNotLogged, ""},
		{"a broken archive", Sources{Logs: []string{broken}}, HintUnreadable, SkipUnreadable},
		{"a form that is no longer served", Sources{Logs: []string{stale}}, HintNothing, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := find(t, c.s)
			if len(found.URLs) > 0 || found.Hint != c.hint {
				t.Errorf("found %v, hint %q, want %q", found.URLs, found.Hint, c.hint)
			}
			if c.skip != "" && (len(found.Skipped) != 1 || found.Skipped[0].Reason != c.skip) {
				t.Errorf("skipped %v, want one for %q", found.Skipped, c.skip)
			}
		})
	}
}

// TestFindIsBounded reads the end of a log that is too large, and only the
// beginning of a compressed one.
func TestFindIsBounded(t *testing.T) {
	var text strings.Builder
	for n := range 1000 {
		fmt.Fprintf(&text, "https://ca.example/acme/authz/1/%d\n", 1000+n) // 37 bytes
	}
	folder := t.TempDir()
	log, packed := filepath.Join(folder, "a.log"), filepath.Join(folder, "b.log.gz")
	writeFile(t, log, text.String(), 0o600)
	packFile(t, packed, text.String())
	for _, c := range []struct {
		path        string
		most        int64
		count       int
		first, last string
	}{
		{log, 3700, 99, "1901", "1999"},
		{packed, 926, 100, "1000", "1099"},
	} {
		found := find(t, Sources{Logs: []string{c.path}, MaxBytes: c.most})
		urls := urlsOf(found.URLs)
		slices.Sort(urls)
		if len(urls) != c.count || !strings.HasSuffix(urls[0], c.first) || !strings.HasSuffix(urls[len(urls)-1], c.last) {
			t.Errorf("%s: found %d, %s to %s", c.path, len(urls), urls[0], urls[len(urls)-1])
		}
		if want := []Skipped{{c.path, SkipLarge}}; !slices.Equal(found.Skipped, want) {
			t.Errorf("skipped %v, want %v", found.Skipped, want)
		}
	}
}

// TestFindStops when its context ends.
func TestFindStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Find(ctx, Sources{Logs: []string{"testdata/*"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func find(t *testing.T, s Sources) Found {
	t.Helper()
	found, err := Find(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func urlsOf(seen []FoundURL) []string {
	var urls []string
	for _, s := range seen {
		urls = append(urls, s.URL)
	}
	return urls
}

func packFile(t *testing.T, path, text string) {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, packed.String(), 0o600)
}

// TestAcmeSh reads a log that acme.sh wrote with debugging on, with the URLs
// replaced by a running CA's: what is pending is found and canceled with the
// key and the account in acme.sh's home.
func TestAcmeSh(t *testing.T) {
	names := []string{"shop.example", "www.shop.example", "blog.shop.example"}
	for _, source := range []string{"acmesh-debug2.log", "acmesh.conf"} {
		t.Run(source, func(t *testing.T) {
			p := newPebble(t, 0)
			home := t.TempDir()
			folder := filepath.Join(home, "ca/ca.example/directory")
			writeFile(t, filepath.Join(folder, "account.key"), string(mustRead(t, newKeyFile(t))), 0o600)
			registered := p.register(filepath.Join(folder, "account.key"))
			writeFile(t, filepath.Join(folder, "ca.conf"), "ACCOUNT_URL='"+registered.AccountURL()+"'\n", 0o600)

			order := p.order(registered, names...)
			replace := []string{"https://ca.example/acme/order/1/201", order.URL}
			for i, u := range order.Authorizations {
				replace = append(replace, "https://ca.example/acme/authz/1/10"+string(rune('1'+i)), u)
			}
			text := strings.NewReplacer(replace...).Replace(string(mustRead(t, filepath.Join("testdata", source))))
			s := Sources{KeyFile: filepath.Join(folder, "account.key")}
			if strings.HasSuffix(source, ".conf") {
				writeFile(t, filepath.Join(home, "shop.example_ecc/shop.example.conf"), text, 0o600)
			} else {
				s.Logs = []string{filepath.Join(home, "ispmgr_acme_sh.log")}
				writeFile(t, s.Logs[0], text, 0o644)
			}

			found := find(t, s)
			if got, want := slices.Sorted(slices.Values(urlsOf(found.URLs))), slices.Sorted(slices.Values(order.Authorizations)); !slices.Equal(got, want) {
				t.Fatalf("found %v, want %v", got, want)
			}
			key, err := LoadKey(s.KeyFile)
			if err != nil {
				t.Fatal(err)
			}
			c, err := p.open(key)
			if err != nil {
				t.Fatal(err)
			}
			for _, seen := range found.URLs {
				if got := status(t, c, seen.URL); got != checks.AuthorizationPending {
					t.Errorf("%s is %q before", seen.URL, got)
				}
				if _, err := c.Deactivate(within(t, time.Minute), seen.URL); err != nil {
					t.Error(err)
				}
				if got := status(t, c, seen.URL); got != checks.AuthorizationDeactivated {
					t.Errorf("%s is %q in the end", seen.URL, got)
				}
			}
		})
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestCertbot lets Debian's certbot order for three names and kills it in its
// hook, before it answers a challenge. What stays pending is found in certbot's
// log and canceled with certbot's key and account folder.
func TestCertbot(t *testing.T) {
	program := debian(t, "certbot")
	p := newPebble(t, 0)
	folder := t.TempDir()
	certbotDies(t, program, p, folder)

	keys, err := filepath.Glob(filepath.Join(folder, "config/accounts/*/*/*/private_key.json"))
	if err != nil || len(keys) != 1 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	stored := accountURLBeside(keys[0])
	key, err := LoadKey(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.open(key)
	if err != nil {
		t.Fatal(err)
	}
	if c.AccountURL() != stored || stored == "" {
		t.Errorf("the account is %q, certbot stored %q", c.AccountURL(), stored)
	}
	ctx := within(t, time.Minute)
	if asked, err := c.askAccountURL(ctx); err != nil || asked != stored {
		t.Errorf("the CA says %q of the key, certbot stored %q; %v", asked, stored, err)
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

// certbotDies runs certbot until its hook, which runs right after the order,
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

// debian finds a Debian program, or skips the test: only CI certainly has it.
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

// TestLineTime reads dates as the two clients write them.
func TestLineTime(t *testing.T) {
	for line, want := range map[string]string{
		"2026-11-21 14:34:41,311:DEBUG:acme.client:Received response:": "2026-11-21 14:34:41",
		"[Sat Nov 21 14:34:01 UTC 2026] Le_LinkOrder='x'":              "2026-11-21 14:34:01",
		"[Sun Nov  1 04:34:01 MSK 2026] Le_LinkOrder='x'":              "2026-11-01 04:34:01",
		"[Sat 21 Nov 2026 02:34:01 PM UTC] Le_LinkOrder='x'":           "2026-11-21 02:34:01",
		"[Сб 21 ноя 2026 14:34:01 MSK] Le_LinkOrder='x'":               "2026-11-21 14:34:01",
		"[Пт мая  1 14:34:01 MSK 2026] Le_LinkOrder='x'":               "2026-05-01 14:34:01",
		"[Сб. нояб. 21 14:34:01 MSK 2026] Le_LinkOrder='x'":            "2026-11-21 14:34:01",
		"[2026] is no date at all":                                     "",
		"[Sat Nov 99 14:34:01 UTC 2026] nor is this":                   "",
		"2026-11-21T14:34:41Z, in another form":                        "",
		`  "expires": "2026-11-22T14:33:38Z",`:                         "",
		"":                                                             "",
	} {
		got := ""
		if at := lineTime([]byte(line)); !at.IsZero() {
			got = at.Format(time.DateTime)
		}
		if got != want {
			t.Errorf("%q is of %q, want %q", line, got, want)
		}
	}
}

// BenchmarkLog reads a debug log of acme.sh.
func BenchmarkLog(b *testing.B) {
	text, err := os.ReadFile(filepath.Join("testdata", "acmesh-debug2.log"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c := newCollector()
		if err := c.lines(b.Context(), "log", bufio.NewReader(bytes.NewReader(text))); err != nil {
			b.Fatal(err)
		}
	}
}
