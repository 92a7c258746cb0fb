package account

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
			for kind, list := range map[string][]Seen{"a": found.URLs, "o": found.Orders, "s": found.Stale} {
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

// TestFindFiles shows which files are read: rotated and packed ones, acme.sh's
// state around a key, and no other.
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

// TestFindNothing tells apart why a search was in vain.
func TestFindNothing(t *testing.T) {
	folder := t.TempDir()
	stock := filepath.Join(folder, "stock.log")
	writeFile(t, stock, "[Sat Nov 21 14:34:01 UTC 2026] Verifying: client.example\n", 0o600)
	broken := filepath.Join(folder, "broken.log.gz")
	writeFile(t, broken, "this is no archive", 0o600)
	old := filepath.Join(folder, "old.log")
	writeFile(t, old, "https://ca.example/acme/authz/1/2", 0o600)
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	grown := filepath.Join(folder, "grown.log")
	writeFile(t, grown, "[Sat Nov 21 14:34:01 UTC 2020] https://ca.example/acme/authz/1/2\n", 0o600)
	since := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
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
		{"an old file", Sources{Logs: []string{old}, Since: since}, HintNothing, SkipOld},
		{"old lines", Sources{Logs: []string{grown}, Since: since}, HintNothing, ""},
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
// beginning of a packed one.
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

func urlsOf(seen []Seen) []string {
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
