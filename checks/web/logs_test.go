package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var failedAt = time.Date(2026, 11, 21, 4, 12, 30, 0, time.FixedZone("MSK", 3*3600))

// remoteTimeout is the CA's text if its remote validators could not connect.
const remoteTimeout = "During secondary validation: 198.51.100.7: Fetching http://client.ru/.well-known/acme-challenge/tok: Timeout during connect (likely firewall problem)"

// entry is a line of the combined format.
func entry(source string, at time.Time, target string, status int) string {
	return fmt.Sprintf("%s - - [%s] \"GET %s HTTP/1.1\" %d 87 \"-\" \"Mozilla/5.0 (compatible; Let's Encrypt validation server)\"\n",
		source, at.Format(clfTime), target, status)
}

// validators returns lines of n of the CA's servers for one token.
func validators(n int, token string, status ...int) string {
	var b strings.Builder
	for i := range n {
		source := fmt.Sprintf("23.178.112.%d", i+1)
		if i%2 == 1 {
			source = fmt.Sprintf("2600:3000:2710:%d::1d", i)
		}
		b.WriteString(entry(source, failedAt.Add(time.Duration(i-20)*time.Second), challengePath+token, status[i%len(status)]))
	}
	return b.String()
}

func TestParseLine(t *testing.T) {
	at := time.Date(2026, 11, 21, 1, 12, 1, 0, time.UTC)
	good := Visit{Time: at, Source: netip.MustParseAddr("23.178.112.1"), Token: "tok_EN-1", Status: 200}
	v6 := good
	v6.Source = netip.MustParseAddr("2600:3000::1d")
	tests := []struct {
		line string
		want *Visit
	}{
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/tok_EN-1 HTTP/1.1" 200 87 "-" "x"`, &good},
		{`2600:3000::1d - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/tok_EN-1 HTTP/1.1" 200 87 "-" "x"`, &v6},
		{`23.178.112.1 - bob [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/%74ok_EN-1?a=b HTTP/1.1" 200 87`, &good},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /%2Ewell-known/acme%2dchallenge/tok_EN-1" 200 87`, &good},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET http://client.ru/.well-known/acme-challenge/tok_EN-1 HTTP/1.1" 200`, &good},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/../tok HTTP/1.1" 200 87`, nil},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/\x22tok HTTP/1.1" 200 87`, nil},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/ HTTP/1.1" 200 87`, nil},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /?x=/.well-known/acme-challenge/tok HTTP/1.1" 200 87`, nil},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET / HTTP/1.1" 200 87 "/.well-known/acme-challenge/tok" "x"`, nil},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "\x16\x03\x01" 400 87`, nil},
		{`client.ru - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/tok HTTP/1.1" 200 87`, nil},
		{`23.178.112.1 - - [yesterday] "GET /.well-known/acme-challenge/tok HTTP/1.1" 200 87`, nil},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/tok HTTP/1.1" - 87`, nil},
		{`23.178.112.1 - - [21/Nov/2026:04:12:01 +0300] "GET /.well-known/acme-challenge/tok`, nil},
		{``, nil},
	}
	for _, tt := range tests {
		got, ok := parseLine([]byte(tt.line))
		if ok != (tt.want != nil) {
			t.Errorf("%s\ngives %v, %v", tt.line, got, ok)
			continue
		}
		if ok && (got.Source != tt.want.Source || got.Token != tt.want.Token || got.Status != tt.want.Status || !got.Time.Equal(tt.want.Time)) {
			t.Errorf("%s\ngives %+v", tt.line, got)
		}
	}
}

// TestCame checks what follows from the requests in a log, for an order that
// failed because the CA's remote validators could not connect.
func TestCame(t *testing.T) {
	own := entry("203.0.113.1", failedAt, challengePath+tokenPrefix+"X", 200)
	old := entry("203.0.113.1", failedAt.Add(-24*time.Hour), challengePath+"tok", 200)
	local := entry("127.0.0.1", failedAt, challengePath+"tok", 200)
	ours := entry("192.0.2.80", failedAt, challengePath+"tok", 200)
	curl := strings.ReplaceAll(entry("198.51.100.9", failedAt, challengePath+"tok", 200), "Let's Encrypt validation server", "curl/8.5")
	page := entry("23.178.112.1", failedAt.Add(-2*time.Hour), "/contacts", 200)
	tests := []struct {
		name string
		log  string
		want string // code, pattern, sources
	}{
		{"nobody came", own + old, ""},
		{"all came", validators(6, "tok", 200), ""},
		{"as many as there must be", validators(5, "tok", 200), ""},
		{"one remote of four missing, which the CA allows", validators(4, "tok", 200), ""},
		{"only the primary", validators(1, "tok", 200) + own, "web.blocked primary 1"},
		{"three of them", validators(3, "tok", 200), "web.blocked some 3"},
		{"three of them, and a colleague with curl", validators(3, "tok", 200) + curl, "web.blocked some 3"},
		{"the primary and another server of ours", validators(1, "tok", 200) + ours, "web.blocked primary 1"},
		{"only another server of ours", ours + ours, ""},
		{"http and https lines of the primary", validators(1, "tok", 301) + validators(1, "tok", 200), "web.blocked primary 1"},
		{"only the redirects are logged here", validators(3, "tok", 301), ""},
		{"the primary got 404", validators(1, "tok", 404), ""},
		{"the primary got 503", validators(1, "tok", 503), ""},
		{"every other one got 503", validators(6, "tok", 200, 503), "web.flapping half 6"},
		{"an alias passed", validators(1, "tok", 200) + validators(6, "other", 200), ""},
		{"behind a balancer of ours", local + local, ""},
		{"one source that fetched it thrice", strings.Repeat(validators(1, "tok", 200), 3), ""},
		{"one source that also reads pages: a front", page + validators(1, "tok", 200), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fromLog(t, tt.log, remoteTimeout); got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

// fromLog returns what a log shows of an order that failed with a text: code,
// pattern and the number of sources.
func fromLog(t *testing.T, log, text string) string {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "client.ru.access.log"), log)
	logs := NewAccessLogs(LogOptions{Paths: []string{dir + "/*.access.log"}, Own: []netip.Addr{netip.MustParseAddr("192.0.2.80")}})
	found, err := logs.Sources(t.Context(), name, Order{Time: failedAt, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, f := range found {
		got = fmt.Sprintf("%s %v %v", f.Code, f.Args["pattern"], f.Args["sources"])
	}
	return got
}

// TestProof: one visit proves a firewall only if the CA says that its remote
// validators could not connect.
func TestProof(t *testing.T) {
	const path = "http://client.ru/.well-known/acme-challenge/tok: "
	for text, want := range map[string]string{
		remoteTimeout: "web.blocked primary 1",
		"During secondary validation: 198.51.100.7: Fetching " + path + "Connection refused":                                            "web.blocked primary 1",
		"During secondary validation: 198.51.100.7: Fetching " + path + "Connection reset by peer":                                      "web.blocked primary 1",
		"www.client.ru: During secondary validation: DNS problem: SERVFAIL looking up A for www.client.ru\nclient.ru: " + remoteTimeout: "web.blocked primary 1",
		"During secondary validation: DNS problem: query timed out looking up A for client.ru":                                          "",
		"During secondary validation: DNS problem: networking error looking up CAA for client.ru":                                       "",
		"During secondary validation: While processing CAA for client.ru: DNS problem: query timed out looking up CAA for client.ru":    "",
		"During secondary validation: 198.51.100.7: Invalid response from " + path + "503":                                              "",
		"198.51.100.7: Fetching " + path + "Timeout during connect (likely firewall problem)":                                           "",
		"Error finalizing order :: OCSP must-staple extension is no longer available":                                                   "",
		"": "",
	} {
		if got := fromLog(t, validators(1, "tok", 200), text); got != want {
			t.Errorf("%s\nfound %q, want %q", text, got, want)
		}
	}
}

// TestNeeded is the CA's table of how many validators must succeed.
func TestNeeded(t *testing.T) {
	for all, want := range map[int]int{1: 1, 2: 2, 3: 2, 5: 4, 6: 5, 7: 5, 9: 7} {
		if got := needed(all); got != want {
			t.Errorf("of %d, %d are needed, want %d", all, got, want)
		}
	}
}

// TestTokens counts only requests for the order's tokens, if these are known.
func TestTokens(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "client.ru", "log"), validators(6, "other", 200)+validators(2, "tok", 200))
	logs := NewAccessLogs(LogOptions{Paths: []string{dir + "/none/*.log", dir + "/*/log"}})
	if _, err := logs.Sources(t.Context(), name, Order{Time: failedAt}); err == nil {
		t.Error("a folder that is not there is no error")
	}
	logs = NewAccessLogs(LogOptions{Paths: []string{dir + "/*.log", dir + "/*/log"}})
	found, err := logs.Sources(t.Context(), name, Order{Time: failedAt, Text: remoteTimeout, Tokens: []string{"tok"}})
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, err %v", found, err)
	}
	want := []string{"23.178.112.1", "2600:3000:2710:1::1d"}
	if diff := cmp.Diff(want, found[0].Args["addresses"]); diff != "" {
		t.Error(diff)
	}
}

// TestRotated reads the most recently rotated log, packed or not, and only the
// end of a long one.
func TestRotated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "client.ru.log")
	noise := strings.Repeat(entry("198.51.100.7", failedAt.Add(-time.Hour), "/index.html", 200), 30000)
	half := strings.Repeat("x", 3*longestLine) + "\n"
	put(t, path, noise+half+validators(1, "tok", 200))
	put(t, path+".1", validators(2, "tok", 200))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, validators(4, "tok", 200))
	z.Close()
	put(t, path+".1.gz", packed.String())
	logs := NewAccessLogs(LogOptions{Paths: []string{dir + "/*.log"}})
	visits, err := logs.Visits(t.Context(), name, Order{Time: failedAt})
	if err != nil || len(visits) != 1+2+4 {
		t.Errorf("%d visits, err %v", len(visits), err)
	}
	logs = NewAccessLogs(LogOptions{Paths: []string{dir + "/*.log"}, MaxBytes: 200})
	if visits, _ = logs.Visits(t.Context(), name, Order{Time: failedAt}); len(visits) >= 7 {
		t.Errorf("%d visits in 200 bytes", len(visits))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := logs.Visits(ctx, name, Order{Time: failedAt}); !errors.Is(err, context.Canceled) {
		t.Errorf("err %v", err)
	}
}

// TestBeginning skips what was written before the period.
func TestBeginning(t *testing.T) {
	old := strings.Repeat(entry("198.51.100.7", failedAt.Add(-time.Hour), "/", 200), 4*step/120)
	log := old + validators(6, "tok", 200)
	start, err := beginning(strings.NewReader(log), int64(len(log)), failedAt.Add(-before), 64<<20)
	if err != nil || start < int64(len(log)-step) || start > int64(len(old)) {
		t.Errorf("starts at %d of %d, err %v", start, len(log), err)
	}
}

// TestHostileFolders: links out of the folder are not followed, a pipe does not
// block, a name that is a path is refused.
func TestHostileFolders(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	put(t, secret, validators(1, "tok", 200))
	if err := os.Symlink(secret, filepath.Join(dir, "client.ru.log")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.ru.log"), 0o600); err != nil {
		t.Fatal(err)
	}
	logs := NewAccessLogs(LogOptions{Paths: []string{dir + "/*.log"}})
	for _, name := range []string{"client.ru", "pipe.ru", "../x", "", ".."} {
		found, err := logs.Sources(t.Context(), name, Order{Time: failedAt})
		if err == nil || len(found) > 0 {
			t.Errorf("%q: found %v, err %v", name, found, err)
		}
	}
	if _, err := logs.Visits(t.Context(), "other.ru", Order{Time: failedAt}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("err %v", err)
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
